package runtime

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// pipeSize lets a container write on for a while when nobody reads: hyperd is being replaced.
const pipeSize = 1 << 20

// The names of a process's pipes in its directory.
const (
	stdinName  = "stdin"
	stdoutName = "stdout"
	stderrName = "stderr"
)

// pipes are the named pipes of a process, by path; "" is one that it has not.
type pipes struct {
	dir                   string
	stdin, stdout, stderr string
	terminal              bool
}

// outputs yields the streams that are written, and their pipes' paths.
func (p pipes) outputs() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		_ = (p.stdout == "" || yield(stdoutName, p.stdout)) && (p.stderr == "" || yield(stderrName, p.stderr))
	}
}

// makePipes makes a process's pipes. A terminal's output is one.
func makePipes(dir string, stdin, terminal bool) (pipes, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return pipes{}, fmt.Errorf("making the pipes' directory: %w", err)
	}
	names := []string{stdoutName}
	if !terminal {
		names = append(names, stderrName)
	}
	if stdin {
		names = append(names, stdinName)
	}
	for _, n := range names {
		if err := unix.Mkfifo(filepath.Join(dir, n), 0o600); err != nil && !errors.Is(err, os.ErrExist) {
			return pipes{}, fmt.Errorf("making the pipe for %s: %w", n, err)
		}
	}
	return findPipes(dir)
}

// findPipes finds the pipes that an earlier hyperd made.
func findPipes(dir string) (pipes, error) {
	p := pipes{dir: dir}
	for name, path := range map[string]*string{stdinName: &p.stdin, stdoutName: &p.stdout, stderrName: &p.stderr} {
		switch _, err := os.Lstat(filepath.Join(dir, name)); {
		case err == nil:
			*path = filepath.Join(dir, name)
		case !errors.Is(err, os.ErrNotExist):
			return p, err
		}
	}
	p.terminal = p.stderr == ""
	if p.stdout == "" {
		return p, os.ErrNotExist
	}
	return p, nil
}

// openOutput opens a pipe for reading and gives it room. It does not wait for the writer, the shim; reading must begin only
// when the shim has opened it, or it would seem at its end.
func openOutput(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	widen(f)
	return f, nil
}

// openInput opens a pipe for writing. It is opened for reading too, so that there is no waiting for the reader and no
// SIGPIPE; the shim is who reads.
func openInput(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|unix.O_NONBLOCK, 0)
}

// pending is how many bytes are in a pipe.
func pending(f *os.File) (n int) {
	c, err := f.SyscallConn()
	if err != nil {
		return 0
	}
	_ = c.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
	return n
}
