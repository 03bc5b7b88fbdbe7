// Package images fetches images from registries into containerd and keeps them.
//
// An image is one record in the account's containerd namespace, named by the image's id (the digest of its
// config); the record is what keeps its blobs and unpacked layers from being collected. A pull works under a lease,
// so that nothing of it is collected before the record stands; what an interrupted pull has fetched stays under
// its lease for an hour, for the next one to go on from.
package images

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/identity"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
)

const (
	snapshotter = "overlayfs"
	// maxImage is the largest sum of compressed layers (behaviour 16).
	maxImage = 10 << 30
	// maxConfig bounds a config and a manifest.
	maxConfig = 16 << 20
	// keepPartial is how long an interrupted pull's bytes wait for the next one.
	keepPartial = time.Hour
)

// Config is what a Store is made of.
type Config struct {
	Client  *containerd.Client
	Mirrors []string // base URLs that stand before docker.io
}

// Store implements engine.Images.
type Store struct {
	Config
}

var _ engine.Images = (*Store)(nil)

// New returns a Store.
func New(c Config) *Store { return &Store{Config: c} }

// Pull implements engine.Images.
func (s *Store) Pull(ctx context.Context, a account.Ref, req engine.PullRequest, progress func(engine.PullProgress)) (*engine.Image, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	ctx = namespaces.WithNamespace(ctx, a.ID())
	lm := s.Client.LeasesService()
	lease, err := lm.Create(ctx, leases.WithRandomID(), leases.WithExpiration(keepPartial), leases.WithLabels(map[string]string{leaseLabel: "pull"}))
	if err != nil {
		return nil, fmt.Errorf("making a lease: %w", err)
	}
	ctx = leases.WithLease(ctx, lease.ID)
	hosts := newHosts(s.Mirrors, req)
	tr := &tracker{store: s.Client.ContentStore(), report: progress}
	img, err := s.pull(ctx, req, hosts, tr)
	if err == nil || tr.empty() {
		// Whatever was fetched is held by the record, or there is nothing to go on from.
		if derr := lm.Delete(context.WithoutCancel(ctx), lease); derr != nil && !errdefs.IsNotFound(derr) {
			err = errors.Join(err, derr)
		}
	}
	if err != nil {
		return nil, sentence(req.Ref, hosts, err)
	}
	return img, nil
}

func (s *Store) pull(ctx context.Context, req engine.PullRequest, hosts *hosts, tr *tracker) (*engine.Image, error) {
	stop := tr.watch(ctx)
	img, err := s.Client.Fetch(ctx, req.Ref,
		containerd.WithResolver(hosts.resolver()),
		containerd.WithPlatformMatcher(platforms.Only(platforms.DefaultSpec())),
		containerd.WithMaxConcurrentDownloads(4),
		containerd.WithImageHandlerWrapper(tr.wrap))
	stop()
	if err != nil {
		return nil, err
	}
	// The record under the reference's name was only needed by Fetch.
	defer s.Client.ImageService().Delete(context.WithoutCancel(ctx), img.Name) //nolint:errcheck // reaped at start
	failpoint.Hit("pull.after-fetch")
	out, err := s.describe(ctx, img.Target)
	if err != nil {
		return nil, err
	}
	handle := containerd.NewImageWithPlatform(s.Client, images.Image{Name: req.Ref, Target: img.Target}, platforms.Only(platforms.DefaultSpec()))
	tr.extracting()
	if err := handle.Unpack(ctx, snapshotter); err != nil {
		return nil, fmt.Errorf("unpacking: %w", err)
	}
	tr.complete()
	failpoint.Hit("pull.after-unpack")
	if out.Size, err = s.size(ctx, out.DiffIDs); err != nil {
		return nil, err
	}
	record := images.Image{Name: out.ID, Target: img.Target}
	if _, err := s.Client.ImageService().Create(ctx, record); errdefs.IsAlreadyExists(err) {
		_, err = s.Client.ImageService().Update(ctx, record)
		if err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	failpoint.Hit("pull.after-record")
	return out, nil
}

// describe reads what the image says of itself.
func (s *Store) describe(ctx context.Context, target ocispec.Descriptor) (*engine.Image, error) {
	cs := s.Client.ContentStore()
	m, err := images.Manifest(ctx, cs, target, platforms.Only(platforms.DefaultSpec()))
	if err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	if m.Config.Size > maxConfig {
		return nil, oops.Invalid("the image's config has %d bytes, more than %d", m.Config.Size, maxConfig)
	}
	raw, err := content.ReadBlob(ctx, cs, m.Config)
	if err != nil {
		return nil, fmt.Errorf("reading the config: %w", err)
	}
	out := &engine.Image{ID: m.Config.Digest.String(), Digest: target.Digest.String()}
	if err := json.Unmarshal(raw, &out.Config); err != nil {
		return nil, oops.Invalid("the image's config cannot be read: %v", err)
	}
	var extra struct {
		Config engine.DockerConfig `json:"config"`
	}
	if err := json.Unmarshal(raw, &extra); err == nil {
		out.Docker = extra.Config
	}
	if out.Config.Created != nil {
		out.Created = *out.Config.Created
	}
	for _, d := range out.Config.RootFS.DiffIDs {
		out.DiffIDs = append(out.DiffIDs, d.String())
	}
	return out, nil
}

// size is the sum of the unpacked layers.
func (s *Store) size(ctx context.Context, diffIDs []string) (int64, error) {
	sn := s.Client.SnapshotService(snapshotter)
	var sum int64
	for i := range diffIDs {
		u, err := sn.Usage(ctx, chainID(diffIDs[:i+1]))
		if err != nil {
			return 0, fmt.Errorf("measuring a layer: %w", err)
		}
		sum += u.Size
	}
	return sum, nil
}

// chainID names the snapshot of a stack of layers.
func chainID(diffIDs []string) string {
	ds := make([]digest.Digest, len(diffIDs))
	for i, d := range diffIDs {
		ds[i] = digest.Digest(d)
	}
	return identity.ChainID(ds).String()
}

// RemoveImage implements engine.Images.
func (s *Store) RemoveImage(ctx context.Context, a account.Ref, id string) error {
	if err := a.Check(); err != nil {
		return err
	}
	ctx = namespaces.WithNamespace(ctx, a.ID())
	if err := s.Client.ImageService().Delete(ctx, id); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("removing the image: %w", err)
	}
	return nil
}

// sentence turns what went wrong into what the user should read.
func sentence(ref string, h *hosts, err error) error {
	name, tag := strings.TrimPrefix(ref, "docker.io/"), ""
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name, tag = name[:i], name[i+1:]
	}
	if i := strings.IndexByte(name, '@'); i >= 0 {
		name = name[:i]
	}
	text := err.Error()
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errdefs.IsResourceExhausted(err), errdefs.IsInvalidArgument(err) && !strings.Contains(text, "unexpected"):
		return err
	case errors.Is(err, syscall.ENOSPC) || strings.Contains(text, "no space left"):
		return oops.Exhausted("image %s cannot be stored: the machine's disk is full", name)
	case h.unauthorized() || strings.Contains(text, "401 Unauthorized") || errdefs.IsUnauthorized(err):
		return oops.Unauthenticated("pull access denied for %s: the registry wants other credentials, try 'hyper login'", name)
	case errdefs.IsNotFound(err) || h.notFound() && h.unreachable():
		if h.knowsRepository() {
			return oops.NotFound("manifest for %s:%s not found", name, tag)
		}
		return oops.NotFound("Error: image %s not found", name)
	case strings.Contains(text, "schema1") || strings.Contains(text, "schema 1"):
		return oops.Invalid("image %s is of Docker's first format (schema 1), which is not read any more", name)
	}
	return oops.Unavailable("image %s could not be pulled: %v", name, err)
}
