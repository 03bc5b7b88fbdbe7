// Package build makes images of Dockerfiles, by BuildKit.
//
// An account that builds has a builder: a container of its own, in its own network and with its own ids, where hyperd runs buildkitd. It
// counts as any container does, is started, stopped and removed as any is, and keeps its cache in a volume. It is made by the first build and
// stops when nothing was built for a while. Nothing but BuildKit runs in it (container.Builder), since it may do what tenants' programs
// may not: mount, and make containers within itself. hyperd trusts nothing that comes out of it more than what comes from any tenant: an
// image that was built arrives as an archive, and is loaded as one.
//
// The base images that the account has are read from it, by the name that the Dockerfile gives them; others are pulled by the builder,
// from within the account's network.
package build

import (
	"log/slog"
	"sync"
	"time"

	"github.com/moby/locker"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

// Engine is what builds need of a machine, beyond what containers and images do.
type Engine interface {
	engine.Images
	engine.Containers
}

// Config is what a Service is made of.
type Config struct {
	Store      *store.Store
	Engine     Engine
	Containers *container.Service
	Images     *image.Service
	Log        *slog.Logger
	// Off refuses builds, for operators who want no account to have what a builder has.
	Off bool
	// Size is that of builders. Default m2.
	Size string
	// Idle is how long a builder runs on after its last use. Default 10 minutes.
	Idle time.Duration
	// Spending says whether what costs may be begun; nil: it always may.
	Spending quota.Spending
}

// Service carries out builds.
type Service struct {
	Config
	turns    locker.Locker // one makes or starts an account's builder at a time
	mu       sync.Mutex
	uses     map[account.Ref]*use
	sessions sessions
}

// use tells who uses an account's builder.
type use struct {
	users int
	stop  *time.Timer // runs while users is 0
}

// New returns a Service.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Size == "" {
		c.Size = "m2"
	}
	if c.Idle == 0 {
		c.Idle = 10 * time.Minute
	}
	return &Service{Config: c, uses: map[account.Ref]*use{}}
}
