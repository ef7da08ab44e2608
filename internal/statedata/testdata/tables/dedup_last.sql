-- 5 rows
SET 'table.exec.state.ttl' = '1 d';
CREATE TABLE o (usr STRING, price INT) WITH ('connector' = 'print', 'standard-error' = 'true');
INSERT INTO o SELECT usr, price FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY usr ORDER BY ts DESC) AS n FROM bids) WHERE n = 1;
