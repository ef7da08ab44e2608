-- The two products of each category with the highest revenue. A negative quantity takes
-- goods back, so revenue goes down too, and products leave the list again.
CREATE TABLE orders (
  order_id BIGINT, product STRING, category STRING, quantity INT, price DECIMAL(10, 2)
) WITH ('connector' = 'filesystem', 'path' = 'data/orders.csv', 'format' = 'csv');

SELECT category, place, product, revenue
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY category ORDER BY revenue DESC) AS place
  FROM (
    SELECT category, product, SUM(quantity * price) AS revenue
    FROM orders
    GROUP BY category, product
  )
)
WHERE place <= 2;
