package control

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/millrace-io/millrace/internal/env"
)

const (
	socketFile = "control.sock"
	addrFile   = "control.addr"
	// socketNameMax is how long the name of a socket may be: 104 bytes with a zero
	// at the end on macOS, 108 on Linux.
	socketNameMax = 100
)

// listen opens the socket of a job's folder and returns its name.
func listen(dir string) (net.Listener, string, error) {
	if err := errors.Join(remove(filepath.Join(dir, socketFile)), remove(filepath.Join(dir, addrFile))); err != nil {
		return nil, "", err
	}
	name := filepath.Join(dir, socketFile)
	if len(name) <= socketNameMax {
		if l, err := env.ListenUnix(name); err == nil {
			return l, name, nil
		}
	}
	tmp, err := os.MkdirTemp(env.TempDir(), "millrace-")
	if err != nil {
		return nil, "", err
	}
	name = filepath.Join(tmp, socketFile)
	l, err := env.ListenUnix(name)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, addrFile), []byte(name+"\n"), 0o644)
	}
	if err != nil {
		return nil, "", errors.Join(err, os.RemoveAll(tmp))
	}
	return l, name, nil
}

// unlink takes the socket's name away; who is connected stays connected.
func unlink(dir, name string) error {
	if filepath.Dir(name) == filepath.Clean(dir) {
		return remove(name)
	}
	return errors.Join(os.RemoveAll(filepath.Dir(name)), remove(filepath.Join(dir, addrFile)))
}

func remove(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// socketOf returns the name of the socket of a job's folder.
func socketOf(dir string) (string, error) {
	if name := filepath.Join(dir, socketFile); len(name) <= socketNameMax {
		if _, err := os.Stat(name); err == nil {
			return name, nil
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, addrFile))
	if errors.Is(err, os.ErrNotExist) {
		return shortened(filepath.Join(dir, socketFile))
	}
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(data)), nil
}

// shortened returns another name of a socket whose own is too long for it: who looks
// for it may stand elsewhere than who opened it by a relative name.
func shortened(name string) (string, error) {
	if _, err := os.Stat(name); err != nil {
		return "", fmt.Errorf("%w: %s has no socket", ErrNoProcess, filepath.Dir(name))
	}
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	if short, err := filepath.Rel(here, name); err == nil && len(short) <= socketNameMax {
		return short, nil
	}
	return "", fmt.Errorf("the name of the socket %s is too long: change into a folder near it", name)
}
