-- 5 rows
CREATE TABLE k (n BIGINT, usr STRING, PRIMARY KEY (n) NOT ENFORCED) WITH ('connector' = 'blackhole');
SET 'table.exec.sink.upsert-materialize' = 'FORCE';
INSERT INTO k SELECT COUNT(*), usr FROM bids GROUP BY usr;
