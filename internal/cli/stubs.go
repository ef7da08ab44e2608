package cli

type sqlCommand struct{}

func (sqlCommand) Run(w *world) error { return nil }

type demoCommand struct{}

func (demoCommand) Run(w *world) error { return nil }
