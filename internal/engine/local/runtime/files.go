package runtime

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/files"
)

var _ engine.Files = (*Runtime)(nil)

// maxAnswer bounds what the helper says of one file.
const maxAnswer = 64 << 10

// StatFile implements engine.Files.
func (r *Runtime) StatFile(ctx context.Context, a account.Ref, at engine.FileSite, path string) (out engine.FileStat, err error) {
	err = r.inSite(ctx, a, at, func(root *os.File, _ []string) error {
		var buf bytes.Buffer
		if err := r.helper(ctx, a, root, files.Stat, files.Order{Path: path}, nil, &bounded{&buf, maxAnswer}); err != nil {
			return err
		}
		out, err = readAnswer(bufio.NewReader(&buf))
		return err
	})
	return out, err
}

// ReadFiles implements engine.Files.
func (r *Runtime) ReadFiles(ctx context.Context, a account.Ref, at engine.FileSite, path string, begin func(engine.FileStat), w io.Writer) error {
	return r.inSite(ctx, a, at, func(root *os.File, _ []string) error {
		out := &answered{begin: begin, w: w}
		return r.helper(ctx, a, root, files.Read, files.Order{Path: path, Exclude: kernelDirs}, nil, inPieces{out})
	})
}

// kernelDirs are left out when all of a container is copied: they are the kernel's.
var kernelDirs = []string{"/proc", "/sys", "/dev"}

// WriteFiles implements engine.Files.
func (r *Runtime) WriteFiles(ctx context.Context, a account.Ref, at engine.FileSite, path string, opts engine.WriteOptions, in io.Reader) error {
	return r.inSite(ctx, a, at, func(root *os.File, _ []string) error {
		o := files.Order{Path: path, KeepKinds: opts.KeepKinds, Owner: opts.Owner}
		return r.helper(ctx, a, root, files.Write, o, in, io.Discard)
	})
}

// ExportFiles implements engine.Files.
func (r *Runtime) ExportFiles(ctx context.Context, a account.Ref, at engine.FileSite, w io.Writer) error {
	at.Mounts = nil
	return r.inSite(ctx, a, at, func(root *os.File, mounted []string) error {
		return r.helper(ctx, a, root, files.Export, files.Order{Exclude: append(mounted, kernelDirs...)}, nil, inPieces{w})
	})
}

// ExportVolume implements engine.Files.
func (r *Runtime) ExportVolume(ctx context.Context, a account.Ref, dir string, w io.Writer) error {
	if err := a.Check(); err != nil {
		return err
	}
	root, err := idMapped(dir, a)
	if err != nil {
		return fmt.Errorf("showing a volume with the account's ids: %w", err)
	}
	defer root.Close()
	return r.helper(ctx, a, root, files.Export, files.Order{Root: true}, nil, inPieces{w})
}

// FileChanges implements engine.Files. The helper tells what is in the upper directory; whether the image has it too is looked up here, by
// names that may not be links on the way.
func (r *Runtime) FileChanges(ctx context.Context, a account.Ref, at engine.FileSite) (out []engine.FileChange, err error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	sctx := scope(ctx, a)
	mounts, err := r.rootfs(sctx, a, at.ID, false)
	if err != nil {
		return nil, err
	}
	if !at.Running {
		defer func() { _ = r.Disks.Detach(context.WithoutCancel(ctx), a, at.ID) }()
	}
	upper, err := os.OpenFile(upperOf(mounts), unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, fmt.Errorf("opening what the container wrote: %w", err)
	}
	defer upper.Close()
	var names bytes.Buffer
	if err := r.helper(ctx, a, upper, files.Changes, files.Order{}, nil, &bounded{&names, maxChanges}); err != nil {
		return nil, err
	}
	err = r.withLower(mounts, func(root string) error {
		dir, err := os.OpenFile(root, unix.O_PATH|unix.O_DIRECTORY, 0)
		if err != nil {
			return err
		}
		defer dir.Close()
		for line := range strings.SplitSeq(names.String(), "\x00") {
			if len(line) < 2 || line[1] != '/' {
				continue
			}
			c := engine.FileChange{Path: line[1:], Kind: engine.ChangeModified}
			have := inLower(dir, c.Path)
			switch {
			case line[0] == 'D' && !have:
				continue
			case line[0] == 'D':
				c.Kind = engine.ChangeDeleted
			case !have:
				c.Kind = engine.ChangeAdded
			}
			out = append(out, c)
		}
		return nil
	})
	return out, err
}

// maxChanges bounds the names of what a container has changed, in bytes.
const maxChanges = 64 << 20

// inLower reports whether the image has a path. Nothing is opened, and no link is followed.
func inLower(dir *os.File, path string) bool {
	how := unix.OpenHow{
		Flags: unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	}
	fd, err := unix.Openat2(int(dir.Fd()), strings.TrimPrefix(path, "/"), &how)
	if err == nil {
		_ = unix.Close(fd)
	}
	return err == nil || err == unix.ELOOP // ends in a link
}

// answered cuts the answer off what a reading writes.
type answered struct {
	begin func(engine.FileStat)
	w     io.Writer
	head  []byte
	begun bool
}

func (o *answered) Write(p []byte) (int, error) {
	if o.begun {
		return o.w.Write(p)
	}
	o.head = append(o.head, p...)
	i := bytes.IndexByte(o.head, '\n')
	if i < 0 {
		if len(o.head) > maxAnswer {
			return 0, fmt.Errorf("the description of a file is too long")
		}
		return len(p), nil
	}
	st, err := readAnswer(bufio.NewReader(bytes.NewReader(o.head[:i+1])))
	if err != nil {
		return 0, err
	}
	o.begun = true
	o.begin(st)
	if rest := o.head[i+1:]; len(rest) > 0 {
		if _, err := o.w.Write(rest); err != nil {
			return 0, err
		}
	}
	o.head = nil
	return len(p), nil
}

func readAnswer(in *bufio.Reader) (engine.FileStat, error) {
	var a files.Answer
	if err := json.NewDecoder(in).Decode(&a); err != nil {
		return engine.FileStat{}, fmt.Errorf("reading the description of a file: %w", err)
	}
	return engine.FileStat(a), nil
}

// bounded fails when more is written than it takes.
type bounded struct {
	w    io.Writer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, fmt.Errorf("more was said than can be")
	}
	return b.w.Write(p)
}
