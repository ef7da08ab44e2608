-- 5 rows
SET 'table.exec.state.ttl' = '1 d';
CREATE TABLE o (best INT, users BIGINT, least STRING, PRIMARY KEY (best) NOT ENFORCED) WITH ('connector' = 'blackhole');
INSERT INTO o SELECT best, COUNT(*), MIN(usr) FROM (SELECT usr, MAX(price) AS best FROM bids GROUP BY usr) GROUP BY best;
