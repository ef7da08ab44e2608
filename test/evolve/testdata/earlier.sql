CREATE TABLE src (id BIGINT, k AS CAST(MOD(id, 10) AS INT), v AS id, ts AS TO_TIMESTAMP_LTZ(id * 1000, 3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)
  WITH ('connector'='datagen', 'rows-per-second'='600', 'fields.id.kind'='sequence', 'fields.id.start'='1', 'fields.id.end'='1200');
CREATE TABLE totals (k INT, n BIGINT, total BIGINT) WITH ('connector'='filesystem', 'path'='out/totals', 'format'='debezium-json');
CREATE TABLE joined (k INT, n BIGINT, total BIGINT) WITH ('connector'='filesystem', 'path'='out/joined', 'format'='debezium-json');
CREATE TABLE windows (k INT, n BIGINT, total BIGINT) WITH ('connector'='filesystem', 'path'='out/windows', 'format'='debezium-json');
CREATE TABLE firsts (k INT, n BIGINT, total BIGINT) WITH ('connector'='filesystem', 'path'='out/firsts', 'format'='debezium-json');
CREATE TABLE tops (k INT, n BIGINT, total BIGINT) WITH ('connector'='filesystem', 'path'='out/tops', 'format'='debezium-json');
SET 'pipeline.name' = 'earlier';
EXECUTE STATEMENT SET BEGIN
  INSERT INTO totals SELECT k, COUNT(*), SUM(v) FROM src GROUP BY k HAVING COUNT(*) >= 120;
  INSERT INTO joined SELECT a.k, COUNT(*), SUM(b.v) FROM src a JOIN src b ON a.id = b.id GROUP BY a.k HAVING COUNT(*) >= 120;
  INSERT INTO windows SELECT k, SUM(n), SUM(s) FROM (SELECT k, COUNT(*) AS n, SUM(v) AS s FROM TABLE(TUMBLE(TABLE src, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY k, window_start, window_end) GROUP BY k HAVING SUM(n) >= 120;
  INSERT INTO firsts SELECT k, COUNT(*), SUM(v) FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY ts DESC) AS rn FROM src) WHERE rn = 1 GROUP BY k HAVING COUNT(*) >= 120;
  INSERT INTO tops SELECT k, COUNT(*), SUM(v) FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY id ORDER BY v DESC) AS rn FROM src) WHERE rn <= 2 GROUP BY k HAVING COUNT(*) >= 120;
END;
