-- A side table that is looked up by key.
CREATE TABLE side_input (
  key BIGINT,
  `value` STRING
) WITH ('connector' = 'filesystem', 'path' = '${DIR}/side_input.csv', 'format' = 'csv');
CREATE TEMPORARY VIEW q13_bid AS SELECT *, PROCTIME() AS p_time FROM bid;
CREATE TABLE q13_sink (
  auction BIGINT,
  bidder BIGINT,
  price BIGINT,
  `dateTime` TIMESTAMP(3),
  `value` STRING
) WITH ('connector' = 'blackhole');
INSERT INTO q13_sink
SELECT B.auction, B.bidder, B.price, B.`dateTime`, S.`value`
FROM q13_bid AS B
JOIN side_input FOR SYSTEM_TIME AS OF B.p_time AS S ON MOD(B.auction, 10000) = S.key;
