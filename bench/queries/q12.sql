-- Windows of processing time: bids of a bidder in 10 seconds of the clock.
CREATE TEMPORARY VIEW q12_bid AS SELECT *, PROCTIME() AS p_time FROM bid;
CREATE TABLE q12_sink (
  bidder BIGINT,
  bid_count BIGINT,
  starttime TIMESTAMP(3),
  endtime TIMESTAMP(3)
) WITH ('connector' = 'blackhole');
INSERT INTO q12_sink
SELECT bidder, COUNT(*) AS bid_count, window_start AS starttime, window_end AS endtime
FROM TABLE(TUMBLE(TABLE q12_bid, DESCRIPTOR(p_time), INTERVAL '10' SECOND))
GROUP BY bidder, window_start, window_end;
