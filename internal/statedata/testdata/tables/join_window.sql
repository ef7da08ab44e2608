-- 5 rows
CREATE TABLE o (a STRING, b STRING) WITH ('connector' = 'blackhole');
INSERT INTO o SELECT a.usr, b.usr FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' DAY) a JOIN TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' DAY) b
ON a.window_start = b.window_start AND a.window_end = b.window_end AND a.item = b.item;
