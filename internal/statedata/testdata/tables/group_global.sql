-- 5 rows
SET 'table.exec.mini-batch.enabled' = 'true';
SET 'table.exec.mini-batch.allow-latency' = '1 s';
SET 'table.exec.mini-batch.size' = '100';
SET 'table.optimizer.agg-phase-strategy' = 'TWO_PHASE';
CREATE TABLE o (usr STRING, s INT, d BIGINT, PRIMARY KEY (usr) NOT ENFORCED) WITH ('connector' = 'blackhole');
INSERT INTO o SELECT usr, SUM(price + 1), COUNT(DISTINCT item) FROM bids GROUP BY usr;
