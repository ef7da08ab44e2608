-- 5 rows
CREATE TABLE o (usr STRING, n BIGINT, t INT) WITH ('connector' = 'blackhole');
INSERT INTO o SELECT usr, COUNT(*), SUM(price) FROM SESSION(TABLE bids PARTITION BY usr, DESCRIPTOR(ts), INTERVAL '2' HOUR) GROUP BY usr, window_start, window_end;
