-- 5 rows
CREATE TABLE o (usr STRING, a INT, b INT) WITH ('connector' = 'blackhole');
INSERT INTO o SELECT * FROM bids MATCH_RECOGNIZE (PARTITION BY usr ORDER BY ts MEASURES A.price AS a, B.price AS b PATTERN (A B) DEFINE B AS B.price > A.price);
