-- 5 rows
CREATE TABLE o (a BIGINT, b INT, c STRING, d DOUBLE, e ARRAY<STRING>, PRIMARY KEY (a) NOT ENFORCED) WITH ('connector' = 'blackhole');
INSERT INTO o SELECT COUNT(item) FILTER (WHERE price > 6) , MAX(price), MIN(usr), STDDEV_POP(CAST(price AS DOUBLE)), ARRAY_AGG(usr) FROM bids;
