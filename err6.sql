SET 'state.backend.type' = 'mem';
SET 'memory.size' = '24mb';
CREATE TABLE g (id BIGINT, k BIGINT, s STRING, ts AS TO_TIMESTAMP_LTZ(id, 3), WATERMARK FOR ts AS ts - INTERVAL '1' HOUR) WITH ('connector'='datagen', 'rows-per-second'='1000000000', 'fields.id.kind'='sequence', 'fields.id.start'='1', 'fields.id.end'='3000000', 'fields.k.kind'='sequence', 'fields.k.start'='1', 'fields.k.end'='3000000', 'fields.s.length'='20');
CREATE TABLE o (id BIGINT, n BIGINT) WITH ('connector'='blackhole');
CREATE VIEW v AS SELECT * FROM g;
INSERT INTO o SELECT a, b FROM g MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.id AS a, B.id AS b PATTERN (A B) DEFINE B AS B.id < 0);
