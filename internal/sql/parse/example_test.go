package parse_test

import (
	"fmt"

	"github.com/millrace-io/millrace/internal/sql/parse"
	"github.com/millrace-io/millrace/internal/sql/print"
)

func ExampleStatements() {
	for s, err := range parse.Statements("SELECT a FROM t; SELECT b FORM t; SET k = v") {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(print.Statement(s))
	}
	// Output:
	// SELECT `a` FROM `t`
	// 1:27: unexpected 'FORM' before 't'; did you mean FROM?
	// SET 'k' = 'v'
}
