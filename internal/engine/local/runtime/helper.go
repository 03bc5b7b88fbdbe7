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

// helper runs hyper-files on a directory: with the account's ids as its own, in namespaces of its own, with nothing open but the directory and
// the streams. It ends with ctx, and with hyperd.
func (r *Runtime) helper(ctx context.Context, a account.Ref, root *os.File, verb string, o files.Order, in io.Reader, out io.Writer) error {
	order, err := json.Marshal(o)
	if err != nil {
		return err
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, filepath.Join(r.Libexec, "hyper-files"), verb, string(order))
	cmd.Stdout, cmd.Stderr = out, &bounded{&said, maxAnswer}
	if in != nil {
		// Whoever sends is not waited for when the work has ended.
		stdin, err := cmd.StdinPipe()
		if err != nil {
			return err
		}
		go func() {
			_, _ = io.Copy(stdin, in)
			_ = stdin.Close()
		}()
	}
	cmd.ExtraFiles, cmd.Env, cmd.Dir = []*os.File{root}, []string{}, "/"
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
		return fmt.Errorf("working on the container's files: %w", err)
	}
	r.charge(a, cmd.Process.Pid)
	err = cmd.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		return nil
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		return fmt.Errorf("working on the container's files: %w", err)
	}
	var f files.Failure
	if json.Unmarshal(said.Bytes(), &f) != nil {
		return fmt.Errorf("working on the container's files: %s", strings.TrimSpace(said.String()))
	}
	return failure(f)
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
