-- Sales of each minute, from JSON files whose rows are up to ten seconds out of order.
CREATE TABLE orders (
  order_id BIGINT,
  product STRING,
  quantity INT,
  price DECIMAL(10, 2),
  ordered TIMESTAMP(3),
  WATERMARK FOR ordered AS ordered - INTERVAL '10' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'data/orders', 'format' = 'json');

CREATE TABLE sales_per_minute (
  minute_start TIMESTAMP(3),
  orders BIGINT,
  items BIGINT,
  revenue DECIMAL(20, 2)
) WITH ('connector' = 'filesystem', 'path' = 'out/sales_per_minute', 'format' = 'csv');

INSERT INTO sales_per_minute
SELECT window_start, COUNT(*), SUM(quantity), SUM(quantity * price)
FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ordered), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end;
