-- Every statement of the conformance cases that Flink 2.3 parses.

CREATE TABLE strs (id INT, s STRING, t STRING) WITH ('connector' = 'filesystem', 'path' = '${DATA}/strs.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');

SELECT id, UPPER(s), LOWER(s), TRIM(s), TRIM(LEADING ' ' FROM s), RTRIM(s), CHAR_LENGTH(s), INITCAP(s) FROM strs;

SELECT id, SUBSTRING(s FROM 2), SUBSTRING(s FROM 2 FOR 3), SUBSTRING(s, -3), SUBSTR(s, 0, 2), SUBSTRING(s, 100), LEFT(s, 4), RIGHT(s, 4), LEFT(s, -1) FROM strs;

SELECT id, CONCAT(s, '|', t), s || '-' || t, CONCAT_WS('+', s, t, CAST(NULL AS STRING)), LPAD(t, 6, '*-'), RPAD(t, 3, '.'), LPAD(s, 2, 'x'), REPEAT(t, 2), REPEAT(t, 0), REVERSE(s) FROM strs;

SELECT id, REPLACE(s, 'l', 'L'), OVERLAY(s PLACING '##' FROM 2 FOR 3), OVERLAY(s PLACING 'ZZZ' FROM 1), POSITION('o' IN s), INSTR(s, 'a'), LOCATE('e', s), LOCATE('l', s, 4), TRANSLATE(s, 'aeo', 'AE') FROM strs;

SELECT id, ASCII(s), CHR(65 + id), HEX(t), TO_BASE64(t), FROM_BASE64(TO_BASE64(s)), MD5(t), SHA256(t), DECODE(ENCODE(t, 'UTF-8'), 'UTF-8') FROM strs;

SELECT k, SPLIT_INDEX(v, ',', 0), SPLIT_INDEX(v, ',', 2), SPLIT_INDEX(v, ',', 9), SPLIT_INDEX(v, ',', -1), STR_TO_MAP(v, ',', '='), STARTSWITH(v, 'a'), ENDSWITH(v, '3'), PARSE_URL('http://h.io:80/p/q?x=1&y=' || k || '#z', 'QUERY', 'y') FROM (VALUES ('r1', 'a=1,b=2,c=3'), ('r2', ''), ('r3', CAST(NULL AS STRING)), ('r4', 'a,,c=')) AS t(k, v);

SELECT 'a' = 'a ', CAST('a' AS CHAR(3)) = CAST('a' AS STRING), 'B' < 'a', 'abc' < 'abd', 'Z' BETWEEN 'A' AND 'z', CHAR_LENGTH(CAST('ab' AS CHAR(5))), CAST('abcdef' AS VARCHAR(3)), CAST('abcdef' AS CHAR(2)) || '!', '' IS NULL, CONCAT('x', CAST('y' AS CHAR(3)), 'z');

SELECT id, ELT(id, 'one', 'two', 'three'), BTRIM(s, ' e'), URL_ENCODE(s), URL_DECODE(URL_ENCODE(s)), PRINTF('%03d-%s', id, t), SPLIT(s, ' '), REGEXP_COUNT(s, '[aeiou]') FROM strs;

CREATE TABLE times (id INT, ts TIMESTAMP(3), d DATE, t TIME) WITH ('connector' = 'filesystem', 'path' = '${DATA}/times.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');

SELECT id, EXTRACT(YEAR FROM ts), EXTRACT(QUARTER FROM d), MONTH(d), WEEK(d), DAYOFYEAR(d), DAYOFMONTH(d), DAYOFWEEK(d), EXTRACT(HOUR FROM ts), MINUTE(ts), SECOND(ts), EXTRACT(MILLISECOND FROM ts), EXTRACT(EPOCH FROM ts), EXTRACT(DOW FROM d), EXTRACT(CENTURY FROM d) FROM times WHERE id <> 5 OR id IS NULL;

SELECT id, YEAR(ts), HOUR(ts), MINUTE(ts), SECOND(ts), EXTRACT(MILLISECOND FROM ts), EXTRACT(EPOCH FROM ts) FROM times WHERE id = 5;

SELECT id, FLOOR(ts TO HOUR), CEIL(ts TO DAY), FLOOR(ts TO MONTH), CEIL(ts TO YEAR), FLOOR(d TO WEEK), ts + INTERVAL '1' DAY, d + INTERVAL '1' MONTH, d - INTERVAL '1' YEAR, t + INTERVAL '90' MINUTE, ts - INTERVAL '1 02:03:04.5' DAY TO SECOND FROM times;

SELECT id, TIMESTAMPADD(MONTH, 1, d), TIMESTAMPADD(SECOND, -61, ts), TIMESTAMPADD(QUARTER, 2, ts), TIMESTAMPDIFF(DAY, TIMESTAMP '2000-01-01 12:00:00', ts), TIMESTAMPDIFF(MONTH, DATE '2023-01-31', d), TIMESTAMPDIFF(SECOND, ts, TIMESTAMP '2024-03-01 00:00:00'), TIMESTAMPDIFF(YEAR, d, DATE '2024-02-28'), DATE_FORMAT(ts, 'yyyy/MM/dd HH:mm:ss.SSS'), DATE_FORMAT(ts, 'E d MMM yy') FROM times;

SELECT UNIX_TIMESTAMP('1970-01-02 00:00:00'), UNIX_TIMESTAMP('02/01/1970', 'dd/MM/yyyy'), FROM_UNIXTIME(86399), FROM_UNIXTIME(1700000000, 'yyyyMMdd'), TO_TIMESTAMP('2024-02-30 00:00:00'), TO_TIMESTAMP('2024-05-06 07:08:09.123'), TO_TIMESTAMP('06.05.2024 07', 'dd.MM.yyyy HH'), TO_DATE('2024-12-31'), TO_DATE('31|12|24', 'dd|MM|yy'), TO_DATE('nope'), TO_TIMESTAMP_LTZ(1700000000, 0), TO_TIMESTAMP_LTZ(1700000000123, 3);

SELECT DATE '2024-02-29', TIME '23:59:59', TIMESTAMP '2024-01-01 00:00:00.123456', INTERVAL '2-3' YEAR TO MONTH, INTERVAL '3 04:05:06.7' DAY TO SECOND, (DATE '2024-01-01', DATE '2024-01-10') OVERLAPS (DATE '2024-01-10', DATE '2024-01-20'), (TIME '08:00:00', INTERVAL '1' HOUR) OVERLAPS (TIME '08:30:00', INTERVAL '1' HOUR), DATE '2024-03-01' - INTERVAL '1' DAY, TIMESTAMP '2024-03-31 10:00:00' + INTERVAL '1' MONTH, DATE '2024-02-29' > DATE '2024-02-28';

CREATE TABLE nums (id INT, a INT, b INT, d DOUBLE, p DECIMAL(10,2), t TINYINT) WITH ('connector' = 'filesystem', 'path' = '${DATA}/nums.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');

SELECT id, ROUND(d), ROUND(d, 1), FLOOR(d), CEIL(d), TRUNCATE(p, 1), ROUND(p, 1), ROUND(p, -1), FLOOR(p), CEILING(p), ABS(a), SIGN(p), ROUND(a, -1) FROM nums;

SELECT id, MOD(a, 7), a % b, -a, +b, MOD(p, 2), p % 3, BIN(t), HEX(t), UUID() IS NOT NULL FROM nums WHERE b <> 0;

SELECT id, SQRT(ABS(d)), POWER(d, 2), LN(id), LOG10(id), LOG2(id), LOG(3, id), SIN(id), COT(id), ASIN(1.0 / id), ATAN2(id, 2), DEGREES(id), RADIANS(id), SINH(id), PI(), E() FROM nums;

SELECT id, GREATEST(a, b, 5), LEAST(a, b), GREATEST(p, 1.5), CONV_A, CONV_B FROM (SELECT *, CAST(a AS BIGINT) * 2 AS CONV_A, CAST(a AS DOUBLE) / 4 AS CONV_B FROM nums);

SELECT id, CASE WHEN a > 5 THEN 'hi' WHEN a IS NULL THEN 'none' ELSE 'lo' END, CASE b WHEN 3 THEN 'three' WHEN 5 THEN 'five' END, COALESCE(a, b, -1), NULLIF(a, 10), IFNULL(d, 0.5), IF(a > b, 'gt', 'le'), CASE WHEN a > 0 THEN 1 ELSE 2.5 END, IS_DIGIT(CAST(t AS STRING)), IS_ALPHA('ab1') FROM nums;

SELECT a, b, a AND b, a OR b, NOT a, a IS TRUE, a IS NOT TRUE, a IS FALSE, a IS UNKNOWN, a = b, a IS DISTINCT FROM b, a IS NOT DISTINCT FROM b FROM (VALUES (TRUE, TRUE), (TRUE, FALSE), (TRUE, CAST(NULL AS BOOLEAN)), (FALSE, CAST(NULL AS BOOLEAN)), (CAST(NULL AS BOOLEAN), CAST(NULL AS BOOLEAN)), (FALSE, FALSE)) AS t(a, b);

SELECT x, x IN (1, 2, CAST(NULL AS INT)), x NOT IN (1, CAST(NULL AS INT)), x IN (1, 2), x NOT IN (1, 2), x BETWEEN 1 AND CAST(NULL AS INT), x NOT BETWEEN 2 AND CAST(NULL AS INT) FROM (VALUES (1), (2), (3), (CAST(NULL AS INT))) AS t(x);

CREATE TABLE emp (id INT, name STRING, dept STRING, salary DECIMAL(10,2), hired DATE, mgr INT, bonus DOUBLE) WITH ('connector' = 'filesystem', 'path' = '${DATA}/emp.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');

SELECT id, salary + CAST(NULL AS INT), dept || CAST(NULL AS STRING), mgr + 1, salary * bonus, CASE WHEN mgr = 1 THEN 'a' WHEN NOT (mgr = 1) THEN 'b' ELSE 'c' END, mgr > 2 OR dept = 'eng', mgr > 2 AND dept = 'eng' FROM emp;

SELECT name FROM emp WHERE NOT (dept = 'eng' OR mgr > 2);

SELECT name, mgr, salary FROM emp ORDER BY mgr, salary DESC, name;

SELECT id, a, CARDINALITY(a), a[1], a[5], ELEMENT(ARRAY[id]), ARRAY_CONTAINS(a, 2), ARRAY_DISTINCT(a), ARRAY_POSITION(a, 2), ARRAY_REMOVE(a, 2), ARRAY_REVERSE(a), ARRAY_MAX(a), ARRAY_SORT(a) FROM (VALUES (1, ARRAY[3, 2, 2]), (2, ARRAY[CAST(NULL AS INT), 2]), (3, CAST(NULL AS ARRAY<INT>))) AS t(id, a);

SELECT ARRAY_UNION(ARRAY[1, 2], ARRAY[2, 3]), ARRAY_CONCAT(ARRAY[1], ARRAY[2, 2]), ARRAY_INTERSECT(ARRAY[1, 2, 2], ARRAY[2, 3]), ARRAY_EXCEPT(ARRAY[1, 2, 3], ARRAY[2]), ARRAY_JOIN(ARRAY['a', CAST(NULL AS STRING), 'c'], '-'), ARRAY_JOIN(ARRAY['a', CAST(NULL AS STRING), 'c'], '-', '?'), ARRAY_SLICE(ARRAY[1, 2, 3, 4], 2, 3), ARRAY_SLICE(ARRAY[1, 2, 3, 4], -2, -1), ARRAY_APPEND(ARRAY[1], 9), ARRAY_PREPEND(ARRAY[1], 9), ARRAY_MIN(ARRAY['z', 'b']);

CREATE TABLE profile (id INT, `user` ROW<name STRING, addr ROW<city STRING, zip INT>>, tags ARRAY<STRING>, scores MAP<STRING, INT>, items ARRAY<ROW<sku STRING, n INT>>) WITH ('connector' = 'filesystem', 'path' = '${DATA}/profile.json', 'format' = 'json');

SELECT id, scores['m'], scores['nope'], CARDINALITY(scores), MAP_KEYS(MAP['k', id]), MAP_VALUES(MAP['k', id]), MAP_UNION(MAP['k', 1], MAP['k', 2, 'z', 3]), MAP_FROM_ARRAYS(ARRAY['x', 'y'], ARRAY[id, 2]), MAP['a', 'b']['a'] FROM profile;

SELECT id, p.`user`.name, p.`user`.addr.city, `user`, p.`user`.addr, `user` IS NULL, p.`user`.addr.zip + 1, items[1].sku, tags[2] FROM profile AS p;

SELECT ROW(1, 'a'), ROW(1, 'a') = ROW(1, 'a'), ROW(1, 2) = ROW(1, 3), (1, 2) IN ((1, 2), (3, 4)), CAST(ROW(1, 'x') AS ROW<f INT, g STRING>).g, ARRAY[ROW(1, 'q')], MAP['k', ROW(1, 2)];

SELECT p.`user`.addr.city AS city, COUNT(*), COUNT(p.`user`.name), MAX(p.`user`.addr.zip) FROM profile AS p GROUP BY p.`user`.addr.city;

CREATE TABLE docs (id INT, j STRING) WITH ('connector' = 'filesystem', 'path' = '${DATA}/docs.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL', 'csv.field-delimiter' = '|', 'csv.disable-quote-character' = 'true');

SELECT id, JSON_VALUE(j, '$.a'), JSON_VALUE(j, '$.b.c'), JSON_VALUE(j, '$.b.d[1]' RETURNING INT), JSON_QUERY(j, '$.b'), JSON_QUERY(j, '$.a' WITH WRAPPER), JSON_EXISTS(j, '$.e'), JSON_EXISTS(j, 'strict $.b.zz' UNKNOWN ON ERROR), j IS JSON, j IS JSON OBJECT, j IS JSON ARRAY, j IS NOT JSON FROM docs;

SELECT id, JSON_VALUE(j, 'lax $.zz' DEFAULT 'dflt' ON EMPTY), JSON_VALUE(j, 'strict $.zz' NULL ON EMPTY DEFAULT 'err' ON ERROR), JSON_VALUE(j, '$.b' DEFAULT 'obj' ON ERROR), JSON_QUERY(j, '$.zz' EMPTY ARRAY ON EMPTY), JSON_QUERY(j, '$[1]' EMPTY OBJECT ON ERROR) FROM docs;

SELECT JSON_OBJECT('a' VALUE 1, 'b' VALUE 'x', KEY 'c' VALUE CAST(NULL AS INT)), JSON_OBJECT('a' VALUE CAST(NULL AS STRING), 'z' VALUE 2 ABSENT ON NULL), JSON_ARRAY(1, 'x', TRUE, CAST(NULL AS INT) NULL ON NULL), JSON_ARRAY(1, CAST(NULL AS INT)), JSON_OBJECT('o' VALUE JSON_OBJECT('i' VALUE 1.50), 'r' VALUE JSON_ARRAY(2)), JSON_STRING(ARRAY[1, 2]), JSON_STRING(CAST(NULL AS INT)), JSON_QUOTE('a"b'), JSON_UNQUOTE('"a\"b"');

CREATE TABLE dept (dept STRING, title STRING, city STRING) WITH ('connector' = 'filesystem', 'path' = '${DATA}/dept.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');

SELECT city, JSON_OBJECTAGG(KEY dept VALUE title) FROM dept WHERE dept <> 'eng' GROUP BY city;

SELECT CAST(x AS TINYINT), CAST(x AS SMALLINT), CAST(x AS INT), CAST(CAST(x AS DOUBLE) AS INT), CAST(x AS DECIMAL(5, 1)), CAST(x AS BOOLEAN), CAST(x AS FLOAT), CAST(CAST(x AS DOUBLE) + 0.99 AS BIGINT) FROM (VALUES (CAST(127 AS BIGINT)), (128), (-129), (70000), (5000000000), (0), (CAST(NULL AS BIGINT))) AS t(x);

CREATE TABLE mixed (id INT, n STRING, f STRING, b STRING, d STRING) WITH ('connector' = 'filesystem', 'path' = '${DATA}/mixed.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');

SELECT id, TRY_CAST(n AS INT), TRY_CAST(n AS BIGINT), TRY_CAST(f AS DOUBLE), TRY_CAST(f AS DECIMAL(6, 2)), TRY_CAST(b AS BOOLEAN), TRY_CAST(d AS DATE) FROM mixed;

SELECT id, CAST(f AS DOUBLE) FROM mixed WHERE id < 4;

SELECT id, CAST(d AS DATE) FROM mixed WHERE id = 2;

SELECT CAST(1.0E7 AS STRING), CAST(CAST(1.5 AS DOUBLE) AS STRING), CAST(CAST(1.10 AS DECIMAL(6, 3)) AS STRING), CAST(TRUE AS STRING), CAST(DATE '2024-01-02' AS STRING), CAST(TIMESTAMP '2024-01-02 03:04:05' AS STRING), CAST(TIMESTAMP '2024-01-02 03:04:05.120' AS STRING), CAST(ARRAY[1, NULL] AS STRING), CAST(MAP['a', 1] AS STRING), CAST(ROW(1, 'x') AS STRING), CAST(INTERVAL '1' DAY AS STRING), CAST(CAST(0.1 AS FLOAT) AS DOUBLE), CAST(x'0aff' AS STRING) IS NOT NULL;

SELECT CAST('2024-02-29' AS DATE), CAST('2024-02-29 12:34:56.789' AS TIMESTAMP(3)), CAST('2024-02-29' AS TIMESTAMP(0)), CAST('12:34:56' AS TIME), CAST(TIMESTAMP '2024-02-29 23:59:59' AS DATE), CAST(DATE '2024-02-29' AS TIMESTAMP(3)), CAST(TIMESTAMP '2024-02-29 12:34:56.987' AS TIMESTAMP(1)), CAST(TIMESTAMP '2024-02-29 12:34:56.987' AS TIME), TRY_CAST('24:00:00' AS TIME), TRY_CAST('2023-02-29' AS DATE);

SELECT s, TRY_CAST(s AS BOOLEAN), TRY_CAST(s AS INT) FROM (VALUES ('true'), ('TRUE'), ('t'), ('yes'), ('1'), ('0'), ('no'), ('n'), ('f'), ('on'), (''), (' 1'), ('+5'), ('1.9'), ('1e2')) AS t(s);

SELECT 1 + 1.5, 1 + CAST(2 AS BIGINT), CAST(1 AS TINYINT) + CAST(1 AS SMALLINT), 10 > '9', 1 = 1.0, DATE '2024-01-01' = '2024-01-01', CAST(1 AS FLOAT) + CAST(1.5 AS DECIMAL(4, 2)), CASE WHEN TRUE THEN 1 ELSE CAST(2 AS BIGINT) END;

SELECT id, p + p, p - 0.005, p * p, p * 0.333, p / 3, p / 0.07, p + a, p * a, p / CAST(7 AS DECIMAL(3, 0)) FROM nums;

SELECT SUM(p), AVG(p), MIN(p), MAX(p), SUM(p) / COUNT(p), AVG(p * 1.0), SUM(p * p), COUNT(DISTINCT p) FROM nums;

SELECT x * x, x + x, x * 10, CAST(x AS DECIMAL(38, 10)), CAST(x AS DECIMAL(20, 0)) FROM (VALUES (CAST('99999999999999999999999999999999999.5' AS DECIMAL(38, 1))), (CAST('12345678901234567890.1' AS DECIMAL(38, 1))), (CAST(1.5 AS DECIMAL(38, 1))), (CAST(NULL AS DECIMAL(38, 1)))) AS t(x);

SELECT x, CAST(x AS DECIMAL(6, 2)), CAST(x AS DECIMAL(4, 0)), CAST(x AS INT), CAST(x AS DOUBLE), ROUND(x, 2), TRUNCATE(x, 2), CAST(CAST(x AS DOUBLE) AS DECIMAL(6, 2)) FROM (VALUES (1.005), (2.675), (-1.005), (0.125), (9.995), (-0.5)) AS t(x);

SELECT a + 1, a * 2, -a - 2, CAST(a AS BIGINT) + 1, b + 1, ABS(c), t + CAST(1 AS TINYINT), t * t FROM (VALUES (2147483647, CAST(9223372036854775807 AS BIGINT), CAST(-2147483648 AS INT), CAST(127 AS TINYINT))) AS v(a, b, c, t);

SELECT SUM(a), SUM(t), AVG(a), AVG(t), SUM(CAST(a AS BIGINT)), MAX(a) - MIN(a), COUNT(a) FROM nums WHERE id NOT IN (8);

SELECT id, 10 / a FROM nums;

SELECT id, d / CAST(0 AS DOUBLE), a / 4, -7 / 2, a / 4.0, MOD(a, 4), CAST(a AS DOUBLE) / b FROM nums WHERE b <> 0;

SELECT x / y, x / y = x / y, x / y > 1, CAST(x / y AS STRING), -x / y FROM (VALUES (CAST(1 AS DOUBLE), CAST(0 AS DOUBLE)), (0, 0), (-1, 0), (1, 3), (1e308, 1e-10)) AS t(x, y);

SELECT id, s LIKE '%l%', s LIKE '_e%', s LIKE '%\%%' ESCAPE '\', s LIKE '100!%!_%' ESCAPE '!', s NOT LIKE 'H%', t LIKE '', s LIKE '%' || t || '%' FROM strs;

SELECT id, s SIMILAR TO '%(World|,b)%', s SIMILAR TO '[A-Z]%', s NOT SIMILAR TO '%[0-9]+%', t SIMILAR TO '[a-z]{3,5}', t SIMILAR TO '_' FROM strs;

SELECT id, REGEXP(s, '^[A-Z]'), REGEXP_REPLACE(s, '[aeiou]+', '<$0>'), REGEXP_EXTRACT(s, '([a-z]+)-([a-z]+)', 2), REGEXP_EXTRACT(s, '(zzz)', 1), REGEXP_EXTRACT_ALL(s, '([a-z])l', 1), REGEXP_INSTR(s, 'l+'), REGEXP_SUBSTR(s, '[a-z]{3}') FROM strs;

SET 'table.local-time-zone' = 'Asia/Shanghai';

SELECT TO_TIMESTAMP_LTZ(0, 3), CAST(TO_TIMESTAMP_LTZ(1700000000, 0) AS TIMESTAMP(3)), CAST(TIMESTAMP '2024-01-01 00:00:00' AS TIMESTAMP_LTZ(3)), CAST(TO_TIMESTAMP_LTZ(1704038400, 0) AS DATE), UNIX_TIMESTAMP('1970-01-01 08:00:00'), FROM_UNIXTIME(0), CAST(TO_TIMESTAMP_LTZ(0, 3) AS STRING), EXTRACT(HOUR FROM TO_TIMESTAMP_LTZ(0, 3)), TO_TIMESTAMP_LTZ(1000, 0) = TIMESTAMP '1970-01-01 08:16:40', DATE_FORMAT(TO_TIMESTAMP_LTZ(0, 3), 'HH:mm');

SET 'table.local-time-zone' = 'America/New_York';

SELECT CONVERT_TZ('2024-03-10 02:30:00', 'America/New_York', 'UTC'), CONVERT_TZ('2024-11-03 01:30:00', 'America/New_York', 'UTC'), CONVERT_TZ('1970-01-01 00:00:00', 'UTC', 'Asia/Kolkata'), CAST(TIMESTAMP '2024-03-10 02:30:00' AS TIMESTAMP_LTZ(3)), TO_TIMESTAMP_LTZ(1710054000, 0), TO_TIMESTAMP_LTZ(1710057600, 0), FROM_UNIXTIME(1710057600);

SELECT FLOOR(TO_TIMESTAMP_LTZ(1710054000, 0) TO DAY), FLOOR(TO_TIMESTAMP_LTZ(1710140400, 0) TO DAY);

SELECT id, p / (p - p) FROM nums WHERE p IS NOT NULL;

SELECT x * x FROM (VALUES (CAST('99999999999999999999999999999999999.5' AS DECIMAL(38, 1))), (CAST('12345678901234567890.1' AS DECIMAL(38, 1)))) AS t(x);

SET 'table.local-time-zone' = 'Asia/Tokyo';

CREATE TABLE ev (k STRING, ms BIGINT, lt AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR lt AS lt - INTERVAL '1' SECOND) WITH ('connector' = 'filesystem', 'path' = '${DATA}/epoch.csv', 'format' = 'csv');

SELECT window_start, window_end, COUNT(*), MIN(lt) FROM TABLE(TUMBLE(TABLE ev, DESCRIPTOR(lt), INTERVAL '1' DAY)) GROUP BY window_start, window_end;

SELECT dept, COUNT(*) AS n, COUNT(salary), SUM(salary), AVG(bonus), MIN(hired), MAX(name) FROM emp GROUP BY dept HAVING COUNT(*) > 1;

CREATE TABLE orders (oid INT, cust STRING, item STRING, qty INT, price DECIMAL(8,2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');

SELECT item, COUNT(DISTINCT cust), COUNT(DISTINCT qty), SUM(DISTINCT price), COUNT(*), AVG(DISTINCT qty) FROM orders GROUP BY item;

SELECT cust, COUNT(*) FILTER (WHERE item = 'pen'), SUM(qty) FILTER (WHERE price > 2), COUNT(DISTINCT item) FILTER (WHERE qty > 1), MAX(price) FILTER (WHERE item = 'zzz') FROM orders GROUP BY cust;

SELECT dept, mgr, COUNT(*), SUM(salary), GROUPING(dept), GROUPING(mgr), GROUPING_ID(dept, mgr) FROM emp GROUP BY GROUPING SETS ((dept, mgr), (dept), ());

SELECT cust, item, SUM(qty), COUNT(DISTINCT price) FROM orders WHERE cust IS NOT NULL GROUP BY ROLLUP (cust, item);

SELECT cust, item, SUM(qty * price) AS total FROM orders GROUP BY CUBE (cust, item) HAVING SUM(qty) > 5;

SELECT COUNT(*), SUM(salary), MAX(name) FROM emp WHERE id > 1000;

SELECT dept, COUNT(*) FROM emp WHERE id > 1000 GROUP BY dept;

SELECT DISTINCT dept, mgr FROM emp;

SELECT dept, STDDEV_POP(salary), STDDEV_SAMP(salary), VAR_POP(bonus), VAR_SAMP(bonus), VARIANCE(id) FROM emp GROUP BY dept;

SELECT k, LISTAGG(v), LISTAGG(v, '|'), COLLECT(v), ARRAY_AGG(v), FIRST_VALUE(v), LAST_VALUE(v) FROM (VALUES ('a', 'x'), ('a', 'x'), ('b', 'y'), ('b', CAST(NULL AS STRING)), ('c', CAST(NULL AS STRING))) AS t(k, v) GROUP BY k;

SELECT YEAR(hired) AS y, CASE WHEN salary >= 4000 THEN 'high' ELSE 'low' END AS band, COUNT(*) FROM emp GROUP BY YEAR(hired), CASE WHEN salary >= 4000 THEN 'high' ELSE 'low' END;

SELECT n_orders, COUNT(*) AS custs, SUM(spent) FROM (SELECT cust, COUNT(*) AS n_orders, SUM(qty * price) AS spent FROM orders GROUP BY cust) GROUP BY n_orders;

SELECT AVG(a), AVG(t), AVG(p), AVG(d), SUM(t), SUM(d), AVG(CAST(b AS DOUBLE)), MIN(a), MAX(t) FROM nums WHERE id < 7;

SELECT cnt, COUNT(*) AS custs FROM (SELECT cust, COUNT(*) AS cnt FROM orders GROUP BY cust) GROUP BY cnt;

SET 'table.exec.mini-batch.enabled' = 'true';

SET 'table.exec.mini-batch.allow-latency' = '1 s';

SET 'table.exec.mini-batch.size' = '100';

SET 'table.optimizer.distinct-agg.split.enabled' = 'true';

SET 'table.optimizer.agg-phase-strategy' = 'TWO_PHASE';

SELECT item, COUNT(DISTINCT cust), SUM(qty), MAX(price), COUNT(*) FROM orders GROUP BY item;

SELECT window_start, window_end, item, SUM(qty), COUNT(*), MAX(price) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY window_start, window_end, item;

SELECT window_start, window_end, window_time, COUNT(*) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '30' SECOND, INTERVAL '7' SECOND)) GROUP BY window_start, window_end, window_time;

SELECT window_start, window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL -'15' SECOND)) GROUP BY window_start, window_end;

SELECT window_start, window_end, cust, SUM(qty * price) FROM TABLE(HOP(TABLE orders, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '30' SECOND)) WHERE cust IN ('c1', 'c2') GROUP BY window_start, window_end, cust;

SELECT window_start, window_end, SUM(qty), COUNT(DISTINCT cust) FROM TABLE(CUMULATE(TABLE orders, DESCRIPTOR(ts), INTERVAL '20' SECOND, INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;

CREATE TABLE clicks (uid STRING, url STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) WITH ('connector' = 'filesystem', 'path' = '${DATA}/clicks.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');

SELECT uid, window_start, window_end, COUNT(*) FROM TABLE(SESSION(TABLE clicks PARTITION BY uid, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY uid, window_start, window_end;

SELECT window_start, window_end, COUNT(*), SUM(qty) FROM TABLE(SESSION(TABLE orders, DESCRIPTOR(ts), INTERVAL '12' SECOND)) GROUP BY window_start, window_end;

SELECT window_start, uid, COUNT(*), MIN(ts) FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, uid;

CREATE TABLE clicks60 (uid STRING, url STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' MINUTE) WITH ('connector' = 'filesystem', 'path' = '${DATA}/clicks.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');

SELECT window_start, uid, COUNT(*), LISTAGG(DISTINCT uid) FROM TABLE(TUMBLE(TABLE clicks60, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, uid;

CREATE TABLE clicks0 (uid STRING, url STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '${DATA}/clicks.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');

SELECT window_start, window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE clicks0, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end;

SELECT window_start, window_end, cust, item, SUM(qty), GROUPING_ID(cust, item) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, GROUPING SETS ((cust, item), (item), ());

SELECT window_start AS ws, window_end AS we, SUM(part), COUNT(*) FROM TABLE(TUMBLE((SELECT window_time AS rowtime, item, SUM(qty) AS part FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end, window_time, item), DESCRIPTOR(rowtime), INTERVAL '30' SECOND)) GROUP BY window_start, window_end;

SELECT window_start, COUNT(DISTINCT cust), COUNT(DISTINCT cust) FILTER (WHERE item = 'pen'), SUM(qty) FILTER (WHERE price < 2) FROM TABLE(HOP(TABLE orders, DESCRIPTOR(ts), INTERVAL '20' SECOND, INTERVAL '40' SECOND)) GROUP BY window_start, window_end;

SELECT oid, window_start, window_end, window_time FROM TABLE(HOP(DATA => TABLE orders, TIMECOL => DESCRIPTOR(ts), SLIDE => INTERVAL '10' SECOND, SIZE => INTERVAL '20' SECOND)) WHERE oid <= 4;

SELECT uid, window_start, window_end, COUNT(*) FROM TABLE(CUMULATE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '30' SECOND)) GROUP BY uid, window_start, window_end;

SELECT window_start, window_end, COUNT(*), COUNT(DISTINCT uid) FROM TABLE(SESSION(TABLE clicks60, DESCRIPTOR(ts), INTERVAL '6' SECOND)) GROUP BY window_start, window_end;

SELECT TUMBLE_START(ts, INTERVAL '30' SECOND), TUMBLE_END(ts, INTERVAL '30' SECOND), TUMBLE_ROWTIME(ts, INTERVAL '30' SECOND), item, SUM(qty) FROM orders GROUP BY TUMBLE(ts, INTERVAL '30' SECOND), item;

SELECT uid, SESSION_START(ts, INTERVAL '8' SECOND), SESSION_END(ts, INTERVAL '8' SECOND), COUNT(*) FROM clicks GROUP BY uid, SESSION(ts, INTERVAL '8' SECOND);

SELECT HOP_START(ts, INTERVAL '15' SECOND, INTERVAL '30' SECOND), COUNT(*), SUM(qty) FROM orders GROUP BY HOP(ts, INTERVAL '15' SECOND, INTERVAL '30' SECOND);

CREATE TABLE ships (oid INT, carrier STRING, st TIMESTAMP(3), WATERMARK FOR st AS st - INTERVAL '5' SECOND) WITH ('connector' = 'filesystem', 'path' = '${DATA}/ships.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');

SELECT L.oid, R.carrier, L.window_start, L.window_end FROM (SELECT * FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '20' SECOND))) L JOIN (SELECT * FROM TABLE(TUMBLE(TABLE ships, DESCRIPTOR(st), INTERVAL '20' SECOND))) R ON L.oid = R.oid AND L.window_start = R.window_start AND L.window_end = R.window_end;

SELECT L.oid, R.oid, COALESCE(L.window_start, R.window_start) AS ws FROM (SELECT * FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE))) L FULL JOIN (SELECT * FROM TABLE(TUMBLE(TABLE ships, DESCRIPTOR(st), INTERVAL '1' MINUTE))) R ON L.oid = R.oid AND L.window_start = R.window_start AND L.window_end = R.window_end;

SELECT 'anti' AS k, oid FROM (SELECT * FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '30' SECOND))) L WHERE NOT EXISTS (SELECT * FROM (SELECT * FROM TABLE(TUMBLE(TABLE ships, DESCRIPTOR(st), INTERVAL '30' SECOND))) R WHERE L.oid = R.oid AND L.window_start = R.window_start AND L.window_end = R.window_end);

SELECT window_start, item, total, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY total DESC, item) AS rn FROM (SELECT window_start, window_end, item, SUM(qty * price) AS total FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '30' SECOND)) GROUP BY window_start, window_end, item)) WHERE rn <= 2;

SELECT window_start, cust, oid, qty FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, cust ORDER BY qty DESC, oid) AS rn FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE))) WHERE rn <= 1;

SELECT window_start, item, oid, price FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, item ORDER BY ts DESC) AS rn FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '30' SECOND))) WHERE rn = 1;

SELECT oid, cust, qty, SUM(qty) OVER (PARTITION BY cust ORDER BY ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s2, COUNT(*) OVER (PARTITION BY cust ORDER BY ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS c FROM orders;

SELECT oid, cust, SUM(qty) OVER (PARTITION BY cust ORDER BY ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s2, COUNT(*) OVER (PARTITION BY cust ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS c FROM orders;

SELECT oid, item, SUM(qty) OVER w AS s, AVG(price) OVER w AS a, MAX(qty) OVER w AS m FROM orders WINDOW w AS (PARTITION BY item ORDER BY ts RANGE BETWEEN INTERVAL '20' SECOND PRECEDING AND CURRENT ROW);

CREATE TABLE quotes (sym STRING, px INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'filesystem', 'path' = '${DATA}/quotes.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');

SELECT sym, px, ts, SUM(px) OVER (ORDER BY ts), MIN(px) OVER (ORDER BY ts RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM quotes;

SELECT name, dept, LAG(name) OVER w AS lg, LEAD(name, 2, 'none') OVER w AS ld, FIRST_VALUE(name) OVER w AS fv FROM emp WINDOW w AS (PARTITION BY dept ORDER BY salary DESC, id);

SELECT name, RANK() OVER w AS r, DENSE_RANK() OVER w AS dr FROM emp WINDOW w AS (PARTITION BY dept ORDER BY salary DESC);

SELECT id, NTILE(3) OVER (ORDER BY id) AS nt, CUME_DIST() OVER (ORDER BY id) AS cd, PERCENT_RANK() OVER (ORDER BY id) AS pr FROM emp;

SELECT id, dept, SUM(salary) OVER (PARTITION BY dept) AS tot, COUNT(*) OVER () AS n FROM emp;

SELECT sym, px, LAG(px) OVER (PARTITION BY sym ORDER BY ts) AS prev_px, px - LAG(px, 2, 0) OVER (PARTITION BY sym ORDER BY ts) AS d2 FROM quotes;

SELECT id, dept, SUM(salary) OVER (PARTITION BY dept ORDER BY id) AS run FROM emp;

SELECT id, SUM(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS s FROM emp;

SELECT uid, url, COUNT(*) OVER (PARTITION BY uid ORDER BY ts) AS c FROM clicks0;

SELECT e.name, d.title, d.city FROM emp e JOIN dept d ON e.dept = d.dept;

SELECT 'full' AS j, e.id, e.dept, d.dept AS ddept, d.title FROM emp e FULL OUTER JOIN dept d ON e.dept = d.dept AND e.salary > 3500;

SELECT e.name, d.title FROM emp e LEFT JOIN dept d ON e.dept = d.dept WHERE d.city IS NULL;

SELECT oid, cust, carrier FROM orders RIGHT JOIN ships USING (oid);

CREATE TABLE rates (cur STRING, rate DECIMAL(6,2), rt TIMESTAMP(3), WATERMARK FOR rt AS rt) WITH ('connector' = 'filesystem', 'path' = '${DATA}/rates.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');

SELECT d.dept, r.cur, r.rate FROM dept d CROSS JOIN rates r WHERE CHAR_LENGTH(d.dept) = 3 AND r.rate > 1.11;

SELECT e.id, d.title FROM emp e JOIN dept d ON e.dept IS NOT DISTINCT FROM d.dept;

SELECT m.name AS boss, r.n, r.total FROM emp m JOIN (SELECT mgr, COUNT(*) AS n, SUM(salary) AS total FROM emp GROUP BY mgr) r ON m.id = r.mgr;

SELECT o.cust, o.n, s.done FROM (SELECT cust, COUNT(*) AS n FROM orders GROUP BY cust) o LEFT JOIN (SELECT o2.cust AS c, COUNT(*) AS done FROM orders o2 JOIN ships s2 ON o2.oid = s2.oid GROUP BY o2.cust) s ON o.cust = s.c;

SELECT o.oid, s.carrier, e.name FROM orders o LEFT JOIN ships s ON o.oid = s.oid LEFT JOIN emp e ON e.id = o.oid AND e.dept = 'eng' WHERE o.qty > 1;

SELECT o.oid, s.carrier, s.st FROM orders o, ships s WHERE o.oid = s.oid AND s.st BETWEEN o.ts AND o.ts + INTERVAL '10' SECOND;

SELECT o.oid, s.carrier FROM orders o LEFT JOIN ships s ON o.oid = s.oid AND s.st >= o.ts - INTERVAL '2' SECOND AND s.st < o.ts + INTERVAL '6' SECOND;

SELECT o.oid, s.oid, s.carrier FROM orders o FULL JOIN ships s ON o.oid = s.oid AND o.ts BETWEEN s.st - INTERVAL '8' SECOND AND s.st;

CREATE TABLE pays (pid INT, cur STRING, amt DECIMAL(8,2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '${DATA}/pays.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');

CREATE VIEW vrates AS SELECT cur, rate, rt FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY cur ORDER BY rt DESC) AS rn FROM rates) WHERE rn = 1;

SELECT p.pid, p.cur, p.amt, r.rate, p.amt * r.rate FROM pays p JOIN vrates FOR SYSTEM_TIME AS OF p.ts AS r ON p.cur = r.cur;

SELECT p.pid, r.rate, r.rt FROM pays p LEFT JOIN vrates FOR SYSTEM_TIME AS OF p.ts AS r ON p.cur = r.cur;

SELECT window_start, cur, SUM(val) FROM TABLE(TUMBLE((SELECT p.ts, p.cur, p.amt * r.rate AS val FROM pays p LEFT JOIN vrates FOR SYSTEM_TIME AS OF p.ts AS r ON p.cur = r.cur), DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, cur;

CREATE TABLE hist (cur STRING, rate DECIMAL(6, 2), rt TIMESTAMP(3), WATERMARK FOR rt AS rt, PRIMARY KEY (cur) NOT ENFORCED) WITH ('connector' = 'filesystem', 'path' = '${DATA}/rates_cdc.json', 'format' = 'debezium-json');

SELECT p.pid, p.cur, h.rate FROM pays p LEFT JOIN hist FOR SYSTEM_TIME AS OF p.ts AS h ON p.cur = h.cur;

SELECT oid, item, price, rn FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY price DESC, oid) AS rn FROM orders) WHERE rn <= 3;

SELECT cust, oid, qty FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY cust ORDER BY qty DESC, oid) AS rn FROM orders) WHERE rn <= 2;

SELECT item, total FROM (SELECT item, total, ROW_NUMBER() OVER (ORDER BY total DESC) AS rn FROM (SELECT item, SUM(qty) AS total FROM orders GROUP BY item)) WHERE rn <= 2;

SELECT name, salary, rk FROM (SELECT *, RANK() OVER (ORDER BY salary DESC) AS rk FROM emp WHERE salary IS NOT NULL) WHERE rk <= 4;

SELECT cust, oid, price FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY cust ORDER BY price DESC, oid) AS rn FROM orders) WHERE rn BETWEEN 2 AND 3;

SELECT cust, oid, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY cust ORDER BY ts ASC) AS rn FROM orders) WHERE rn = 1;

SELECT cust, oid, item FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY cust ORDER BY ts DESC) AS rn FROM orders) WHERE rn = 1;

CREATE TABLE clicksp (uid STRING, url STRING, ts TIMESTAMP(3), pt AS PROCTIME()) WITH ('connector' = 'filesystem', 'path' = '${DATA}/clicks.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');

SELECT uid, url FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY uid ORDER BY pt) AS rn FROM clicksp) WHERE rn = 1;

SELECT uid, url FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY uid ORDER BY pt DESC) AS rn FROM clicksp) WHERE rn = 1;

SELECT dept FROM emp UNION SELECT dept FROM dept;

SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2.50, 'longer' UNION ALL SELECT CAST(NULL AS BIGINT), CAST(NULL AS STRING);

SELECT dept FROM emp INTERSECT SELECT dept FROM dept;

SELECT dept FROM emp EXCEPT ALL SELECT dept FROM dept;

SELECT * FROM (SELECT x FROM (VALUES (1), (1), (2), (3)) AS a(x) UNION ALL (SELECT x FROM (VALUES (2), (2), (3), (4)) AS b(x) INTERSECT ALL SELECT x FROM (VALUES (2), (2), (4), (5)) AS c(x)));

SELECT name, dept, salary FROM emp ORDER BY dept DESC, salary NULLS LAST, name;

SELECT oid, price FROM orders ORDER BY price DESC, oid LIMIT 4 OFFSET 2;

SELECT oid, price FROM orders ORDER BY price, oid DESC LIMIT 3;

SELECT ts, uid, url FROM clicks ORDER BY ts;

SELECT dept, COUNT(*) AS n FROM emp GROUP BY dept ORDER BY 2 DESC, 1 NULLS LAST OFFSET 1 ROWS FETCH FIRST 2 ROWS ONLY;

SELECT p.id, t.tag FROM profile AS p CROSS JOIN UNNEST(p.tags) AS t(tag);

SELECT p.id, t.tag FROM profile AS p LEFT JOIN UNNEST(p.tags) AS t(tag) ON TRUE;

SELECT p.id, m.k, m.v FROM profile AS p CROSS JOIN UNNEST(p.scores) AS m(k, v);

SELECT i.sku, COUNT(*), SUM(i.n) FROM profile AS p CROSS JOIN UNNEST(p.items) AS i(sku, n) GROUP BY i.sku;

SELECT p.id, t.tag, t.pos FROM profile AS p CROSS JOIN UNNEST(p.tags) WITH ORDINALITY AS t(tag, pos);

CREATE VIEW v_staff AS SELECT id, name, COALESCE(dept, 'none') AS dept, salary FROM emp WHERE salary IS NOT NULL;

CREATE VIEW v_sum (d, total, heads) AS SELECT dept, SUM(salary), COUNT(*) FROM v_staff GROUP BY dept;

SELECT d, total / heads AS avg_sal FROM v_sum WHERE heads >= 1;

CREATE TEMPORARY VIEW w AS SELECT dept AS g, COUNT(*) AS n FROM emp GROUP BY dept;

SELECT a.g, a.n, b.n FROM w a JOIN w b ON a.n = b.n AND a.g < b.g;

WITH per_cust AS (SELECT cust, SUM(qty * price) AS spent FROM orders WHERE cust IS NOT NULL GROUP BY cust), top AS (SELECT MAX(spent) AS m FROM per_cust) SELECT p.cust, p.spent, p.spent = t.m AS is_top FROM per_cust p CROSS JOIN top t;

WITH a(x) AS (VALUES (1), (2), (3)), b AS (WITH c AS (SELECT x * 10 AS y FROM a) SELECT y FROM c WHERE y > 10) SELECT a.x, b.y FROM a, b WHERE b.y = a.x * 10;

SELECT name FROM emp m WHERE EXISTS (SELECT 1 FROM emp e WHERE e.mgr = m.id AND e.salary > 4000);

SELECT name FROM emp WHERE id NOT IN (SELECT mgr FROM emp);

SELECT name FROM emp WHERE id NOT IN (SELECT mgr FROM emp WHERE mgr IS NOT NULL);

SELECT oid, item FROM orders WHERE oid IN (SELECT oid FROM ships WHERE carrier = 'dhl');

SELECT name, salary, (SELECT MAX(e2.salary) FROM emp e2 WHERE e2.dept = e.dept) AS top FROM emp e WHERE e.id <= 8;

SELECT name FROM emp WHERE salary > (SELECT AVG(salary) FROM emp);

SELECT d.dept, t.n, t.mx FROM dept d, LATERAL (SELECT COUNT(*) AS n, MAX(e.salary) AS mx FROM emp e WHERE e.dept = d.dept) t;

SELECT * FROM quotes MATCH_RECOGNIZE (PARTITION BY sym ORDER BY ts MEASURES A.ts AS start_ts, LAST(D.px) AS low, LAST(U.px) AS high, COUNT(D.px) AS n_down ONE ROW PER MATCH AFTER MATCH SKIP TO LAST U PATTERN (A D+ U) DEFINE D AS (LAST(D.px, 1) IS NULL AND D.px < A.px) OR D.px < LAST(D.px, 1), U AS U.px > LAST(D.px, 1)) AS m;

SELECT sym, first_px, last_px, n FROM quotes MATCH_RECOGNIZE (PARTITION BY sym ORDER BY ts MEASURES FIRST(A.px) AS first_px, LAST(A.px) AS last_px, COUNT(A.px) AS n ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW PATTERN (A+ B) DEFINE A AS A.px < 17, B AS B.px >= 17) AS m;

SELECT sym, a_px, b_px FROM quotes MATCH_RECOGNIZE (PARTITION BY sym ORDER BY ts MEASURES A.px AS a_px, B.px AS b_px ONE ROW PER MATCH AFTER MATCH SKIP TO NEXT ROW PATTERN (A B) DEFINE B AS B.px > A.px) AS m;

SELECT sym, s, e, c FROM quotes MATCH_RECOGNIZE (PARTITION BY sym ORDER BY ts MEASURES A.ts AS s, C.ts AS e, C.px - A.px AS c ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW PATTERN (A B* C) WITHIN INTERVAL '3' SECOND DEFINE A AS A.px > 11, B AS B.px < 19, C AS C.px >= 17 AND C.px > A.px) AS m;

SELECT sym, total, cnt, avg_px, mt FROM quotes MATCH_RECOGNIZE (PARTITION BY sym ORDER BY ts MEASURES SUM(A.px) AS total, COUNT(A.px) AS cnt, AVG(A.px) AS avg_px, MATCH_ROWTIME() AS mt ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW PATTERN (A{2,4}? B) DEFINE A AS AVG(A.px) < 30, B AS B.px > 13) AS m;

SELECT sym, x, y, z FROM quotes MATCH_RECOGNIZE (PARTITION BY sym ORDER BY ts MEASURES X.px AS x, LAST(Y.px) AS y, Z.px AS z ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW PATTERN (X Y{0,2} Z) DEFINE X AS X.px BETWEEN 10 AND 14, Y AS Y.px BETWEEN 10 AND 16, Z AS Z.px > 16) AS m;

SELECT TUMBLE_START(mt, INTERVAL '5' SECOND), COUNT(*) FROM quotes MATCH_RECOGNIZE (ORDER BY ts MEASURES MATCH_ROWTIME() AS mt, B.sym AS sym ONE ROW PER MATCH AFTER MATCH SKIP TO NEXT ROW PATTERN (A B) DEFINE B AS B.sym = A.sym) AS m GROUP BY TUMBLE(mt, INTERVAL '5' SECOND);

CREATE TABLE stock_cdc (sku STRING, name STRING, qty INT, price DECIMAL(8,2)) WITH ('connector' = 'filesystem', 'path' = '${DATA}/stock_cdc.json', 'format' = 'debezium-json');

SELECT sku, name, qty, price FROM stock_cdc;

SELECT COUNT(*), SUM(qty), MAX(price), MIN(price), COUNT(qty) FROM stock_cdc;

CREATE TABLE stock_pk (sku STRING, name STRING, qty INT, price DECIMAL(8,2), PRIMARY KEY (sku) NOT ENFORCED) WITH ('connector' = 'filesystem', 'path' = '${DATA}/stock_cdc.json', 'format' = 'debezium-json');

SELECT qty > 5 AS many, COUNT(*), LISTAGG(name) FROM stock_pk GROUP BY qty > 5;

SELECT sku, qty FROM stock_pk WHERE price < 7;

CREATE TABLE cats_cdc (name STRING, cat STRING, PRIMARY KEY (name) NOT ENFORCED) WITH ('connector' = 'filesystem', 'path' = '${DATA}/cats_cdc.json', 'format' = 'debezium-json');

SELECT s.sku, s.name, s.qty, c.cat FROM stock_pk s LEFT JOIN cats_cdc c ON s.name = c.name;

SELECT sku, price FROM (SELECT *, ROW_NUMBER() OVER (ORDER BY price DESC) AS rn FROM stock_pk) WHERE rn <= 2;

CREATE TABLE t (id INT, v STRING, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'filesystem', 'path' = '${DATA}/canal.json', 'format' = 'canal-json');

SELECT id, v FROM t;

SELECT DISTINCT name FROM stock_pk WHERE name IN (SELECT name FROM cats_cdc WHERE cat <> 'wear');

CREATE TABLE sink (id INT, label STRING, amt DECIMAL(12, 3), hd DATE) WITH ('connector' = 'filesystem', 'path' = '${OUT}/sink', 'format' = 'csv', 'csv.null-literal' = 'NULL');

INSERT INTO sink SELECT id, name || ',' || COALESCE(dept, '?'), salary, hired FROM emp;

SELECT * FROM sink;

CREATE TABLE big (oid INT, v DECIMAL(12, 2)) WITH ('connector' = 'filesystem', 'path' = '${OUT}/big', 'format' = 'json');

CREATE TABLE small (oid INT, v DECIMAL(12, 2)) WITH ('connector' = 'filesystem', 'path' = '${OUT}/small', 'format' = 'csv');

EXECUTE STATEMENT SET BEGIN
INSERT INTO big SELECT oid, qty * price FROM orders WHERE qty * price >= 10;
INSERT INTO small SELECT oid, qty * price FROM orders WHERE qty * price < 10;
END;

SELECT 'big' AS t, oid, v FROM big UNION ALL SELECT 'small', oid, v FROM small;

CREATE TABLE sink (k BIGINT, a VARCHAR(4), b SMALLINT, c DOUBLE) WITH ('connector' = 'filesystem', 'path' = '${OUT}/s', 'format' = 'json');

INSERT INTO sink (b, k) SELECT t, id FROM nums;

CREATE TABLE sink (k INT, v STRING, ts TIMESTAMP(3)) WITH ('connector' = 'filesystem', 'path' = '${OUT}/s', 'format' = 'csv');

INSERT INTO sink VALUES (1, 'one', TIMESTAMP '2024-01-01 10:00:00'), (2, 'it''s', TIMESTAMP '2024-01-01 10:00:00.123');

INSERT INTO sink SELECT k + 10, UPPER(v), ts FROM (VALUES (3, 'three', TIMESTAMP '2024-02-02 00:00:00')) AS t(k, v, ts);

CREATE TABLE sink (id INT, name STRING, dept STRING) PARTITIONED BY (dept) WITH ('connector' = 'filesystem', 'path' = '${OUT}/p', 'format' = 'csv');

INSERT INTO sink SELECT id, name, dept FROM emp WHERE id < 6;

INSERT INTO sink PARTITION (dept = 'fixed') SELECT id, name FROM emp WHERE id = 9;

SELECT id, name, dept FROM sink;

CREATE TABLE o (oid INT, cust STRING, item STRING, qty INT, price DECIMAL(8, 2), ts TIMESTAMP(3), total AS qty * price, dd AS CAST(ts AS DATE), label AS UPPER(item) || '#' || CAST(oid AS STRING)) WITH ('connector' = 'filesystem', 'path' = '${DATA}/orders.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');

SELECT oid, total, dd, label FROM o WHERE total > 10;

SELECT a, b, c FROM (VALUES (1, 'a', CAST(NULL AS DATE)), (2.5, 'bcd', DATE '2024-01-01'), (CAST(NULL AS INT), '', CAST(NULL AS DATE))) AS t(a, b, c);

SELECT e.`name` AS `select`, /* inline comment */ id AS `weird name`, 'it''s' AS q, U&'\00e4' AS u -- trailing comment
FROM emp AS e WHERE id = 1;

CREATE TABLE o2 (extra AS qty + 1) LIKE orders (EXCLUDING WATERMARKS);

SELECT oid, extra FROM o2 WHERE cust = 'c2';

select id, name from emp where (salary >= 4000) is true and not name like 'A%';

SELECT Id FROM emp;

SELECT TYPEOF(1), TYPEOF('ab'), TYPEOF(1.50), TYPEOF(1 / 2.0), TYPEOF(CAST(1 AS DECIMAL(10, 2)) * CAST(1 AS DECIMAL(10, 4))), TYPEOF(CAST(1 AS DECIMAL(10, 2)) / CAST(1 AS DECIMAL(10, 4))), TYPEOF(CAST(1 AS DECIMAL(38, 10)) + CAST(1 AS DECIMAL(20, 15))), TYPEOF(ARRAY[1, 2]), TYPEOF(DATE '2024-01-01'), TYPEOF(CAST(NULL AS STRING)), TYPEOF(1 + CAST(1 AS BIGINT)), TYPEOF(ROW(1, 'a')), TYPEOF(1e0), TYPEOF(3000000000);

CREATE VIEW u AS SELECT ts, 'o' AS src FROM orders UNION ALL SELECT ts, 'c' FROM clicks60;

SELECT window_start, src, COUNT(*) FROM TABLE(TUMBLE(TABLE u, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, src;

SELECT window_start, src, COUNT(*) FROM TABLE(TUMBLE((SELECT ts, 'o' AS src FROM orders UNION ALL SELECT ts, 'c' FROM clicks60), DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end, src;

CREATE TABLE t (a INT, b STRING, c ARRAY<INT>, d ROW<x INT, y STRING>) WITH ('connector' = 'filesystem', 'path' = '${DATA}/opts.csv', 'format' = 'csv', 'csv.field-delimiter' = '|', 'csv.quote-character' = '''', 'csv.allow-comments' = 'true', 'csv.ignore-parse-errors' = 'true', 'csv.array-element-delimiter' = '~', 'csv.null-literal' = '-');

SELECT * FROM t;

CREATE TABLE t (a INT, b INT) WITH ('connector' = 'filesystem', 'path' = '${DATA}/dept.csv', 'format' = 'csv');

CREATE TABLE t (id INT, f DOUBLE, s STRING, ok BOOLEAN, dt DATE, ts TIMESTAMP(3), n DECIMAL(6, 2)) WITH ('connector' = 'filesystem', 'path' = '${DATA}/loose.json', 'format' = 'json', 'json.ignore-parse-errors' = 'true', 'json.timestamp-format.standard' = 'ISO-8601');

CREATE TABLE t (id INT, dt DATE) WITH ('connector' = 'filesystem', 'path' = '${DATA}/loose.json', 'format' = 'json', 'json.fail-on-missing-field' = 'true', 'json.ignore-parse-errors' = 'false');

CREATE TABLE ab_log (line STRING) WITH ('connector' = 'filesystem', 'path' = '${DATA}/ab_log.txt', 'format' = 'raw');

SELECT SPLIT_INDEX(line, '|', 0), STR_TO_MAP(SPLIT_INDEX(line, '|', 1), ';', '=')['act'] FROM ab_log WHERE line LIKE '%act=buy%';

CREATE TABLE t (k STRING, n INT) WITH ('connector' = 'filesystem', 'path' = '${DATA}/parts', 'format' = 'csv');

SELECT k, SUM(n), COUNT(*) FROM t GROUP BY k;

SELECT name, salry FROM emp;

SELECT * FROM empp;

SELECT FROBNICATE(name) FROM emp;

SELECT * FROM emp WHERE hired = 5;

SELECT dept, name, COUNT(*) FROM emp GROUP BY dept;

SELECT dept FROM emp WHERE COUNT(*) > 1 GROUP BY dept;

SELECT dept FROM emp e JOIN dept d ON e.dept = d.dept;

SELECT name FROM emp ORDER BY name;

SELECT id, name FROM emp UNION ALL SELECT id FROM emp;

SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE emp, DESCRIPTOR(id), INTERVAL '1' MINUTE)) GROUP BY window_start, window_end;

CREATE TABLE sink (id INT, d DATE) WITH ('connector' = 'filesystem', 'path' = '${OUT}/s', 'format' = 'csv');

INSERT INTO sink SELECT id, name FROM emp;

SELECT (SELECT name FROM emp WHERE id < 3) FROM emp;

SELECT SUBSTRING(name) FROM emp;

CREATE TABLE sink (d STRING, n BIGINT) WITH ('connector' = 'filesystem', 'path' = '${OUT}/s', 'format' = 'csv');

INSERT INTO sink SELECT dept, COUNT(*) FROM emp GROUP BY dept;

SELECT window_start, COUNT(*) FROM TABLE(HOP(TABLE orders, DESCRIPTOR(ts), INTERVAL '7' SECOND, INTERVAL '30' SECOND)) GROUP BY window_start, window_end;

CREATE VIEW parsed AS SELECT CAST(SPLIT_INDEX(line, '|', 0) AS TIMESTAMP(3)) AS ts, kv['exp'] AS expt, kv['bucket'] AS bucket, kv['uid'] AS uid, kv['act'] AS act, TRY_CAST(kv['amt'] AS DECIMAL(10, 2)) AS amt FROM (SELECT line, STR_TO_MAP(SPLIT_INDEX(line, '|', 1), ';', '=') AS kv FROM ab_log WHERE line LIKE '____-__-__ __:__:__.___|exp=%');

CREATE TABLE clean (ts TIMESTAMP(3), expt STRING, bucket STRING, uid STRING, act STRING, amt DECIMAL(10, 2), WATERMARK FOR ts AS ts - INTERVAL '10' SECOND) WITH ('connector' = 'filesystem', 'path' = '${OUT}/clean', 'format' = 'json');

CREATE TABLE metrics (ws TIMESTAMP(3), expt STRING, bucket STRING, n_views BIGINT, n_clicks BIGINT, buyers BIGINT, revenue DECIMAL(20, 2)) WITH ('connector' = 'filesystem', 'path' = '${OUT}/metrics', 'format' = 'csv', 'csv.null-literal' = 'NULL');

INSERT INTO clean SELECT ts, expt, bucket, uid, act, amt FROM parsed;

INSERT INTO metrics SELECT window_start, expt, bucket, COUNT(*) FILTER (WHERE act = 'view'), COUNT(*) FILTER (WHERE act = 'click'), COUNT(DISTINCT uid) FILTER (WHERE act = 'buy'), SUM(amt) FROM TABLE(TUMBLE(TABLE clean, DESCRIPTOR(ts), INTERVAL '20' SECOND)) GROUP BY window_start, window_end, expt, bucket;

SELECT COALESCE(a.ws, b.ws) AS ws, COALESCE(a.expt, b.expt) AS expt, a.n_views AS va, b.n_views AS vb, a.n_clicks AS ca, b.n_clicks AS cb, a.revenue AS ra, b.revenue AS rb, CAST(b.n_clicks AS DOUBLE) / NULLIF(b.n_views, 0) - CAST(a.n_clicks AS DOUBLE) / NULLIF(a.n_views, 0) AS ctr_lift FROM (SELECT * FROM metrics WHERE bucket = 'A') a FULL JOIN (SELECT * FROM metrics WHERE bucket = 'B') b ON a.ws = b.ws AND a.expt = b.expt;

CREATE TABLE e2e_items (item_id INT, title STRING, cat_id INT, status STRING, PRIMARY KEY (item_id) NOT ENFORCED) WITH ('connector' = 'filesystem', 'path' = '${DATA}/e2e_items.json', 'format' = 'debezium-json');

CREATE TABLE e2e_prices (item_id INT, currency STRING, price DECIMAL(8,2), PRIMARY KEY (item_id, currency) NOT ENFORCED) WITH ('connector' = 'filesystem', 'path' = '${DATA}/e2e_prices.json', 'format' = 'debezium-json');

CREATE TABLE e2e_cats (cat_id INT, cname STRING, parent INT, PRIMARY KEY (cat_id) NOT ENFORCED) WITH ('connector' = 'filesystem', 'path' = '${DATA}/e2e_cats.json', 'format' = 'debezium-json');

CREATE VIEW price_doc AS SELECT item_id, COUNT(*) AS n_prices, MIN(price) AS min_price, MAX(CASE WHEN currency = 'EUR' THEN price END) AS eur, MAX(CASE WHEN currency = 'USD' THEN price END) AS usd FROM e2e_prices GROUP BY item_id;

CREATE VIEW cat_doc AS SELECT c.cat_id, c.cname, p.cname AS parent_name FROM e2e_cats c LEFT JOIN e2e_cats p ON c.parent = p.cat_id;

SELECT i.item_id, UPPER(i.title) AS title, COALESCE(c.parent_name || '/' || c.cname, c.cname, 'unknown') AS path, COALESCE(p.n_prices, 0) AS n_prices, p.eur, p.usd, CASE WHEN p.min_price IS NULL THEN 'hidden' WHEN p.min_price < 5 THEN 'cheap' ELSE 'normal' END AS band FROM e2e_items i LEFT JOIN price_doc p ON i.item_id = p.item_id LEFT JOIN cat_doc c ON i.cat_id = c.cat_id WHERE i.status = 'on';

CREATE TABLE e2e_clicks (uid STRING, ad STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND) WITH ('connector' = 'filesystem', 'path' = '${DATA}/e2e_clicks.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');

SELECT uid, ad, first_ts, last_ts, n FROM e2e_clicks MATCH_RECOGNIZE (PARTITION BY uid, ad ORDER BY ts MEASURES FIRST(A.ts) AS first_ts, LAST(B.ts) AS last_ts, COUNT(B.ts) + 1 AS n ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW PATTERN (A B{2,}? C) WITHIN INTERVAL '10' SECOND DEFINE B AS TIMESTAMPDIFF(SECOND, LAST(B.ts, 1), B.ts) <= 2 OR (LAST(B.ts, 1) IS NULL AND TIMESTAMPDIFF(SECOND, A.ts, B.ts) <= 2), C AS TIMESTAMPDIFF(SECOND, LAST(B.ts), C.ts) <= 2) AS m;

SELECT uid, window_start, window_end, n, ads, CASE WHEN n >= 4 AND n / ads >= 3 THEN 'suspicious' ELSE 'ok' END AS verdict FROM (SELECT uid, window_start, window_end, COUNT(*) AS n, COUNT(DISTINCT ad) AS ads FROM TABLE(SESSION(TABLE e2e_clicks PARTITION BY uid, DESCRIPTOR(ts), INTERVAL '15' SECOND)) GROUP BY uid, window_start, window_end);

SELECT dept, title FROM dept /*+ OPTIONS('csv.null-literal' = 'law') */ WHERE dept IS NULL OR dept = 'NULL';

CREATE TABLE t (k STRING, n INT, fname STRING NOT NULL METADATA FROM 'file.name' VIRTUAL) WITH ('connector' = 'filesystem', 'path' = '${DATA}/parts', 'format' = 'csv');

SELECT fname, k, n FROM t;

SELECT o.oid, o.item FROM orders o WHERE o.qty < 5 AND o.item NOT IN (SELECT name FROM stock_pk WHERE name IS NOT NULL AND qty < 5);

CREATE VIEW vr AS SELECT cur, rate, rt FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY cur ORDER BY rt DESC) AS rn FROM rates) WHERE rn = 1;

SELECT o.oid, r.rate FROM (SELECT *, CASE WHEN item = 'pen' THEN 'EUR' WHEN item = 'ink' THEN 'GBP' END AS c FROM orders) o LEFT JOIN vr FOR SYSTEM_TIME AS OF o.ts AS r ON o.c = r.cur;

SELECT s, s SIMILAR TO 'a\|%', s SIMILAR TO 'a|b', s SIMILAR TO 'a!|b' ESCAPE '!', s SIMILAR TO 'a.b', s SIMILAR TO '%b' FROM (VALUES ('a'), ('a|b'), ('zzz'), ('axb'), ('a.b')) AS t(s);

SET 'table.exec.source.cdc-events-duplicate' = 'true';

CREATE TABLE t (id INT, v STRING, n INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'filesystem', 'path' = '${DATA}/dup_cdc.json', 'format' = 'debezium-json');

SELECT v, COUNT(*), SUM(n) FROM t GROUP BY v;

CREATE TABLE ulog (k STRING, v INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'filesystem', 'path' = '${DATA}/upserts.csv', 'format' = 'csv', 'csv.null-literal' = 'NULL');

SELECT k, v FROM (SELECT k, v, ROW_NUMBER() OVER (PARTITION BY k ORDER BY ts DESC) AS rn FROM ulog) WHERE rn = 1 AND v IS NOT NULL;

SELECT COUNT(*), COUNT(DISTINCT item), MAX(qty) FROM (SELECT DISTINCT cust, item, qty FROM orders);

SELECT dept, PERCENTILE(salary, 0.5), PERCENTILE(id, ARRAY[0.0, 0.25, 1.0]) FROM emp GROUP BY dept;

SELECT k, ARRAY_AGG(DISTINCT v), COUNT(DISTINCT v), LISTAGG(DISTINCT v, ';') FROM (VALUES ('a', 'x'), ('a', 'x'), ('b', 'q'), ('c', CAST(NULL AS STRING))) AS t(k, v) GROUP BY k;

SELECT item, wt, u, SUM(u) OVER (PARTITION BY item ORDER BY wt ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS run FROM (SELECT item, window_time AS wt, SUM(qty) AS u FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '30' SECOND)) GROUP BY item, window_start, window_end, window_time);

SELECT window_start, COUNT(*), SUM(qty) FROM TABLE(TUMBLE((SELECT cust, qty, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY cust, item ORDER BY ts) AS rn FROM orders) WHERE rn = 1), DESCRIPTOR(ts), INTERVAL '30' SECOND)) GROUP BY window_start, window_end;

SELECT window_start, carrier, COUNT(*) FROM TABLE(TUMBLE((SELECT o.ts, s.carrier FROM orders o JOIN ships s ON o.oid = s.oid AND s.st BETWEEN o.ts AND o.ts + INTERVAL '20' SECOND), DESCRIPTOR(ts), INTERVAL '30' SECOND)) GROUP BY window_start, window_end, carrier;

SELECT item, total, rn FROM (SELECT item, total, ROW_NUMBER() OVER (ORDER BY total DESC, item) AS rn FROM (SELECT item, SUM(qty * price) AS total FROM orders GROUP BY item)) WHERE rn <= 2;

SELECT s.sku, v.w FROM stock_pk s LEFT JOIN (VALUES ('p1', 5), ('p4', 9)) AS v(sku, w) ON s.sku = v.sku;

SELECT window_start, window_end, COUNT(*) FROM TABLE(SESSION(TABLE orders, DESCRIPTOR(ts), INTERVAL '14' SECOND)) GROUP BY window_start, window_end;

