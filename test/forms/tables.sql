CREATE TABLE T (id BIGINT, k STRING, v DOUBLE, cnt INT, arr ARRAY<INT>, mp MAP<STRING, INT>, js STRING, ts TIMESTAMP(3), pt AS PROCTIME(),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'filesystem', 'path' = '${DATA}/t.json', 'format' = 'json');
CREATE TABLE B (id BIGINT, k STRING, v DOUBLE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '${DATA}/b.json', 'format' = 'json');
CREATE TABLE U (id BIGINT PRIMARY KEY NOT ENFORCED, k STRING, v DOUBLE, cnt INT, arr ARRAY<INT>, mp MAP<STRING, INT>, js STRING, ts TIMESTAMP(3), pt AS PROCTIME(),
  WATERMARK FOR ts AS ts - INTERVAL '1' HOUR) WITH ('connector' = 'filesystem', 'path' = '${DATA}/u.json', 'format' = 'debezium-json');
CREATE TABLE V (id BIGINT PRIMARY KEY NOT ENFORCED, v DOUBLE, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
  WITH ('connector' = 'filesystem', 'path' = '${DATA}/v.json', 'format' = 'debezium-json');
CREATE TABLE L (id BIGINT, name STRING) WITH ('connector' = 'filesystem', 'path' = '${DATA}/l.json', 'format' = 'json');
CREATE VIEW VV AS SELECT id, v, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY ts DESC) AS rn FROM B) WHERE rn = 1;
CREATE VIEW KN AS SELECT k, COUNT(*) AS n FROM B GROUP BY k;
