package container

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// A container can mount the volumes of another one of its account (--volumes-from). They stay the other's: it is the one that has them, and
// a borrower is asked for nothing but to let go when it ends. When the owner is removed first, a borrower has them from then on.

// borrow adds the volumes of other containers to the mounts of c, where it has none of its own. Errors: ErrNotFound,
// ErrInvalidArgument for a mode that is none, and for a source that has borrowed itself.
func borrow(view *store.View, c *Container, sources []string) error {
	for _, s := range sources {
		name, mode, _ := strings.Cut(s, ":")
		if !slices.Contains([]string{"", "ro", "rw", "z", "Z"}, mode) {
			return oops.Invalid("invalid mode for volumes-from: %s", mode)
		}
		src, err := view.FindContainer(name)
		if err != nil || src.Phase != store.Ready {
			return notFound(name)
		}
		if err := open(src); err != nil {
			return err // what runs there trusts its files
		}
		if len(src.Spec.VolumesFrom) > 0 {
			return oops.Invalid("Cannot recursively import volumes from %s.", src.Name)
		}
		for _, m := range src.Spec.Mounts {
			if slices.ContainsFunc(c.Spec.Mounts, func(x store.Mount) bool { return x.Destination == m.Destination }) {
				continue
			}
			m.ReadOnly, m.Borrowed = m.ReadOnly || mode == "ro", true
			c.Spec.Mounts = append(c.Spec.Mounts, m)
		}
	}
	c.Spec.VolumesFrom = sources
	slices.SortStableFunc(c.Spec.Mounts, func(x, y store.Mount) int {
		return strings.Count(x.Destination, "/") - strings.Count(y.Destination, "/")
	})
	return nil
}

// inUse tells whether another container than the one with this id, which runs or is about to, mounts a volume.
func inUse(view *store.View, volume, but string) bool {
	return slices.ContainsFunc(view.Containers(), func(c *Container) bool {
		return c.ID != but && (c.State.Status.Live() || c.State.Status == store.StatusStarting) && mounts(c, volume)
	})
}

// attachVolume attaches a volume for a container whose row says already that it is starting.
func (s *Service) attachVolume(ctx context.Context, a account.Ref, volume string) (dir string, err error) {
	s.volumes.Lock(volume)
	defer func() { _ = s.volumes.Unlock(volume) }() // its only error is that it was not locked
	return s.Engine.AttachVolume(ctx, a, volume)
}

// detachVolume lets go of a volume for a container, unless another one uses it.
func (s *Service) detachVolume(ctx context.Context, a account.Ref, c *Container, volume string) error {
	s.volumes.Lock(volume)
	defer func() { _ = s.volumes.Unlock(volume) }() // its only error is that it was not locked
	if inUse(s.Store.View(a), volume, c.ID) {
		return nil
	}
	return s.Engine.DetachVolume(ctx, a, volume)
}

// ExportVolume writes what is in a volume as a tar, whether a container has it or not. begin is called before the first byte.
// What changes meanwhile may be in it or not; a volume of a snapshot holds one moment. Errors: ErrNotFound, ErrConflict while it is filled.
func (s *Service) ExportVolume(ctx context.Context, a account.Ref, name string, begin func(), w io.Writer) (err error) {
	v, err := s.Volumes.Find(a, name)
	if err != nil {
		return err
	}
	if err := volume.Steady(v); err != nil {
		return err
	}
	dir, err := s.attachVolume(ctx, a, v.ID)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, s.detachVolume(context.WithoutCancel(ctx), a, &Container{}, v.ID))
	}()
	return s.Engine.ExportVolume(ctx, a, dir, &beginning{begin: begin, w: w})
}
