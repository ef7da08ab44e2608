-- What the cases read and write. Nothing of it runs.
CREATE TABLE bid (auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, ts TIMESTAMP(3), extra STRING,
  pt AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND) WITH ('connector' = 'datagen');
CREATE TABLE auction (id BIGINT, item STRING, seller BIGINT, ts TIMESTAMP(3), expires TIMESTAMP(3),
  WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen');
CREATE TABLE emp (id INT, name STRING, dept STRING, salary DECIMAL(10, 2), hired DATE, mgr INT, bonus DOUBLE, active BOOLEAN)
  WITH ('connector' = 'filesystem', 'path' = 'emp.csv', 'format' = 'csv');
CREATE TABLE dept (dept STRING, title STRING, city STRING) WITH ('connector' = 'filesystem', 'path' = 'dept.csv', 'format' = 'csv');
CREATE TABLE rates (cur STRING, rate DECIMAL(6, 2), rt TIMESTAMP(3), WATERMARK FOR rt AS rt) WITH ('connector' = 'datagen');
CREATE TABLE rec (id INT, doc STRING, p ROW<name STRING, addr ROW<city STRING, zip INT>>, tags ARRAY<STRING>, m MAP<STRING, INT>)
  WITH ('connector' = 'filesystem', 'path' = 'rec.json', 'format' = 'json');
CREATE TABLE sink (id INT, label STRING, d DATE NOT NULL) WITH ('connector' = 'blackhole');
CREATE TABLE files (name STRING, n BIGINT) WITH ('connector' = 'filesystem', 'path' = 'out', 'format' = 'csv');
CREATE TABLE parts (id INT, name STRING, dy STRING) PARTITIONED BY (dy) WITH ('connector' = 'filesystem', 'path' = 'parts', 'format' = 'csv');
CREATE VIEW staff AS SELECT id, name, dept FROM emp WHERE salary IS NOT NULL;
