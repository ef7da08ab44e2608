package fn

// user are the functions that the program brings along, by the name under which
// they are registered.
var user = map[string]bool{}

// MarkUser notes that a registered function is one of the program's own.
func MarkUser(name string) { user[name] = true }

// User reports whether a function, by its registered name, is the program's own.
func User(name string) bool { return user[name] }
