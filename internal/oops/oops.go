// Package oops makes errors that read as one sentence and carry a class.
//
// The classes are those of github.com/containerd/errdefs, so errdefs.IsNotFound and its
// siblings answer for them; the HTTP layer maps a class to a status once. The class does not
// show in the text: what the user reads is what was asked, why it cannot be, and what to do.
package oops

import (
	"fmt"

	"github.com/containerd/errdefs"
)

type classed struct {
	class error
	err   error
}

func (e *classed) Error() string   { return e.err.Error() }
func (e *classed) Unwrap() []error { return []error{e.class, e.err} }

// As gives err the class (one of errdefs.Err*) and keeps its text. A nil err stays nil.
func As(class, err error) error {
	if err == nil {
		return nil
	}
	return &classed{class: class, err: err}
}

func classify(class error, format string, args []any) error {
	return &classed{class: class, err: fmt.Errorf(format, args...)}
}

// NotFound is for what does not exist, or is not the asker's to see.
func NotFound(format string, args ...any) error { return classify(errdefs.ErrNotFound, format, args) }

// Invalid is for a request that can never be carried out as it stands.
func Invalid(format string, args ...any) error {
	return classify(errdefs.ErrInvalidArgument, format, args)
}

// Conflict is for a request that the present state of things forbids.
func Conflict(format string, args ...any) error { return classify(errdefs.ErrConflict, format, args) }

// AlreadyExists is for a name that is taken.
func AlreadyExists(format string, args ...any) error {
	return classify(errdefs.ErrAlreadyExists, format, args)
}

// NotModified is for a request whose aim is already reached.
func NotModified(format string, args ...any) error {
	return classify(errdefs.ErrNotModified, format, args)
}

// Forbidden is for what the account may not do.
func Forbidden(format string, args ...any) error {
	return classify(errdefs.ErrPermissionDenied, format, args)
}

// Exhausted is for a quota or a resource of the machine that has run out.
func Exhausted(format string, args ...any) error {
	return classify(errdefs.ErrResourceExhausted, format, args)
}

// Unavailable is for what may work later.
func Unavailable(format string, args ...any) error {
	return classify(errdefs.ErrUnavailable, format, args)
}

// NotImplemented is for what Hyper does not offer.
func NotImplemented(format string, args ...any) error {
	return classify(errdefs.ErrNotImplemented, format, args)
}

// Unauthenticated is for credentials that are missing or refused.
func Unauthenticated(format string, args ...any) error {
	return classify(errdefs.ErrUnauthenticated, format, args)
}
