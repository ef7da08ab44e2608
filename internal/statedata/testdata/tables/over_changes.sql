-- 5 rows
CREATE TABLE o (usr STRING, a INT) WITH ('connector' = 'print', 'standard-error' = 'true');
INSERT INTO o SELECT usr, SUM(price) OVER (PARTITION BY usr ORDER BY price) FROM bids;
