package sqltest_test

import _ "github.com/millrace-io/millrace/internal/testkit" // the format json
