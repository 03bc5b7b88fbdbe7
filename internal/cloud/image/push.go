package image

import (
	"context"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/distribution/reference"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// PushRequest says what to push, and who does.
type PushRequest struct {
	Ref      string // the image by name, without its tag or with it
	Tag      string // wins over the one in Ref; both missing: every tag of the repository
	Username string
	Password string
	Token    string // identity or registry token; wins over the password
}

// Pushed is what the registry has afterwards.
type Pushed struct {
	Tag    string
	Digest string
	Size   int64
}

// Push sends one of the account's own images to the registry that its name tells, and tells out of it in the lines of Docker's stream.
// Errors: ErrInvalidArgument, ErrNotFound, ErrUnauthenticated, ErrUnavailable. If nothing was told before an error, nothing was sent.
func (s *Service) Push(ctx context.Context, a account.Ref, req PushRequest, out func(Message)) (Pushed, error) {
	if err := a.Check(); err != nil {
		return Pushed{}, err
	}
	all, err := s.toPush(a, req)
	if err != nil {
		return Pushed{}, err
	}
	begun := false
	begin := func() {
		if !begun {
			begun = true
			out(Message{Status: fmt.Sprintf("The push refers to repository [%s]", all[0].named.Name())})
		}
	}
	var last Pushed
	for _, one := range all {
		done, err := s.Engine.Push(ctx, a, engine.PushRequest{
			ID: one.id, Ref: one.named.String(), Username: req.Username, Password: req.Password, Token: req.Token,
		}, func(p engine.PushProgress) {
			begin()
			out(Message{ID: p.Layer, Status: string(p.Status), Current: p.Current, Total: p.Total})
		})
		if err != nil {
			return last, pushError(one.named, err)
		}
		if err := s.pushed(ctx, a, one, done.Digest); err != nil {
			return last, err
		}
		begin()
		last = Pushed{Tag: tagOf(one.named), Digest: done.Digest, Size: done.Size}
		out(Message{Status: fmt.Sprintf("%s: digest: %s size: %d", last.Tag, last.Digest, last.Size)})
		s.publish(a, "push", reference.FamiliarString(one.named), reference.FamiliarName(one.named))
	}
	return last, nil
}

// pushed notes the digest by which the registry has the image now, if the name means it still: programs read it from there.
func (s *Service) pushed(ctx context.Context, a account.Ref, one pushing, digest string) error {
	return s.Store.Update(context.WithoutCancel(ctx), a, func(tx *store.Tx) error {
		t, had := findTag(tx.View, one.named)
		if !had || t.ImageID != one.id || t.Digest == digest {
			return nil
		}
		t.Digest = digest
		return move(tx, t)
	})
}

type pushing struct {
	named reference.Named
	id    string
}

// toPush finds the images that a name means: one tag, or all of a repository.
func (s *Service) toPush(a account.Ref, req PushRequest) ([]pushing, error) {
	named, err := reference.ParseNormalizedNamed(req.Ref)
	if err != nil {
		return nil, oops.Invalid("%q is not the name of an image: %v", req.Ref, err)
	}
	if _, ok := named.(reference.Digested); ok {
		return nil, oops.Invalid("cannot push a digest reference")
	}
	if req.Tag != "" {
		if named, err = reference.WithTag(reference.TrimNamed(named), req.Tag); err != nil {
			return nil, oops.Invalid("%q is not a tag of an image: %v", req.Tag, err)
		}
	}
	v := s.Store.View(a)
	var all []pushing
	for _, t := range v.Tags() {
		if t.Repository != named.Name() || t.Tag == "" || !reference.IsNameOnly(named) && t.Tag != tagOf(named) {
			continue
		}
		full, err := reference.WithTag(reference.TrimNamed(named), t.Tag)
		if err != nil {
			return nil, err
		}
		all = append(all, pushing{full, t.ImageID})
	}
	if len(all) == 0 {
		if reference.IsNameOnly(named) {
			return nil, oops.NotFound("An image does not exist locally with the tag: %s", reference.FamiliarName(named))
		}
		return nil, oops.NotFound("tag does not exist: %s", reference.FamiliarString(named))
	}
	return all, nil
}

// pushError puts an engine's error in the words that users know.
func pushError(named reference.Named, err error) error {
	if errdefs.IsUnauthorized(err) {
		return oops.Unauthenticated("denied: requested access to %s is denied: %w", reference.FamiliarName(named), err)
	}
	return err
}
