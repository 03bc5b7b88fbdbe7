package image

import (
	"context"
	"time"

	"github.com/containerd/errdefs"
	"github.com/distribution/reference"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// pullKey is what makes two pulls of an account the same one. Credentials belong to it, so that wrong ones
// do not fail somebody else's pull.
type pullKey struct{ ref, username, password, token string }

// Pull fetches an image and tells out of its progress, in the lines of Docker's stream; out is called from
// this goroutine. Pulls of the same thing at the same time are joined. When ctx ends Pull returns, but the pull goes on
// (cli 4). Errors: ErrInvalidArgument, ErrNotFound, ErrUnauthenticated, ErrUnavailable, ErrResourceExhausted. If nothing
// was told before an error, the image was not found or not to be had.
func (s *Service) Pull(ctx context.Context, a account.Ref, req PullRequest, out func(Message)) error {
	if err := a.Check(); err != nil {
		return err
	}
	named, err := parsePull(req.Ref, req.Tag)
	if err != nil {
		return err
	}
	return s.join(a, named, req).follow(ctx, out)
}

// join finds the pull that is under way, or begins one.
func (s *Service) join(a account.Ref, named reference.Named, req PullRequest) *pull {
	key := pullKey{named.String(), req.Username, req.Password, req.Token}
	sh := s.shelf(a)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if p, ok := sh.pulls[key]; ok {
		return p
	}
	p := newPull()
	sh.pulls[key] = p
	sh.lost[p] = map[string]bool{}
	s.pulling.Go(func() {
		err := s.pull(a, named, key, p)
		sh.mu.Lock()
		delete(sh.pulls, key)
		delete(sh.lost, p)
		sh.mu.Unlock()
		p.finish(err)
	})
	return p
}

// rounds bounds how often a pull begins again because its image was removed while it was being fetched.
const rounds = 5

func (s *Service) pull(a account.Ref, named reference.Named, key pullKey, p *pull) error {
	// An account that pulls everything at once takes its turns, and meets its quota before it has fetched what does not fit.
	turns := s.shelf(a).turns
	if err := turns.Acquire(s.base, 1); err != nil {
		return oops.Unavailable("hyperd is ending: pull again when it is back")
	}
	defer turns.Release(1)
	ctx := quota.Once(s.base)
	if _, known := findTag(s.Store.View(a), named); !known {
		if err := s.room(ctx, a); err != nil {
			return err
		}
	}
	tell := newNarrator(named, p.emit, time.Now)
	req := engine.PullRequest{Ref: key.ref, Username: key.username, Password: key.password, Token: key.token}
	for range rounds {
		img, err := s.Engine.Pull(s.base, a, req, tell.progress)
		if err != nil {
			return pullError(named, req, err)
		}
		failpoint.Hit("image.pull.after-engine")
		fresh, gone, err := s.record(ctx, a, named, img, p)
		if err != nil {
			return err
		}
		if gone {
			continue
		}
		tell.end(img.Digest, fresh)
		s.publish(a, "pull", reference.FamiliarString(named), reference.FamiliarName(named))
		return nil
	}
	return oops.Unavailable("image %s was removed again and again while it was pulled: try again", reference.FamiliarString(named))
}

// record writes what the engine has now: the image and its name. fresh tells that the name meant something else
// before; gone, that the image has left the engine since it was fetched.
func (s *Service) record(ctx context.Context, a account.Ref, named reference.Named, img *engine.Image, p *pull) (fresh, gone bool, err error) {
	sh := s.shelf(a)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.lost[p][img.ID] {
		delete(sh.lost[p], img.ID)
		return false, true, nil
	}
	_, have := s.Store.View(a).Image(img.ID)
	switch {
	case img.Size > s.MaxSize:
		err = oops.Invalid("image %s has %d MB, an image can have at most %d MB", reference.FamiliarString(named), img.Size>>20, s.MaxSize>>20)
	case !have:
		err = s.room(ctx, a)
	}
	if err == nil {
		err = s.Store.Update(ctx, a, func(tx *store.Tx) error {
			var err error
			fresh, err = s.enter(tx, named, img)
			return err
		})
	}
	if err != nil {
		if _, kept := s.Store.View(a).Image(img.ID); !kept {
			s.drop(ctx, a, sh, img.ID)
		}
	}
	return fresh, false, err
}

func (s *Service) enter(tx *store.Tx, named reference.Named, img *engine.Image) (fresh bool, err error) {
	if _, have := tx.Image(img.ID); !have {
		if err := room(tx.View); err != nil {
			return false, err
		}
		if err := tx.PutImage(store.Image{Image: *img, PulledAt: time.Now().UTC()}); err != nil {
			return false, err
		}
	}
	t := store.Tag{Repository: named.Name(), Tag: tagOf(named), Digest: img.Digest, ImageID: img.ID}
	if d := digestOf(named); d != "" {
		t.Digest = d
	}
	if old, had := findTag(tx.View, named); had && old.ImageID == t.ImageID && old.Digest == t.Digest {
		return false, nil
	}
	return true, move(tx, t)
}

// maxNames is how many names the images of an account may have together, those by digest included.
const maxNames = 2000

// move gives a name to an image. An image that loses its tag this way keeps the digest that it was pulled by.
func move(tx *store.Tx, t store.Tag) error {
	old, had := tx.Tag(t.Repository, t.Tag)
	if have := tx.Counts().Tags; !had && have >= maxNames {
		return oops.Exhausted("your images have %d names together, as many as they may: remove some by 'rmi'", have)
	}
	if err := tx.PutTag(t); err != nil {
		return err
	}
	if !had || old.Digest == "" || old.Digest == t.Digest {
		return nil
	}
	old.Tag = ""
	return tx.PutTag(old)
}

// room says whether the view's account may have one more image.
func room(v *store.View) error {
	return quota.Room(v, quota.Images, int64(v.Counts().Images), 1)
}

// room says whether an account may have one more image, and can afford it.
func (s *Service) room(ctx context.Context, a account.Ref) error {
	if err := quota.Afford(ctx, s.Spending, a); err != nil {
		return err
	}
	return room(s.Store.View(a))
}

// pullError puts an engine's error in the words that users know (api 21.2).
func pullError(named reference.Named, req engine.PullRequest, err error) error {
	missing := errdefs.IsNotFound(err)
	// Docker Hub refuses to say whether an image exists to who has not logged in. Its library is public, so
	// there the answer is known.
	if errdefs.IsUnauthorized(err) && req.Username == "" && req.Token == "" &&
		reference.Domain(named) == "docker.io" && len(reference.FamiliarName(named)) < len(reference.Path(named)) {
		missing = true
	}
	if !missing {
		return err
	}
	shown := reference.Path(named)
	if reference.Domain(named) != "docker.io" {
		shown = named.Name()
	}
	if tag := tagOf(named); tag != "" && tag != "latest" {
		shown += ":" + tag
	} else if d := digestOf(named); d != "" {
		shown += "@" + d
	}
	return oops.NotFound("Error: image %s not found", shown)
}
