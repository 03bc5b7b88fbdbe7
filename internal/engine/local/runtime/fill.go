package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/files"
	"github.com/hypercloud/hyper/internal/oops"
)

// FillDirectory fills an empty directory, which is a volume's. Whatever comes is unpacked by a process that has the account's ids and
// nothing but that directory.
func (r *Runtime) FillDirectory(ctx context.Context, a account.Ref, dir string, src engine.FillSource) (engine.Filled, error) {
	if err := a.Check(); err != nil {
		return engine.Filled{}, err
	}
	root, err := idMapped(dir, a)
	if err != nil {
		return engine.Filled{}, fmt.Errorf("showing a volume with the account's ids: %w", err)
	}
	defer root.Close()
	if src.Git != nil {
		return engine.Filled{}, r.clone(ctx, a, root, *src.Git)
	}
	verb, o, in := files.Take, files.Order{}, &faithful{r: src.Tar}
	if src.File != nil {
		verb, o, in = files.Save, files.Order{Path: src.Name}, &faithful{r: src.File}
	}
	o.Memory = r.filesMemory
	order, err := json.Marshal(o)
	if err != nil {
		return engine.Filled{}, err
	}
	var out bytes.Buffer
	f, err := r.rightless(ctx, a, rightless{
		program: "hyper-files", args: []string{verb, string(order)}, files: []*os.File{root}, in: in, out: &bounded{&out, maxAnswer},
	})
	if broken := in.broken(); broken != nil { // the source's own failure comes before what follows from it
		return engine.Filled{}, broken
	}
	if ctx.Err() == nil && r.starved(a, verb, err) {
		return engine.Filled{}, oops.Exhausted("the source takes too much memory to unpack")
	}
	if err := filled(ctx, f, err); err != nil {
		return engine.Filled{}, err
	}
	var got files.Taken
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		return engine.Filled{}, fmt.Errorf("filling a volume: %w", err)
	}
	return engine.Filled{File: got.File}, nil
}

// filled says why a volume could not be filled.
func filled(ctx context.Context, f *files.Failure, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("filling a volume: %w", err)
	case f == nil:
		return nil
	case f.Kind == "full":
		return oops.Exhausted("the source does not fit into the volume")
	case f.Kind == "invalid" || f.Kind == "notfound":
		return oops.Invalid("%s", f.Text)
	}
	return fmt.Errorf("filling a volume: %s", f.Text)
}

// idMapped shows a directory whose ids are plain (0 is a container's root) with the account's ids, as a mount without a place.
func idMapped(dir string, a account.Ref) (*os.File, error) {
	ns, err := mapping{inside: 0, outside: a.HostID()}.userns()
	if err != nil {
		return nil, err
	}
	defer ns.Close()
	tree, err := unix.OpenTree(unix.AT_FDCWD, dir, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(tree), dir)
	attr := unix.MountAttr{
		Attr_set:  unix.MOUNT_ATTR_IDMAP | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC,
		Userns_fd: uint64(ns.Fd()), Propagation: unix.MS_PRIVATE,
	}
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH, &attr); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// faithful remembers how the reading of a source ended: who reads at the other end of a pipe does not learn.
type faithful struct {
	r      io.Reader
	failed atomic.Pointer[error]
}

func (f *faithful) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.failed.Store(&err)
	}
	return n, err
}

func (f *faithful) broken() error {
	if err := f.failed.Load(); err != nil {
		return *err
	}
	return nil
}
