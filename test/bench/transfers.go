package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// transferred is the size of the file that is carried: lines of text, since a log's cost is by lines too.
const transferred = 1 << 30

const textLine = "The quick brown fox jumps over the lazy dog, and the lazy dog, who has seen worse, goes on with its sleep.\n"

// rotated is the log that hyperd gives a container, as options for dockerd, whose own logs grow without end.
var rotated = []string{"--log-driver", "json-file", "--log-opt", "max-size=5m", "--log-opt", "max-file=10"}

// transfers measures what streams and copies carry.
func (r *rig) transfers(samples int) error {
	file := filepath.Join(r.Dir, "text")
	if err := writeText(file, transferred); err != nil {
		return err
	}
	defer os.Remove(file)
	for _, c := range clients {
		if _, err := r.do(c, "run", "-d", "--name", "carrier", "busybox", "sleep", "100000"); err != nil {
			return err
		}
		var log []string
		if c == "docker" {
			log = rotated
		}
		if _, err := r.do(c, slices.Concat([]string{"create", "--name", "writer"}, log, []string{"busybox", "cat", "/text"})...); err != nil {
			return err
		}
		if _, err := r.do(c, slices.Concat([]string{"create", "-i", "--name", "reader"}, log, []string{"busybox", "sh", "-c", "cat >/dev/null"})...); err != nil {
			return err
		}
		for _, to := range []string{"carrier", "writer"} {
			if _, err := r.do(c, "cp", file, to+":/text"); err != nil {
				return err
			}
		}
	}
	copied := filepath.Join(r.Dir, "copied")
	defer os.Remove(copied)
	for _, row := range []struct {
		name    string
		samples int
		args    []string
		in, out bool // whether the file is the command's input, or its output
	}{
		{"exec cat FILE, out (s/GiB)", samples, []string{"exec", "carrier", "cat", "/text"}, false, true},
		{"exec -i, in (s/GiB)", samples, []string{"exec", "-i", "carrier", "sh", "-c", "cat >/dev/null"}, true, false},
		{"start -a, out, json-file 10 x 5 MB (s/GiB)", (samples + 1) / 2, []string{"start", "-a", "writer"}, false, true},
		{"start -ai, in (s/GiB)", samples, []string{"start", "-ai", "reader"}, true, false},
		{"cp out, to a file (s/GiB)", samples, []string{"cp", "carrier:/text", copied}, false, false},
		{"cp in, from a file (s/GiB)", samples, []string{"cp", file, "carrier:/taken"}, false, false},
	} {
		err := r.beside(row.name, "%.2f", row.samples, func(client string, i int) (float64, error) {
			return r.carry(client, file, row.args, row.in, row.out && i == 0)
		})
		if err != nil {
			return err
		}
	}
	for _, c := range clients {
		if r.only.MatchString("cp out") && r.only.MatchString("cp in") {
			if err := r.arrived(c, copied); err != nil {
				return err
			}
		}
		if _, err := r.do(c, "rm", "-f", "carrier", "writer", "reader"); err != nil {
			return err
		}
	}
	return nil
}

// carry times one command. counted has it looked at whether all of the file comes out.
func (r *rig) carry(client, file string, args []string, in, counted bool) (float64, error) {
	unix.Sync() // or what was written for the one is still on its way to the disk while the other is measured
	cmd := r.dockerTo(client, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	if in {
		f, err := os.Open(file)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		cmd.Stdin = f
	}
	var n tally
	if counted {
		cmd.Stdout = &n
	}
	took, err := timed(time.Second, cmd.Run)
	if err != nil {
		return 0, fmt.Errorf("docker %v with %s: %w: %s", args, client, err, said.Bytes())
	}
	if counted && int64(n) != transferred {
		return 0, fmt.Errorf("docker %v with %s: %d bytes came, of %d", args, client, int64(n), transferred)
	}
	return took, nil
}

// arrived compares what was copied out and in with what was sent.
func (r *rig) arrived(client, copied string) error {
	if st, err := os.Stat(copied); err != nil || st.Size() != transferred {
		return fmt.Errorf("the file that was copied out of a container is not there in full: %v", err)
	}
	if _, err := r.do(client, "exec", "carrier", "cmp", "/text", "/taken"); err != nil {
		return err
	}
	return nil
}

// tally counts what is written to it.
type tally int64

func (t *tally) Write(p []byte) (int, error) {
	*t += tally(len(p))
	return len(p), nil
}

func writeText(path string, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	piece := strings.Repeat(textLine, 10_000)
	for left := size; left > 0 && err == nil; left -= int64(len(piece)) {
		_, err = io.WriteString(f, piece[:min(left, int64(len(piece)))])
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = exec.Command("sync", path).Run() // or the machine writes it while others are measured
	}
	return err
}
