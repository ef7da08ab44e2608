-- The tables that the statements of forms.txt name.
CREATE TABLE a (id INT, v STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen', 'number-of-rows' = '3');
CREATE TABLE gen (id INT, v STRING, ts TIMESTAMP(3)) WITH ('connector' = 'datagen');
CREATE TABLE keyed (id INT, v STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'blackhole');
CREATE TABLE sink (id INT, v STRING) WITH ('connector' = 'blackhole');
CREATE TABLE part (id INT, p STRING) PARTITIONED BY (p) WITH ('connector' = 'filesystem', 'path' = 'part', 'format' = 'csv');
CREATE VIEW w AS SELECT id, v FROM a;
