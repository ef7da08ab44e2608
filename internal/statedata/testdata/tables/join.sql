-- 7 rows
CREATE TABLE o (usr STRING, name STRING) WITH ('connector' = 'blackhole');
INSERT INTO o SELECT usr, name FROM bids JOIN items ON bids.item = items.id;
