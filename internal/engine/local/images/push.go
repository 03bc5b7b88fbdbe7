package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/images/registry"
	"github.com/hypercloud/hyper/internal/oops"
)

// Push implements engine.Images. The image is sent as it came: its own manifest, and of an index the part that is here.
func (s *Store) Push(ctx context.Context, a account.Ref, req engine.PushRequest, progress func(engine.PushProgress)) (engine.Pushed, error) {
	if err := a.Check(); err != nil {
		return engine.Pushed{}, err
	}
	to, err := parse(req.Ref)
	if err != nil {
		return engine.Pushed{}, err
	}
	if to.digest {
		return engine.Pushed{}, oops.Invalid("cannot push a digest reference")
	}
	ctx = namespaces.WithNamespace(ctx, a.ID())
	l, leased, err := s.makeLease(ctx)
	if err != nil {
		return engine.Pushed{}, err
	}
	defer l.drop(ctx)
	out, err := s.outgoing(leased, l, req.ID, progress)
	if err != nil {
		return engine.Pushed{}, err
	}
	img, err := partial.CompressedToImage(out)
	if err != nil {
		return engine.Pushed{}, fmt.Errorf("reading image %s: %w", req.ID, err)
	}
	places, err := s.endpoints(to)
	if err != nil {
		return engine.Pushed{}, err
	}
	// Mirrors are for reading: an image goes to the registry that its name tells.
	who := registry.Credentials{Username: req.Username, Password: req.Password, Token: req.Token}
	repo := registry.Open(places[len(places)-1], to.path, who, registry.Timeouts{Answer: s.AnswerTimeout, Idle: s.IdleTimeout})
	defer repo.Close()
	out.prepare()
	host := to.host
	if host == hub {
		host = hubServe
	}
	if err := repo.Push(leased, host, to.reference, img); err != nil {
		if errors.Is(err, context.Canceled) || errdefs.IsUnauthorized(err) || errdefs.IsInvalidArgument(err) {
			return engine.Pushed{}, err
		}
		return engine.Pushed{}, oops.Unavailable("image %s could not be pushed: %v", to.shown(), err)
	}
	out.finish()
	return engine.Pushed{Digest: out.desc.Digest.String(), Size: int64(len(out.raw))}, nil
}

// outgoing is an image of the content store as the registry's library reads it.
type outgoing struct {
	ctx    context.Context //nolint:containedctx // of the one push
	store  content.Store
	desc   ocispec.Descriptor
	raw    []byte // manifest
	config []byte
	doc    *document

	mu   sync.Mutex
	to   func(engine.PushProgress)
	sent map[string]bool // layers that were asked for
	told map[string]time.Time
}

func (s *Store) outgoing(ctx context.Context, l *lease, id string, to func(engine.PushProgress)) (*outgoing, error) {
	rec, err := s.Client.ImageService().Get(ctx, id)
	if errdefs.IsNotFound(err) {
		return nil, oops.NotFound("image %s is not on this machine", id)
	}
	if err != nil {
		return nil, fmt.Errorf("finding image %s: %w", id, err)
	}
	o := &outgoing{ctx: ctx, store: s.Client.ContentStore(), to: to, sent: map[string]bool{}, told: map[string]time.Time{}}
	if o.desc, err = s.manifestOf(ctx, rec.Target); err != nil {
		return nil, fmt.Errorf("reading image %s: %w", id, err)
	}
	if err := l.hold(ctx, "content", o.desc.Digest.String()); err != nil {
		return nil, storing(ctx, "holding image "+id, err)
	}
	if o.raw, err = content.ReadBlob(ctx, o.store, o.desc); err != nil {
		return nil, fmt.Errorf("reading image %s: %w", id, err)
	}
	if o.doc, err = read(&o.desc, o.raw); err != nil {
		return nil, err
	}
	if o.config, err = content.ReadBlob(ctx, o.store, o.doc.Config); err != nil {
		return nil, fmt.Errorf("reading image %s: %w", id, err)
	}
	return o, nil
}

// RawConfigFile, MediaType, RawManifest and LayerByDigest implement partial.CompressedImageCore.
func (o *outgoing) RawConfigFile() ([]byte, error) { return o.config, nil }
func (o *outgoing) MediaType() (types.MediaType, error) {
	return types.MediaType(o.desc.MediaType), nil
}
func (o *outgoing) RawManifest() ([]byte, error) { return o.raw, nil }

// LayerByDigest implements partial.CompressedImageCore.
func (o *outgoing) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	for _, l := range o.doc.Layers {
		if l.Digest.String() == h.String() {
			return &outgoingLayer{o: o, desc: l}, nil
		}
	}
	return nil, oops.NotFound("the image has no layer %s", h)
}

func (o *outgoing) tell(l ocispec.Descriptor, st engine.PushStatus, n int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	id := short(l.Digest)
	if st == engine.PushPushing {
		if now := time.Now(); n < l.Size && now.Sub(o.told[id]) < pace {
			return
		}
		o.told[id] = time.Now()
		o.to(engine.PushProgress{Layer: id, Status: st, Current: n, Total: l.Size})
		return
	}
	o.to(engine.PushProgress{Layer: id, Status: st})
}

func (o *outgoing) prepare() {
	for _, l := range o.doc.Layers {
		o.tell(l, engine.PushPreparing, 0)
	}
}

// finish says of each layer how it came to be there.
func (o *outgoing) finish() {
	seen := map[string]bool{}
	for _, l := range o.doc.Layers {
		id := l.Digest.String()
		if seen[id] {
			continue
		}
		seen[id] = true
		st := engine.PushExists
		o.mu.Lock()
		if o.sent[id] {
			st = engine.PushPushed
		}
		o.mu.Unlock()
		o.tell(l, st, l.Size)
	}
}

// outgoingLayer is one layer.
type outgoingLayer struct {
	o    *outgoing
	desc ocispec.Descriptor
}

// Digest implements partial.CompressedLayer.
func (l *outgoingLayer) Digest() (v1.Hash, error) { return v1.NewHash(l.desc.Digest.String()) }

// Size implements partial.CompressedLayer.
func (l *outgoingLayer) Size() (int64, error) { return l.desc.Size, nil }

// MediaType implements partial.CompressedLayer.
func (l *outgoingLayer) MediaType() (types.MediaType, error) {
	return types.MediaType(l.desc.MediaType), nil
}

// Compressed implements partial.CompressedLayer.
func (l *outgoingLayer) Compressed() (io.ReadCloser, error) {
	ra, err := l.o.store.ReaderAt(l.o.ctx, l.desc)
	if err != nil {
		return nil, err
	}
	l.o.mu.Lock()
	l.o.sent[l.desc.Digest.String()] = true
	l.o.mu.Unlock()
	r := &counted{r: content.NewReader(ra), tell: func(n int64) { l.o.tell(l.desc, engine.PushPushing, n) }}
	return struct {
		io.Reader
		io.Closer
	}{r, ra}, nil
}
