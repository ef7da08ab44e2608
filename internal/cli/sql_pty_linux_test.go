package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/millrace-io/millrace/internal/testkit/need"
)

// A terminal is a program of this test at a terminal of its own.
type terminal struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	mu     sync.Mutex
	seen   strings.Builder
}

func newTerminal(t *testing.T, env []string, args ...string) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		need.Skip(t, "no terminals here: ", err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 30, Col: 100})
	}
	if err != nil {
		need.Skip(t, "no terminals here: ", err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		need.Skip(t, "no terminals here: ", err)
	}
	defer tty.Close()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	x := &terminal{t: t, master: master, cmd: exec.Command(exe, args...)}
	x.cmd.Env = append(append(os.Environ(), "MILLRACE_TEST_RUN=1", "TERM=xterm"), env...)
	x.cmd.Stdin, x.cmd.Stdout, x.cmd.Stderr = tty, tty, tty
	x.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.cmd.Process.Kill() })
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			if err != nil {
				return
			}
			x.mu.Lock()
			x.seen.Write(buf[:n])
			x.mu.Unlock()
		}
	}()
	return x
}

// key types something, after what is on the screen is forgotten.
func (x *terminal) key(s string) {
	x.t.Helper()
	x.mu.Lock()
	x.seen.Reset()
	x.mu.Unlock()
	if _, err := x.master.WriteString(s); err != nil {
		x.t.Fatal(err)
	}
}

// wait waits until the screen has shown a text.
func (x *terminal) wait(want string) {
	x.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		x.mu.Lock()
		found := strings.Contains(x.seen.String(), want)
		x.mu.Unlock()
		if found {
			return
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.t.Fatalf("no %q in %q", want, x.seen.String())
}

func TestShellAtTerminal(t *testing.T) {
	state := t.TempDir()
	x := newTerminal(t, []string{"XDG_STATE_HOME=" + state}, "sql", "--parallelism", "1")
	x.wait("millrace> ")
	x.key("SELECT 1 AS uno,\r")
	x.wait("-> ")
	x.key("2 AS dos;\r")
	x.wait("│   1 │   2 │")
	x.wait("millrace> ")
	x.key("CREATE TABLE ticks (i BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '50', 'fields.i.kind' = 'sequence', 'fields.i.start' = '1', 'fields.i.end' = '1000000');\r")
	x.wait("Done in")
	x.key("SELECT nmae FROM ticks;\r")
	x.wait("^^^^")
	x.wait("1:8")
	x.key("SELECT COUNT(*) AS n FROM tic\t")
	x.wait("ticks")
	x.key(";\r")
	x.wait("q or Ctrl-C ends the query")
	x.key("\x03")
	x.wait("cancelled")
	x.key("SELECT i FROM ticks;\r")
	x.wait("ends the query")
	x.key("q")
	x.wait("cancelled")
	x.key("half a statement\x03") // Ctrl-C clears the line
	x.wait("millrace> ")
	x.key("SET 'execution.runtime-mode' = 'batch';\r")
	x.wait("Done in")
	x.key("SELECT COUNT(*) FROM (VALUES 1, 2, 3) AS t(v);\r")
	x.wait("1 row in")
	x.key("\x04")
	if err := x.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(state, "millrace", "history"))
	if err != nil || !strings.HasPrefix(string(data), "SELECT 1 AS uno, 2 AS dos;\n") {
		t.Errorf("history %q, error %v", data, err)
	}
}
