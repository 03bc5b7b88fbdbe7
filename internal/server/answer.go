package server

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"time"

	"github.com/hypercloud/hyper/internal/oops"
)

// errNoRoute has Docker's words.
var errNoRoute = oops.NotFound("page not found")

// answer notes whether and how an answer has begun.
type answer struct {
	http.ResponseWriter
	begun  bool
	status int
}

func (a *answer) WriteHeader(status int) {
	if !a.begun {
		a.begun, a.status = true, status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if !a.begun {
		a.begun, a.status = true, http.StatusOK
	}
	return a.ResponseWriter.Write(p)
}

// Hijack notes that the answer is no longer HTTP's business.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buf, err := http.NewResponseController(a.ResponseWriter).Hijack()
	if err == nil {
		a.begun, a.status = true, http.StatusSwitchingProtocols
	}
	return conn, buf, err
}

// Unwrap lets http.ResponseController reach what lies below.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// done is a context that ends when a channel is closed.
func done(ch <-chan struct{}) context.Context { return closing{ch} }

type closing struct{ ch <-chan struct{} }

func (c closing) Done() <-chan struct{}     { return c.ch }
func (closing) Deadline() (time.Time, bool) { return time.Time{}, false }
func (closing) Value(any) any               { return nil }
func (c closing) Err() error {
	select {
	case <-c.ch:
		return context.Canceled
	default:
		return nil
	}
}
