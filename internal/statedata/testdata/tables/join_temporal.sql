-- 5 rows
CREATE TABLE o (a STRING, b INT) WITH ('connector' = 'blackhole');
CREATE VIEW rates AS SELECT item, price, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY item ORDER BY ts DESC) AS n FROM bids) WHERE n = 1;
INSERT INTO o SELECT a.usr, r.price FROM bids a JOIN rates FOR SYSTEM_TIME AS OF a.ts AS r ON a.item = r.item;
