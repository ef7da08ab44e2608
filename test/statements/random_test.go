package statements_test

import (
	"testing"
)

// Neither two subtasks, nor two operators, nor two jobs draw the same random numbers.
func TestRandomDiffers(t *testing.T) {
	s := session(t, map[string]string{"parallelism.default": "4", "execution.runtime-mode": "BATCH"})
	must(t, s, `CREATE TABLE t (id INT) WITH ('connector' = 'datagen', 'number-of-rows' = '2000', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '2000')`)
	must(t, s, `CREATE TABLE drawn (id INT, u AS UUID()) WITH ('connector' = 'datagen', 'number-of-rows' = '2000')`)
	for _, rows := range []string{
		"SELECT UUID() AS u FROM t",
		"SELECT u FROM drawn",
		"SELECT UUID() AS u FROM (SELECT id, COUNT(*) FROM t GROUP BY id)",
	} {
		same(t, must(t, s, "SELECT COUNT(DISTINCT u) FROM ("+rows+")"), "EXPR$0", "2000")
	}
	same(t, must(t, s, "SELECT COUNT(*) FROM (SELECT id, COUNT(*), MIN(r) AS r FROM (SELECT id, RAND() AS r FROM t) GROUP BY id) WHERE r = RAND()"), "EXPR$0", "0")
	const one = "SELECT UUID() FROM t WHERE id = 1"
	if a, b := must(t, s, one), must(t, s, one); a[1] == b[1] {
		t.Errorf("two jobs draw %s", a[1])
	}
}
