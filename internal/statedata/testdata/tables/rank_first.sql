-- 5 rows
CREATE TABLE o (usr STRING, price INT) WITH ('connector' = 'print', 'standard-error' = 'true');
INSERT INTO o SELECT usr, price FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY price DESC) AS n FROM bids) WHERE n = 1;
