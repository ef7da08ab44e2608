package cli

type sqlCommand struct{}

func (sqlCommand) Run(w *world) error { return nil }
