-- 5 rows
CREATE TABLE o (a STRING, b STRING) WITH ('connector' = 'blackhole');
INSERT INTO o SELECT a.usr, b.usr FROM bids a LEFT JOIN bids b ON a.item = b.item AND a.ts BETWEEN b.ts - INTERVAL '1' DAY AND b.ts AND a.price < b.price;
