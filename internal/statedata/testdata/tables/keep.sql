-- 5 rows
CREATE TABLE o (usr STRING, n BIGINT, r BOOLEAN) WITH ('connector' = 'print', 'standard-error' = 'true');
INSERT INTO o SELECT usr, n, RAND() < 2 FROM (SELECT usr, COUNT(*) AS n FROM bids GROUP BY usr);
