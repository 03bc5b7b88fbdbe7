package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine/local/files"
	"github.com/hypercloud/hyper/internal/oops"
)

// filesMemory is how many bytes of memory the work on files may take: an archive may ask for a window of 128 MiB, and the names of
// directories are kept until its end.
const filesMemory = 512 << 20

// helper runs hyper-files on a directory.
func (r *Runtime) helper(ctx context.Context, a account.Ref, root *os.File, verb string, o files.Order, in io.Reader, out io.Writer) error {
	o.Memory = r.filesMemory
	order, err := json.Marshal(o)
	if err != nil {
		return err
	}
	f, err := r.rightless(ctx, a, rightless{program: "hyper-files", args: []string{verb, string(order)}, files: []*os.File{root}, in: in, out: out})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case r.starved(a, verb, err):
		return oops.Exhausted("the files take too much memory to work on: there are too many, or their names or attributes are too long")
	case err != nil:
		return fmt.Errorf("working on the container's files: %w", err)
	case f != nil:
		return failure(*f)
	}
	return nil
}

// rightless is a program to run without rights.
type rightless struct {
	program string // in libexec
	args    []string
	files   []*os.File // what it has besides its streams, from descriptor 3 on
	in      io.Reader
	out     io.Writer
	started func() // if set, called when it runs
}

// rightless runs a program with the account's ids as its own, in namespaces of its own, with nothing open but what it is given. It ends with ctx,
// and with hyperd. A failure is what the program itself says went wrong; an error, that it was not there to say it.
func (r *Runtime) rightless(ctx context.Context, a account.Ref, p rightless) (*files.Failure, error) {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, filepath.Join(r.Libexec, p.program), p.args...)
	cmd.Stdout, cmd.Stderr = p.out, &bounded{&said, maxAnswer}
	if p.in != nil {
		// Whoever sends is not waited for when the work has ended.
		stdin, err := cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		go pour(stdin, p.in)
	}
	cmd.ExtraFiles, cmd.Env, cmd.Dir = p.files, []string{}, "/"
	cmd.WaitDelay = 2 * time.Second
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: int(a.HostID()), Size: account.IDCount}}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
		UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true,
		Credential: &syscall.Credential{}, Pdeathsig: syscall.SIGKILL,
	}
	// The signal comes at the end of the thread that started it.
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r.charge(a, cmd.Process.Pid)
	if p.started != nil {
		p.started()
	}
	err := cmd.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err == nil {
		return nil, nil
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		return nil, &crash{err, said.String()}
	}
	var f files.Failure
	if json.Unmarshal(said.Bytes(), &f) != nil {
		return nil, errors.New(strings.TrimSpace(said.String()))
	}
	return &f, nil
}

// crash is the end of a program that does not know why.
type crash struct {
	error
	said string
}

func (e *crash) Unwrap() error { return e.error }

// starved tells whether a program ended for want of memory. It does so in more than one way, hardly ever in one that it can tell of.
func (r *Runtime) starved(a account.Ref, what string, err error) bool {
	var c *crash
	if !errors.As(err, &c) {
		return false
	}
	said, _, _ := strings.Cut(c.said, "\n")
	r.Log.Warn("a process that works for an account ended by itself", "account", a.ID(), "work", what, "status", c.Error(), "said", said)
	return true
}

func failure(f files.Failure) error {
	switch f.Kind {
	case "notfound":
		return oops.NotFound("%s", f.Text)
	case "invalid":
		return oops.Invalid("%s", f.Text)
	case "readonly":
		return oops.Forbidden("the container's root file system, or the volume there, is read-only: %s", f.Text)
	case "full":
		return oops.Exhausted("the container's disk, or the volume, is full: %s", f.Text)
	}
	return fmt.Errorf("working on the container's files: %s", f.Text)
}
