package image

import (
	"context"
	"io"
	"time"

	"github.com/distribution/reference"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// MaxArchive is how many bytes an archive of images may have as it is sent (behaviour 16).
const MaxArchive = 4294967295

// LoadRequest is an archive of images.
type LoadRequest struct {
	Archive io.Reader
	// Read, if set, is called when all of the archive has been read.
	Read func()
	// Progress, if set, is told of the unpacking.
	Progress func(engine.PullProgress)
}

// Loaded is an image that has come out of an archive, under one of its names.
type Loaded struct {
	ID   string // sha256:...
	Name string // mysql:latest; "": the archive gives it none
}

// Load takes the images of an archive and gives them the names that they have in it; names of former images move. loaded is told of
// each as it is kept. An image is there whole or not at all; those that were kept before an error stay (cli 4.1). An account
// loads one archive at a time: others wait. Errors: ErrInvalidArgument, ErrResourceExhausted.
func (s *Service) Load(ctx context.Context, a account.Ref, req LoadRequest, loaded func(Loaded)) error {
	return s.load(ctx, a, req, "load", loaded)
}

func (s *Service) load(ctx context.Context, a account.Ref, req LoadRequest, action string, loaded func(Loaded)) error {
	if err := a.Check(); err != nil {
		return err
	}
	sh := s.shelf(a)
	select {
	case sh.loading <- struct{}{}:
		defer func() { <-sh.loading }()
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx = quota.Once(ctx)
	if err := s.room(ctx, a); err != nil {
		return err // before anything is read
	}
	return s.Engine.Load(ctx, a, engine.LoadRequest{
		Archive: req.Archive, Read: req.Read, Progress: req.Progress,
		Keep: func(img *engine.Image, names []string, enter func(context.Context) error) error {
			named, err := parseNames(names)
			if err != nil {
				return err
			}
			if err := s.keep(ctx, a, img, named, enter); err != nil {
				return err
			}
			if len(named) == 0 {
				loaded(Loaded{ID: img.ID})
			}
			for _, n := range named {
				loaded(Loaded{ID: img.ID, Name: reference.FamiliarString(n)})
			}
			s.publish(a, action, img.ID, img.ID)
			return nil
		},
	})
}

// parseNames reads the names that an archive gives to an image.
func parseNames(names []string) ([]reference.Named, error) {
	var out []reference.Named
	for _, n := range names {
		named, err := parse(n)
		if err != nil {
			return nil, err
		}
		if digestOf(named) != "" {
			continue // what it was called elsewhere says nothing of this one
		}
		if familiar(named.Name()) == "scratch" {
			return nil, oops.Invalid("'scratch' is a reserved name")
		}
		out = append(out, named)
	}
	return out, nil
}

// keep records an image that the engine has made: in the engine, and then in the store, with nothing in between. The names move to
// it.
func (s *Service) keep(ctx context.Context, a account.Ref, img *engine.Image, names []reference.Named, enter func(context.Context) error) error {
	sh := s.shelf(a)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if img.Size > s.MaxSize {
		return oops.Exhausted("the image has %d MB, an image can have at most %d MB", img.Size>>20, s.MaxSize>>20)
	}
	if _, have := s.Store.View(a).Image(img.ID); !have { // one that is there stays as it came
		if err := s.room(ctx, a); err != nil {
			return err
		}
		if err := enter(ctx); err != nil {
			return err
		}
	}
	failpoint.Hit("image.keep.after-engine")
	err := s.Store.Update(context.WithoutCancel(ctx), a, func(tx *store.Tx) error {
		if _, have := tx.Image(img.ID); !have {
			if err := room(tx.View); err != nil {
				return err
			}
			if err := tx.PutImage(store.Image{Image: *img, PulledAt: time.Now().UTC()}); err != nil {
				return err
			}
		}
		for _, n := range names {
			if old, had := tx.Tag(n.Name(), tagOf(n)); had && old.ImageID == img.ID {
				continue
			}
			if err := move(tx, store.Tag{Repository: n.Name(), Tag: tagOf(n), ImageID: img.ID}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		if _, kept := s.Store.View(a).Image(img.ID); !kept {
			s.drop(context.WithoutCancel(ctx), a, sh, img.ID)
		}
	}
	return err
}

// Present tells how many layers of an image, the lowest first, are there already: they need not be sent. Only what images of the same
// account consist of is told of (api 7.4).
func (s *Service) Present(a account.Ref, layers [][]string) ([]string, error) {
	if len(layers) > 1 {
		return nil, oops.Invalid("Loading multiple images from local is not supported")
	}
	have := map[string]bool{}
	for _, img := range s.Store.View(a).Images() {
		for _, d := range img.DiffIDs {
			have[d] = true
		}
	}
	out := []string{}
	for _, image := range layers {
		for _, d := range image {
			if !have[d] {
				return out, nil
			}
			out = append(out, d)
		}
	}
	return out, nil
}
