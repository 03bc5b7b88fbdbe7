// Package rest holds what every call of the HTTP API is made of: the shape of a handler, reading and writing of JSON,
// filters and other query values, error answers, API versions, and streams.
//
// It knows nothing of containers or floating IPs; the groups of calls (docker, hyper) are built on it, and
// internal/server puts them behind a router. A handler gets its account as an argument of its own, so a call that
// forgets whom it acts for cannot be written.
package rest

import (
	"context"
	"net/http"

	"github.com/hypercloud/hyper/internal/account"
)

// Handler answers one call for account a. An error that it returns is turned into an answer by WriteError, unless
// the answer had begun.
type Handler func(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error

// OpenHandler answers a call of anybody. Only what tells nothing of any account may be one.
type OpenHandler func(ctx context.Context, w http.ResponseWriter, r *http.Request) error

// Route is one call. Exactly one of Handle and Open is set.
type Route struct {
	Method string
	// Pattern is a path without version: /containers/{name...}/json. {x} stands for one segment and {x...} for one or
	// more, at most once in a pattern. Handlers read them by r.PathValue.
	Pattern string
	Handle  Handler
	Open    OpenHandler
	// Absent calls are not offered, and this is what they answer, by 501.
	Absent string
	// Operator calls are the operator's alone. For everybody else they do not exist.
	Operator bool
	// Endless calls last until the client goes away or what they watch ends. They are cut short at once when
	// the server stops; others are given time to finish.
	Endless bool
	// Upload is how many bytes a signed body of this call may have; 0: as many as JSON may. All of a signed body is held before the call
	// begins.
	Upload int64
	// Original calls are the original client's own, which it makes without a version: they are answered as to 1.23.
	Original bool
}
