-- 5 rows
CREATE TABLE o (window_end TIMESTAMP(3), n BIGINT, t INT) WITH ('connector' = 'blackhole');
INSERT INTO o SELECT window_end, COUNT(*), SUM(price) FROM HOP(TABLE bids, DESCRIPTOR(ts), INTERVAL '30' SECOND, INTERVAL '1' MINUTE) GROUP BY window_start, window_end;
