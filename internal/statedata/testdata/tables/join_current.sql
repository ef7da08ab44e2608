-- 7 rows
CREATE TABLE o (usr STRING, name STRING) WITH ('connector' = 'print', 'standard-error' = 'true');
CREATE VIEW later AS SELECT *, PROCTIME() AS p FROM bids;
INSERT INTO o SELECT b.usr, i.name FROM later b JOIN items FOR SYSTEM_TIME AS OF b.p AS i ON b.item = i.id;
