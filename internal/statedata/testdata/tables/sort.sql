-- 5 rows
CREATE TABLE o (usr STRING, ts TIMESTAMP(3)) WITH ('connector' = 'blackhole');
INSERT INTO o SELECT usr, ts FROM bids ORDER BY ts;
