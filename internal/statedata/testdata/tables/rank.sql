-- 5 rows
CREATE TABLE o (usr STRING, price INT, n BIGINT) WITH ('connector' = 'print', 'standard-error' = 'true');
INSERT INTO o SELECT usr, price, n FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY price DESC) AS n FROM bids) WHERE n <= 2;
