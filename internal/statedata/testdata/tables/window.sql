-- 5 rows
CREATE TABLE o (window_end TIMESTAMP(3), usr STRING, n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO o SELECT window_end, usr, COUNT(DISTINCT item) FROM TUMBLE(TABLE bids, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, window_end, usr;
