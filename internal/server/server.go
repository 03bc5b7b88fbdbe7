// Package server is Hyper's HTTP face, and nothing but that: listening, saying for which account a request acts,
// routing, errors, shutdown.
//
// The calls themselves live in the groups below it: docker (Docker's Engine API) and hyper (Hyper's own resources),
// each a table of routes whose handlers decode a request, call the rules in internal/cloud through a narrow
// interface, and encode the answer. No rule lives here; what a call may do is decided in internal/cloud.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/server/auth"
	"github.com/hypercloud/hyper/internal/server/docker"
	"github.com/hypercloud/hyper/internal/server/hyper"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// Config is what a Server is made of. All fields but Logins and Log are needed.
type Config struct {
	Containers Containers
	Images     docker.Images
	Volumes    Volumes
	Networks   docker.Networks
	FIPs       hyper.FIPs
	Snapshots  hyper.Snapshots
	SecGroups  hyper.SecGroups
	Accounts   hyper.Accounts
	Compose    hyper.Compose
	Builds     docker.Builds
	Doctor     hyper.Doctor
	Usage      Usage
	Budgets    hyper.Budgets
	System     docker.System
	Events     *event.Bus
	Logins     docker.Logins // nil: logging in to registries is not offered
	Auth       auth.Authenticator
	// UploadPort is the port of the listener that takes uploads in clear; "": there is none.
	UploadPort string
	// Pace bounds how often an account may ask; the operator may as often as it likes.
	Pace  Pace
	Build docker.Build
	Log   *slog.Logger
}

// Containers is what both groups of calls need of container.Service.
type Containers interface {
	docker.Containers
	hyper.Containers
}

// Volumes is what both groups of calls need of volume.Service.
type Volumes interface {
	docker.Volumes
	hyper.Volumes
}

// Usage is what both groups of calls need of usage.Service.
type Usage interface {
	docker.Usage
	hyper.Usage
}

// Server answers HTTP requests.
type Server struct {
	Config
	routes []rest.Route
	router *router
	pace   *pacer
	busy   sync.WaitGroup // handlers under way, hijacked ones included
	ending chan struct{}  // closed when the server begins to stop
	end    sync.Once
	life   context.Context // ends when those under way are cut
	kill   context.CancelFunc
}

// Bounds of what a client may take of the server.
const (
	headerTimeout = 15 * time.Second
	idleTimeout   = 5 * time.Minute
	maxHeader     = 256 << 10
	// graceTime is given to ordinary calls when the server stops.
	graceTime = 10 * time.Second
)

// New returns a Server.
func New(c Config) *Server {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	s := &Server{Config: c, pace: newPacer(c.Pace), ending: make(chan struct{})}
	s.life, s.kill = context.WithCancel(context.Background())
	d := &docker.API{
		Containers: c.Containers, Images: c.Images, Volumes: c.Volumes, Networks: c.Networks, System: c.System,
		Events: c.Events, Logins: c.Logins, Builds: c.Builds, Usage: c.Usage, Build: c.Build, Log: c.Log,
	}
	h := &hyper.API{Containers: c.Containers, FIPs: c.FIPs, Snapshots: c.Snapshots, SecGroups: c.SecGroups, Volumes: c.Volumes, Accounts: c.Accounts, Compose: c.Compose, Doctor: c.Doctor, Usage: c.Usage, Budgets: c.Budgets, Events: c.Events, UploadPort: c.UploadPort}
	s.routes = append(d.Routes(), h.Routes()...)
	s.router = newRouter(s.routes)
	return s
}

// Routes lists every call that is answered.
func (s *Server) Routes() []rest.Route { return s.routes }

// Serve answers on listeners until ctx is done, and closes them. It is called once. Endless calls are cut short then; others are given
// ten seconds.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	base, end := context.WithCancel(context.WithoutCancel(ctx))
	cut := func() { end(); s.kill() }
	defer cut()
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnContext:       auth.WithPeer,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, len(listeners))
	clear := &http.Server{
		Handler: s.UploadHandler(), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		BaseContext: srv.BaseContext, ErrorLog: srv.ErrorLog,
	}
	for _, l := range listeners {
		if u, ok := l.(uploadListener); ok {
			go func() { failed <- clear.Serve(u.Listener) }()
			continue
		}
		go func() { failed <- srv.Serve(l) }()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	s.end.Do(func() { close(s.ending) })
	grace, done := context.WithTimeout(context.WithoutCancel(ctx), graceTime)
	defer done()
	for _, one := range []*http.Server{srv, clear} {
		if serr := one.Shutdown(grace); serr != nil {
			s.Log.Warn("ending calls that took too long", "error", serr)
			cut()
			_ = one.Close()
		}
	}
	s.drain(grace, cut)
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

// drain waits for the handlers that have taken over their connections.
func (s *Server) drain(ctx context.Context, cut context.CancelFunc) {
	idle := make(chan struct{})
	go func() {
		s.busy.Wait()
		close(idle)
	}()
	select {
	case <-idle:
	case <-ctx.Done():
		cut()
	}
}

// Handler answers requests.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// UploadHandler answers uploads, and nothing else.
func (s *Server) UploadHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, path, _ := cutVersion(r.URL.Path)
		if route := s.router.find(r, path); route == nil || route.Pattern != hyper.UploadPattern {
			rest.WriteError(r.Context(), w, errNoRoute)
			return
		}
		s.serve(w, r)
	})
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.busy.Add(1)
	defer s.busy.Done()
	began := time.Now()
	out := &answer{ResponseWriter: w}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler { //nolint:errorlint // the very value is the signal
				panic(p)
			}
			stack := make([]byte, 16<<10)
			s.Log.Error("a handler panicked", "method", r.Method, "path", r.URL.Path, "panic", p,
				"stack", string(stack[:runtime.Stack(stack, false)]))
			if !out.begun {
				rest.WriteError(ctx, out, errors.New("hyperd failed to answer this request; its log says why"))
			}
		}
		s.Log.Debug("request", "method", r.Method, "path", r.URL.Path, "status", out.status, "took", time.Since(began))
	}()
	s.headers(out.Header())
	s.dispatch(ctx, cancel, out, rest.PatientBody(out, r, rest.Patience))
}

func (s *Server) dispatch(ctx context.Context, cancel context.CancelFunc, w *answer, r *http.Request) {
	version, path, versioned := cutVersion(r.URL.Path)
	if versioned {
		if err := version.Check(); err != nil {
			rest.WriteError(ctx, w, err)
			return
		}
		ctx = rest.WithVersion(ctx, version)
	}
	// Values come in the query only: a body is never searched for them.
	r.Form = r.URL.Query()
	r.PostForm = map[string][]string{}
	route := s.router.find(r, path)
	if route == nil {
		rest.WriteError(ctx, w, errNoRoute)
		return
	}
	if route.Original && !versioned {
		ctx = rest.WithVersion(ctx, rest.OriginalVersion)
	}
	life, let := context.WithCancel(s.life)
	defer let()
	if route.Endless {
		stop := context.AfterFunc(done(s.ending), func() { cancel(); let() })
		defer stop()
	}
	ctx = rest.WithLife(ctx, life)
	err := s.answer(ctx, route, w, r)
	if err == nil {
		return
	}
	if w.begun {
		s.Log.Debug("an answer was broken off", "method", r.Method, "path", r.URL.Path, "error", err)
		return
	}
	var many *auth.TooManyError
	if errors.As(err, &many) {
		w.Header().Set("Retry-After", strconv.Itoa(auth.Seconds(many.After)))
		err = rest.WithStatus(http.StatusTooManyRequests, err)
	}
	if status := rest.HTTPStatus(err); status >= 500 && status != http.StatusNotImplemented && ctx.Err() == nil {
		s.Log.Error("a request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	rest.WriteError(ctx, w, err)
}

func (s *Server) answer(ctx context.Context, route *rest.Route, w http.ResponseWriter, r *http.Request) error {
	if route.Open != nil {
		return route.Open(ctx, w, r)
	}
	if route.Upload > 0 {
		r = r.WithContext(auth.WithUpload(r.Context(), route.Upload))
	}
	sent := r.Body
	id, err := s.Auth.Authenticate(w, r)
	if err != nil {
		return err
	}
	if r.Body != sent {
		defer r.Body.Close() // net/http closes what was sent
	}
	if err := id.Account.Check(); err != nil {
		return err
	}
	if route.Operator && !id.Operator {
		return errNoRoute
	}
	if !id.Operator {
		done, err := s.pace.enter(id.Account)
		if err != nil {
			return err
		}
		defer done()
	}
	return route.Handle(ctx, id.Account, w, r)
}

// headers are those of every answer, as Docker's clients read them.
func (s *Server) headers(h http.Header) {
	h.Set("Api-Version", rest.NewestVersion.String())
	h.Set("Docker-Experimental", "false")
	h.Set("Ostype", "linux")
	h.Set("Server", "Hyper/"+s.Build.Version+" (linux)")
}
