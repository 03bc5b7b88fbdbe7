package container

import (
	"context"
	"io"
	"slices"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// atFiles calls fn with the place of a container's files. One that runs goes on, and when it ends so does the work; one that rests cannot be
// started, changed or removed meanwhile, and has its volumes attached if they are wanted.
func (s *Service) atFiles(ctx context.Context, a account.Ref, ref string, volumes bool, fn func(ctx context.Context, c *Container, at engine.FileSite) error) error {
	c, err := s.Get(a, ref)
	if err != nil {
		return err
	}
	if c.State.Status.Live() {
		return s.atRunning(ctx, c, fn)
	}
	c, e, err := s.lock(a, ref)
	if err != nil {
		return err
	}
	if c.State.Status.Live() { // by now
		e.ops.Unlock()
		return s.atRunning(ctx, c, fn)
	}
	defer e.ops.Unlock()
	e.mu.Lock() // what is left of its process is cleared away
	defer e.mu.Unlock()
	if c.State.Status == store.StatusStarting {
		return oops.Conflict("container %s is being started: try again", c.Name)
	}
	at := engine.FileSite{ID: c.ID, ReadOnly: c.Spec.ReadOnly}
	if volumes && len(c.Spec.Mounts) > 0 {
		defer s.detachVolumes(context.WithoutCancel(ctx), a, c)
		if at.Mounts, err = s.mounts(ctx, a, c); err != nil {
			return err
		}
	}
	return fn(ctx, c, at)
}

func (s *Service) atRunning(ctx context.Context, c *Container, fn func(ctx context.Context, c *Container, at engine.FileSite) error) error {
	e := s.entry(c.ID)
	e.mu.Lock()
	exited := e.exited
	e.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if exited != nil {
		go func() {
			select {
			case <-exited:
				cancel(oops.Conflict("container %s has stopped", c.Name))
			case <-ctx.Done():
			}
		}()
	}
	err := fn(ctx, c, engine.FileSite{ID: c.ID, Running: true, ReadOnly: c.Spec.ReadOnly})
	if cause := context.Cause(ctx); err != nil && cause != nil && errdefs.IsConflict(cause) {
		return cause
	}
	return err
}

// noFile has Docker's words for what is not there.
func noFile(ref, path string, err error) error {
	if errdefs.IsNotFound(err) {
		return oops.NotFound("Could not find the file %s in container %s", path, ref)
	}
	return err
}

func checkPath(path string) error {
	if path == "" {
		return oops.Invalid("a path in the container is needed")
	}
	return nil
}

// StatFile describes a file of a container.
func (s *Service) StatFile(ctx context.Context, a account.Ref, ref, path string) (st engine.FileStat, err error) {
	if _, err := s.Get(a, ref); err != nil {
		return st, err
	}
	if err := checkPath(path); err != nil {
		return st, err
	}
	err = s.atFiles(ctx, a, ref, true, func(ctx context.Context, c *Container, at engine.FileSite) error {
		st, err = s.Engine.StatFile(ctx, a, at, path)
		return noFile(ref, path, err)
	})
	return st, err
}

// ReadFiles writes a file or a directory of a container as a tar. begin is called before anything is written.
func (s *Service) ReadFiles(ctx context.Context, a account.Ref, ref, path string, begin func(engine.FileStat), w io.Writer) error {
	if _, err := s.Get(a, ref); err != nil {
		return err
	}
	if err := checkPath(path); err != nil {
		return err
	}
	return s.atFiles(ctx, a, ref, true, func(ctx context.Context, c *Container, at engine.FileSite) error {
		err := noFile(ref, path, s.Engine.ReadFiles(ctx, a, at, path, begin, w))
		if err == nil {
			s.publish(a, c, "archive-path", nil)
		}
		return err
	})
}

// WriteRequest says where an archive is unpacked, and how.
type WriteRequest struct {
	Path      string
	KeepKinds bool // refuse to put a file in the place of a directory, or the other way
	Own       bool // all is the container's user's, and not whose the archive says
}

// WriteFiles unpacks an archive into a directory of a container: its root file system, or a volume.
func (s *Service) WriteFiles(ctx context.Context, a account.Ref, ref string, req WriteRequest, r io.Reader) error {
	c, err := s.Get(a, ref)
	if err != nil {
		return err
	}
	if err := open(c); err != nil {
		return err
	}
	if err := checkPath(req.Path); err != nil {
		return err
	}
	return s.atFiles(ctx, a, ref, true, func(ctx context.Context, c *Container, at engine.FileSite) error {
		opts := engine.WriteOptions{KeepKinds: req.KeepKinds}
		if req.Own {
			opts.Owner = c.Spec.User
		}
		err := noFile(ref, req.Path, s.Engine.WriteFiles(ctx, a, at, req.Path, opts, r))
		if err == nil {
			s.publish(a, c, "extract-to-dir", nil)
		}
		return err
	})
}

// Export writes a container's root file system as a tar, without its volumes. begin is called before anything is written.
func (s *Service) Export(ctx context.Context, a account.Ref, ref string, begin func(), w io.Writer) error {
	return s.atFiles(ctx, a, ref, false, func(ctx context.Context, c *Container, at engine.FileSite) error {
		err := s.Engine.ExportFiles(ctx, a, at, &beginning{begin: begin, w: w})
		if err == nil {
			s.publish(a, c, "export", nil)
		}
		return err
	})
}

// platformFiles are the places of what is mounted into every container: that something is there is nobody's change.
var platformFiles = []string{"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}

// Changes tells what of a container's root file system differs from its image.
func (s *Service) Changes(ctx context.Context, a account.Ref, ref string) (out []engine.FileChange, err error) {
	err = s.atFiles(ctx, a, ref, false, func(ctx context.Context, _ *Container, at engine.FileSite) error {
		out, err = s.Engine.FileChanges(ctx, a, at)
		out = slices.DeleteFunc(out, func(c engine.FileChange) bool { return slices.Contains(platformFiles, c.Path) })
		return err
	})
	return out, err
}

// beginning calls begin before its first byte.
type beginning struct {
	begin func()
	w     io.Writer
}

func (b *beginning) Write(p []byte) (int, error) {
	if b.begin != nil {
		b.begin()
		b.begin = nil
	}
	return b.w.Write(p)
}
