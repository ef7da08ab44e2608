package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// The versions of what the figures and the recorded answers are made with.
const (
	generatorVersion = "4.0.0"
	duckdbVersion    = "2.0.0"
)

// A kit is the generator and DuckDB in a Python environment of their own.
type kit struct {
	dir string
	log io.Writer
}

// install puts the kit into dir. What is missing there it downloads with pip as it is
// set up on this machine.
func install(ctx context.Context, dir string, log io.Writer) (kit, error) {
	k := kit{dir: filepath.Join(dir, "tpch-"+generatorVersion+"-"+duckdbVersion), log: log}
	complete := filepath.Join(k.dir, "complete")
	if _, err := os.Stat(complete); err == nil {
		return k, nil
	}
	if err := k.run(ctx, "python3", "-m", "venv", k.dir); err != nil {
		return k, fmt.Errorf("make a Python environment: %w", err)
	}
	if err := k.run(ctx, k.program("python"), "-m", "pip", "install", "--quiet", "tpchgen-cli=="+generatorVersion, "duckdb=="+duckdbVersion); err != nil {
		return k, fmt.Errorf("install tpchgen-cli and duckdb: %w", err)
	}
	return k, os.WriteFile(complete, nil, 0o644)
}

func (k kit) program(name string) string { return filepath.Join(k.dir, "bin", name) }

func (k kit) run(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = k.log, k.log
	return cmd.Run()
}

// data returns the folder with the tables at a scale factor, which it generates if it
// is not there.
func (k kit) data(ctx context.Context, scale string) (string, error) {
	dir := filepath.Join(k.dir, "data-"+scale)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	part := dir + ".part"
	if err := os.RemoveAll(part); err != nil {
		return "", err
	}
	if err := k.run(ctx, k.program("tpchgen-cli"), "parquet", "--scale-factor", scale, "--output-dir", part, "--no-progress"); err != nil {
		return "", fmt.Errorf("generate the tables: %w", err)
	}
	return dir, os.Rename(part, dir)
}
