-- 3 rows
SET 'table.exec.source.cdc-events-duplicate' = 'true';
CREATE TABLE o (usr STRING, price INT) WITH ('connector' = 'print', 'standard-error' = 'true');
CREATE TABLE changes (usr STRING, price INT, PRIMARY KEY (usr) NOT ENFORCED)
WITH ('connector' = 'filesystem', 'path' = 'CHANGES', 'format' = 'canal-json', 'source.monitor-interval' = '20 ms');
INSERT INTO o SELECT usr, price FROM changes;
