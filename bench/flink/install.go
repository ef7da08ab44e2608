// Package flink installs Apache Flink from package registries and runs a
// standalone cluster of it, to measure beside Millrace.
//
// A Cluster is one JobManager and one TaskManager, both Java processes that this
// process starts and ends by itself; queries reach them through Flink's SQL
// client, what happens through the REST interface, what it costs through /proc.
package flink

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Version is the Flink that figures are compared with.
const Version = "2.3.0"

const hadoopVersion = "3.3.6"

// A Dist is an installed Flink.
type Dist struct {
	Home   string
	hadoop string // class path that Parquet needs
}

// CacheDir is where Install puts Flink unless told otherwise.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find cache folder: %w", err)
	}
	return filepath.Join(dir, "millrace", "flink-"+Version), nil
}

// Install returns the Flink in dir, for "" the one in CacheDir. What is missing there it downloads (400 MB),
// with pip and mvn as they are set up on this machine:
//
//	download/   wheels and jars as they came
//	flink/      what the usual distribution has: bin, conf, lib, opt, plugins
//	hadoop/     for Parquet
//	complete    exists when all of it is there
func Install(ctx context.Context, dir string, log io.Writer) (Dist, error) {
	if dir == "" {
		var err error
		if dir, err = CacheDir(); err != nil {
			return Dist{}, err
		}
	}
	d := Dist{Home: filepath.Join(dir, "flink"), hadoop: filepath.Join(dir, "hadoop", "*")}
	complete := filepath.Join(dir, "complete")
	if _, err := os.Stat(complete); err == nil {
		return d, nil
	}
	download := filepath.Join(dir, "download")
	for _, sub := range []string{download, d.Home, filepath.Dir(d.hadoop)} {
		if err := os.MkdirAll(sub, 0o755); err != nil {
			return d, err
		}
	}
	for _, w := range []struct {
		pkg, wheel string
		folders    []string
	}{
		{"apache-flink-libraries", "apache_flink_libraries-" + Version + "-*.whl", []string{"bin", "lib", "opt", "plugins"}},
		{"apache-flink", "apache_flink-" + Version + "-*.whl", []string{"bin", "conf", "log"}},
	} {
		wheel, err := fetch(ctx, log, download, w.wheel, "python3", "-m", "pip", "download", "--no-deps", "--dest", download, w.pkg+"=="+Version)
		if err != nil {
			return d, err
		}
		if err := unpack(wheel, d.Home, w.folders); err != nil {
			return d, fmt.Errorf("unpack %s: %w", wheel, err)
		}
	}
	for _, j := range []struct{ group, artifact, version, to string }{
		{"org.apache.flink", "flink-sql-gateway", Version, filepath.Join(d.Home, "opt")},
		{"org.apache.flink", "flink-sql-parquet", Version, filepath.Join(d.Home, "lib")},
		{"org.apache.hadoop", "hadoop-client-api", hadoopVersion, filepath.Dir(d.hadoop)},
		{"org.apache.hadoop", "hadoop-client-runtime", hadoopVersion, filepath.Dir(d.hadoop)},
	} {
		name := j.artifact + "-" + j.version + ".jar"
		jar, err := fetch(ctx, log, download, name, "mvn", "-B", "-q", "dependency:copy",
			"-Dartifact="+j.group+":"+j.artifact+":"+j.version, "-DoutputDirectory="+download)
		if err != nil {
			return d, err
		}
		if err := copyFile(jar, filepath.Join(j.to, name)); err != nil {
			return d, err
		}
	}
	return d, os.WriteFile(complete, nil, 0o644)
}

// fetch returns the file in dir that matches pattern, after running a command if
// it is not there yet.
func fetch(ctx context.Context, log io.Writer, dir, pattern, command string, args ...string) (string, error) {
	for try := range 2 {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return "", err
		}
		if len(found) > 0 {
			return found[0], nil
		}
		if try == 1 {
			break
		}
		fmt.Fprintln(log, command, strings.Join(args, " "))
		cmd := exec.CommandContext(ctx, command, args...)
		cmd.Stdout, cmd.Stderr = log, log
		if err := cmd.Run(); err != nil {
			return "", fmt.Errorf("%s %s: %w", command, strings.Join(args, " "), err)
		}
	}
	return "", fmt.Errorf("%s left no %s in %s", command, pattern, dir)
}

// unpack extracts pyflink/FOLDER of a wheel to home/FOLDER, for some folders.
func unpack(wheel, home string, folders []string) error {
	z, err := zip.OpenReader(wheel)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		name, ok := strings.CutPrefix(f.Name, "pyflink/")
		if !ok || strings.HasSuffix(name, "/") || !filepath.IsLocal(name) {
			continue
		}
		for _, folder := range folders {
			if strings.HasPrefix(name, folder+"/") {
				if err := extract(f, filepath.Join(home, name)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func extract(f *zip.File, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer in.Close()
	mode := os.FileMode(0o644)
	if strings.Contains(f.Name, "/bin/") {
		mode = 0o755 // wheels do not keep it
	}
	return write(in, to, mode)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return write(in, to, 0o644)
}

func write(in io.Reader, to string, mode os.FileMode) error {
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
