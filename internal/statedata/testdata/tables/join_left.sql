-- 7 rows
CREATE TABLE o (usr STRING, name STRING) WITH ('connector' = 'print', 'standard-error' = 'true');
SET 'table.exec.state.ttl' = '1 d';
INSERT INTO o SELECT usr, name FROM bids LEFT JOIN items ON bids.item = items.id AND price > 8;
