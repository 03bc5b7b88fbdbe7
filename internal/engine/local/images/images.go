// Package images fetches images from registries into containerd and keeps them.
//
// An image is one record in the account's containerd namespace, named by the image's id (the digest of its config). The
// record is what keeps its manifests, its blobs and its unpacked layers from being collected; it is written last, so
// that an image is either there in whole or not at all.
//
// A pull works under a lease of its own. When it succeeds the lease goes; when it fails what was fetched, half a layer
// included, stays under a lease that expires, for the next pull to go on from. A pull that died with
// hyperd is treated as one that failed, at the next start.
//
// What a registry sends is hostile until it has been checked: manifests and configs are bounded and read here with
// suspicion, blobs must have their digests, layers must unpack to what the config says of them, within a number of bytes
// and files.
package images

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
	"github.com/containerd/platforms"
	"github.com/moby/locker"
	"github.com/opencontainers/go-digest"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/images/registry"
	"github.com/hypercloud/hyper/internal/oops"
)

const snapshotter = "overlayfs"

// Defaults of Config.
const (
	DefaultMaxImageSize = 10 << 30
	DefaultMaxFiles     = 2_000_000
	DefaultParallel     = 4
	DefaultKeepPartial  = 6 * time.Hour
	DefaultHeadroom     = 1 << 30
)

// Config is what a Store is made of. Zero fields have the defaults above, or those of the registry package.
type Config struct {
	Client        *containerd.Client
	Mirrors       []string              // base URLs, http or https, that are asked in this order before docker.io
	Permit        func(netip.Addr) bool // which addresses registries that tenants name may have; nil: any but this machine's own
	MaxImageSize  int64                 // bytes, of the layers as they are sent and again as they are unpacked
	MaxFiles      int64                 // in all layers together
	Parallel      int                   // layers of one pull that are fetched at the same time
	KeepPartial   time.Duration         // how long an interrupted pull's bytes wait for the next one
	Dir           string                // a directory on the disk that images are kept on; "": its room is not looked at
	Headroom      int64                 // bytes that images leave free there
	AnswerTimeout time.Duration         // for a registry to connect and to begin its answer
	IdleTimeout   time.Duration         // for a registry between two pieces of an answer
}

// Store implements engine.Images.
type Store struct {
	Config
	platform platforms.MatchComparer
	chains   *locker.Locker // layers that are being unpacked, by namespace and chain id
}

var _ engine.Images = (*Store)(nil)

// New returns a Store.
func New(c Config) *Store {
	if c.MaxImageSize <= 0 {
		c.MaxImageSize = DefaultMaxImageSize
	}
	if c.MaxFiles <= 0 {
		c.MaxFiles = DefaultMaxFiles
	}
	if c.Parallel <= 0 {
		c.Parallel = DefaultParallel
	}
	if c.KeepPartial <= 0 {
		c.KeepPartial = DefaultKeepPartial
	}
	if c.Headroom <= 0 {
		c.Headroom = DefaultHeadroom
	}
	return &Store{Config: c, platform: platforms.Default(), chains: locker.New()}
}

// Pull implements engine.Images.
func (s *Store) Pull(ctx context.Context, a account.Ref, req engine.PullRequest, progress func(engine.PullProgress)) (*engine.Image, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	from, err := parse(req.Ref)
	if err != nil {
		return nil, err
	}
	places, err := s.endpoints(from)
	if err != nil {
		return nil, err
	}
	ctx = namespaces.WithNamespace(ctx, a.ID())
	l, leased, err := s.lease(ctx, from.String())
	if err != nil {
		return nil, err
	}
	p := &pull{work: &work{Store: s, account: a.ID(), lease: l, tell: newReporter(progress)}, from: from}
	img, err := p.anywhere(leased, places, req)
	if err != nil {
		l.fail(ctx, resumable(err))
		return nil, from.sentence(err)
	}
	l.done(ctx)
	return img, nil
}

// anywhere asks one endpoint after the other.
func (p *pull) anywhere(ctx context.Context, places []registry.Endpoint, req engine.PullRequest) (*engine.Image, error) {
	who := registry.Credentials{Username: req.Username, Password: req.Password, Token: req.Token}
	return ask(places, who, func(ep registry.Endpoint, who registry.Credentials) (*engine.Image, error) {
		p.repo = registry.Open(ep, p.from.path, who, p.timeouts())
		defer p.repo.Close()
		return p.run(ctx)
	})
}

// RemoveImage implements engine.Images. What nothing needs any more is collected soon after.
func (s *Store) RemoveImage(ctx context.Context, a account.Ref, id string) error {
	if err := a.Check(); err != nil {
		return err
	}
	if _, err := digest.Parse(id); err != nil {
		return oops.Invalid("%q is not an image id", id)
	}
	ctx = namespaces.WithNamespace(ctx, a.ID())
	if err := s.Client.ImageService().Delete(ctx, id); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("removing image %s: %w", id, err)
	}
	return nil
}
