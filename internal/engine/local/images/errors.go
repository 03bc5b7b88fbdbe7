package images

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/engine/local/images/registry"
	"github.com/hypercloud/hyper/internal/oops"
)

var errDiskFull = oops.Exhausted("the machine's disk is full")

// storing words an error of storing something here.
func storing(ctx context.Context, what string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return errDiskFull
	}
	return fmt.Errorf("%s: %w", what, err)
}

// elsewhere reports whether another registry may do better.
func elsewhere(err error) bool {
	return errdefs.IsNotFound(err) || errdefs.IsUnavailable(err) || errdefs.IsUnauthorized(err)
}

// resumable reports whether what a failed pull has fetched may serve a later one.
func resumable(err error) bool {
	return errdefs.IsUnavailable(err) || errdefs.IsUnauthorized(err) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// verdict picks the error to tell of those that the endpoints gave, the last of which is the registry that was named. If
// that one cannot be reached, a mirror's word that there is no such image is the best there is.
func verdict(said []error) error {
	named := said[len(said)-1]
	if !errdefs.IsUnavailable(named) {
		return named
	}
	for _, err := range said {
		if errdefs.IsNotFound(err) {
			return err
		}
	}
	return said[0]
}

// sentence turns the reason of a failure into what the user reads.
func (s source) sentence(err error) error {
	var class error = errdefs.ErrUnknown
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, registry.ErrUnknownRepository):
		return oops.NotFound("Error: image %s not found", s.repository())
	case errdefs.IsNotFound(err):
		// Most registries do not tell whether it is the name or the tag that they do not know.
		if s.digest || s.reference == "latest" {
			return oops.NotFound("Error: image %s not found", s.repository())
		}
		return oops.NotFound("manifest for %s not found", s.shown())
	case errdefs.IsUnauthorized(err):
		return oops.Unauthenticated("pull access denied for %s: %w", s.shown(), err)
	case errdefs.IsUnavailable(err):
		class = errdefs.ErrUnavailable
	case errdefs.IsResourceExhausted(err):
		class = errdefs.ErrResourceExhausted
	case errdefs.IsInvalidArgument(err):
		class = errdefs.ErrInvalidArgument
	}
	return oops.As(class, fmt.Errorf("image %s could not be pulled: %w", s.shown(), err))
}
