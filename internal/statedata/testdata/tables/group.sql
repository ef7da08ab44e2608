-- 5 rows
CREATE TABLE o (usr STRING, cnt BIGINT, total INT, mean INT, items BIGINT, PRIMARY KEY (usr) NOT ENFORCED) WITH ('connector' = 'blackhole');
INSERT INTO o SELECT usr, COUNT(*), SUM(price), AVG(price), COUNT(DISTINCT item) FROM bids GROUP BY usr;
