-- Average price per category: an aggregate of the changes of an aggregate over a join.
CREATE TABLE q4_sink (
  id BIGINT,
  final BIGINT
) WITH ('connector' = 'blackhole');
INSERT INTO q4_sink
SELECT category, AVG(final)
FROM (
  SELECT A.category, MAX(B.price) AS final
  FROM auction AS A
  JOIN bid AS B ON A.id = B.auction
  WHERE B.`dateTime` BETWEEN A.`dateTime` AND A.expires
  GROUP BY A.id, A.category
)
GROUP BY category;
