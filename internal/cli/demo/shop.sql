-- An online shop's books. The same text runs as a stream, while the files of a day
-- arrive in the folder 'in', and as a batch, over a whole day's files.

-- What the shop's servers write: when something happened (ts) and when they heard of
-- it (arrived). Phones lose their connection, so the two differ, and rows come out
-- of order.
CREATE TABLE orders (
  order_id BIGINT, user_id BIGINT, bucket STRING, category STRING, item STRING, quantity INT, price DECIMAL(10, 2),
  ts TIMESTAMP(3), arrived TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = 'in/orders', 'format' = 'json',
  'source.monitor-interval' = '100 ms', 'source.file-order' = 'name', 'scan.parallelism' = '1');

CREATE TABLE page_views (
  view_id BIGINT, user_id BIGINT, bucket STRING, item STRING, ts TIMESTAMP(3), arrived TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = 'in/page_views', 'format' = 'csv',
  'source.monitor-interval' = '100 ms', 'source.file-order' = 'name', 'scan.parallelism' = '1');

CREATE TABLE clicks (
  click_id BIGINT, user_id BIGINT, bucket STRING, item STRING, ts TIMESTAMP(3), arrived TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE
) WITH ('connector' = 'filesystem', 'path' = 'in/clicks', 'format' = 'csv',
  'source.monitor-interval' = '100 ms', 'source.file-order' = 'name', 'scan.parallelism' = '1');

-- The rule of the books: what arrives a minute late, or later, does not count; it is
-- written down in late_events. The watermark waits for that minute, so a stream
-- drops nothing that the rule lets pass. (Rows with the number 0 carry no business:
-- they tell that the day is over.)
CREATE VIEW timely_orders AS SELECT * FROM orders WHERE order_id > 0 AND arrived < ts + INTERVAL '1' MINUTE;
CREATE VIEW timely_views AS SELECT * FROM page_views WHERE view_id > 0 AND arrived < ts + INTERVAL '1' MINUTE;
CREATE VIEW timely_clicks AS SELECT * FROM clicks WHERE click_id > 0 AND arrived < ts + INTERVAL '1' MINUTE;

CREATE VIEW actions AS
SELECT bucket, user_id, 'view' AS what, ts FROM timely_views
UNION ALL SELECT bucket, user_id, 'click', ts FROM timely_clicks
UNION ALL SELECT bucket, user_id, 'order', ts FROM timely_orders;

-- The reports: files of CSV that appear when a checkpoint completes.
CREATE TABLE sales_per_minute (minute_start TIMESTAMP(3), orders BIGINT, items BIGINT, revenue DECIMAL(20, 2))
WITH ('connector' = 'filesystem', 'path' = 'out/sales_per_minute', 'format' = 'csv');
CREATE TABLE sales_total (until TIMESTAMP(3), orders BIGINT, items BIGINT, revenue DECIMAL(20, 2))
WITH ('connector' = 'filesystem', 'path' = 'out/sales_total', 'format' = 'csv');
CREATE TABLE top_items (hour_start TIMESTAMP(3), category STRING, place BIGINT, item STRING, revenue DECIMAL(20, 2))
WITH ('connector' = 'filesystem', 'path' = 'out/top_items', 'format' = 'csv');
CREATE TABLE conversion (hour_start TIMESTAMP(3), bucket STRING, visitors BIGINT, clickers BIGINT, buyers BIGINT, percentage DECIMAL(5, 2))
WITH ('connector' = 'filesystem', 'path' = 'out/conversion', 'format' = 'csv');
CREATE TABLE late_events (kind STRING, id BIGINT, ts TIMESTAMP(3), arrived TIMESTAMP(3))
WITH ('connector' = 'filesystem', 'path' = 'out/late_events', 'format' = 'csv');

EXECUTE STATEMENT SET BEGIN

INSERT INTO sales_per_minute
SELECT window_start, COUNT(*), SUM(quantity), SUM(quantity * price)
FROM TABLE(TUMBLE(TABLE timely_orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end;

-- the day so far, every hour
INSERT INTO sales_total
SELECT window_end, COUNT(*), SUM(quantity), SUM(quantity * price)
FROM TABLE(CUMULATE(TABLE timely_orders, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '1' DAY))
GROUP BY window_start, window_end;

INSERT INTO top_items
SELECT window_start, category, place, item, revenue
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, category ORDER BY revenue DESC, item) AS place
  FROM (
    SELECT window_start, window_end, category, item, SUM(quantity * price) AS revenue
    FROM TABLE(TUMBLE(TABLE timely_orders, DESCRIPTOR(ts), INTERVAL '1' HOUR))
    GROUP BY window_start, window_end, category, item
  )
)
WHERE place <= 3;

-- of the users who looked at something in an hour, how many bought
INSERT INTO conversion
SELECT window_start, bucket, visitors, clickers, buyers, CAST(100.0 * buyers / visitors AS DECIMAL(5, 2))
FROM (
  SELECT window_start, window_end, bucket,
    COUNT(DISTINCT user_id) FILTER (WHERE what = 'view') AS visitors,
    COUNT(DISTINCT user_id) FILTER (WHERE what = 'click') AS clickers,
    COUNT(DISTINCT user_id) FILTER (WHERE what = 'order') AS buyers
  FROM TABLE(TUMBLE(TABLE actions, DESCRIPTOR(ts), INTERVAL '1' HOUR))
  GROUP BY window_start, window_end, bucket
)
WHERE visitors > 0;

INSERT INTO late_events
SELECT 'order', order_id, ts, arrived FROM orders WHERE order_id > 0 AND arrived >= ts + INTERVAL '1' MINUTE
UNION ALL SELECT 'view', view_id, ts, arrived FROM page_views WHERE view_id > 0 AND arrived >= ts + INTERVAL '1' MINUTE
UNION ALL SELECT 'click', click_id, ts, arrived FROM clicks WHERE click_id > 0 AND arrived >= ts + INTERVAL '1' MINUTE;

END;
