-- 5 rows
SET 'table.exec.emit.early-fire.enabled' = 'true';
SET 'table.exec.emit.early-fire.delay' = '0 ms';
CREATE TABLE o (usr STRING, w TIMESTAMP(3), n BIGINT, PRIMARY KEY (usr, w) NOT ENFORCED) WITH ('connector' = 'blackhole');
INSERT INTO o SELECT usr, TUMBLE_END(ts, INTERVAL '1' MINUTE), SUM(price) FROM bids GROUP BY usr, TUMBLE(ts, INTERVAL '1' MINUTE);
