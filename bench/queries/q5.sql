-- Hot items: the auctions with the most bids of the last 10 seconds, every 2 seconds.
CREATE TABLE q5_sink (
  auction BIGINT,
  num BIGINT
) WITH ('connector' = 'blackhole');
INSERT INTO q5_sink
SELECT N.auction, N.num
FROM (
  SELECT auction, COUNT(*) AS num, window_start, window_end
  FROM TABLE(HOP(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
  GROUP BY auction, window_start, window_end
) AS N
JOIN (
  SELECT MAX(num) AS num, window_start, window_end
  FROM (
    SELECT COUNT(*) AS num, window_start, window_end
    FROM TABLE(HOP(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
    GROUP BY auction, window_start, window_end
  )
  GROUP BY window_start, window_end
) AS M
ON N.window_start = M.window_start AND N.window_end = M.window_end AND N.num >= M.num;
