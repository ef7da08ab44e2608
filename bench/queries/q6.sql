-- Average selling price of a seller's last 10 auctions. Flink runs it in batch mode only.
CREATE TABLE q6_sink (
  seller BIGINT,
  average BIGINT
) WITH ('connector' = 'blackhole');
INSERT INTO q6_sink
SELECT seller, AVG(price) OVER (PARTITION BY seller ORDER BY `dateTime` ROWS BETWEEN 10 PRECEDING AND CURRENT ROW)
FROM (
  SELECT *
  FROM (
    SELECT A.seller, B.price, B.`dateTime`,
      ROW_NUMBER() OVER (PARTITION BY A.id, A.seller ORDER BY B.price DESC) AS place
    FROM auction AS A
    JOIN bid AS B ON A.id = B.auction
    WHERE B.`dateTime` BETWEEN A.`dateTime` AND A.expires
  )
  WHERE place <= 1
);
