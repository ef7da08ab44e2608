-- Which bucket of an A/B test sells better: of the page views of an hour, how many led
-- to a purchase by the same user within 15 minutes?
CREATE TABLE page_views (
  view_id BIGINT, user_name STRING, bucket STRING, viewed TIMESTAMP(3),
  WATERMARK FOR viewed AS viewed - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = 'data/views.csv', 'format' = 'csv');

CREATE TABLE purchases (
  purchase_id BIGINT, user_name STRING, amount DECIMAL(10, 2), bought TIMESTAMP(3),
  WATERMARK FOR bought AS bought - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = 'data/purchases.csv', 'format' = 'csv');

-- A view with the purchase that it led to, or without one.
CREATE VIEW outcomes AS
SELECT v.view_id, v.bucket, v.viewed, p.purchase_id, p.amount
FROM page_views AS v
LEFT JOIN purchases AS p
ON v.user_name = p.user_name AND p.bought BETWEEN v.viewed AND v.viewed + INTERVAL '15' MINUTE;

CREATE TABLE conversion (
  hour_start TIMESTAMP(3), bucket STRING, seen BIGINT, sold BIGINT, percentage DECIMAL(5, 2), revenue DECIMAL(20, 2)
) WITH ('connector' = 'filesystem', 'path' = 'out/conversion', 'format' = 'csv');

CREATE TABLE sales (
  view_id BIGINT, bucket STRING, purchase_id BIGINT, amount DECIMAL(10, 2)
) WITH ('connector' = 'filesystem', 'path' = 'out/sales', 'format' = 'parquet');

-- Both results come from one job, which joins once.
EXECUTE STATEMENT SET BEGIN

INSERT INTO conversion
SELECT window_start, bucket, COUNT(DISTINCT view_id), COUNT(purchase_id),
  CAST(100.0 * COUNT(purchase_id) / COUNT(DISTINCT view_id) AS DECIMAL(5, 2)), SUM(amount)
FROM TABLE(TUMBLE(TABLE outcomes, DESCRIPTOR(viewed), INTERVAL '1' HOUR))
GROUP BY window_start, window_end, bucket;

INSERT INTO sales
SELECT view_id, bucket, purchase_id, amount FROM outcomes WHERE purchase_id IS NOT NULL;

END;
