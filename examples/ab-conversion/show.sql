-- What the job has written as Parquet.
CREATE TABLE sales (
  view_id BIGINT, bucket STRING, purchase_id BIGINT, amount DECIMAL(10, 2)
) WITH ('connector' = 'filesystem', 'path' = 'out/sales', 'format' = 'parquet');

SELECT * FROM sales;
