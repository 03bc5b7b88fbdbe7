package docker

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/build"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// buildControl takes over the connection for BuildKit's control API.
func (api *API) buildControl(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if err := api.Builds.Ready(ctx, a); err != nil {
		return err
	}
	ctx, conn, err := rest.Hijack(ctx, w, r, "")
	if err != nil {
		return err
	}
	defer conn.Finish()
	return api.buildEnded("control", api.Builds.Control(ctx, a, stream{conn}))
}

// buildSession takes over the connection for a client's session, in which it is the one that answers.
func (api *API) buildSession(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if r.Header.Get(build.SessionID) == "" {
		return oops.Invalid("the header %s names no session", build.SessionID)
	}
	if err := api.Builds.Ready(ctx, a); err != nil {
		return err
	}
	ctx, conn, err := rest.Hijack(ctx, w, r, "")
	if err != nil {
		return err
	}
	defer conn.Finish()
	return api.buildEnded("session", api.Builds.Session(ctx, a, stream{conn}, r.Header))
}

// buildEnded tells the log why a connection ended: it is too late to tell the client.
func (api *API) buildEnded(what string, err error) error {
	if err != nil {
		api.Log.Warn("a connection to a builder has ended", "what", what, "error", err)
	}
	return nil
}

// stream makes a net.Conn of a connection that was taken over.
type stream struct{ *rest.Conn }

func (s stream) Close() error                   { go s.Finish(); return nil }
func (stream) LocalAddr() net.Addr              { return address{} }
func (stream) RemoteAddr() net.Addr             { return address{} }
func (stream) SetDeadline(time.Time) error      { return nil }
func (stream) SetReadDeadline(time.Time) error  { return nil }
func (stream) SetWriteDeadline(time.Time) error { return nil }

type address struct{}

func (address) Network() string { return "docker" }
func (address) String() string  { return "docker" }
