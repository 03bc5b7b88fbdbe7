package images

import (
	"context"
	"sync"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/remotes"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// tracker tells how the layers of a pull come along. It reads the content store's state now and then.
type tracker struct {
	store  content.Store
	report func(engine.PullProgress)

	mu     sync.Mutex
	layers []ocispec.Descriptor
	done   map[string]bool
	seen   bool
}

// wrap is an image handler that notes the layers as manifests become known.
func (t *tracker) wrap(next images.Handler) images.Handler {
	return images.HandlerFunc(func(ctx context.Context, desc ocispec.Descriptor) ([]ocispec.Descriptor, error) {
		t.mu.Lock()
		t.seen = true
		t.mu.Unlock()
		children, err := next.Handle(ctx, desc)
		if err != nil {
			return children, err
		}
		var sum int64
		for _, c := range children {
			if !images.IsLayerType(c.MediaType) {
				continue
			}
			if c.Size < 0 || c.Size > maxImage {
				return nil, oops.Exhausted("the image is larger than 10 GB")
			}
			if sum += c.Size; sum > maxImage {
				return nil, oops.Exhausted("the image is larger than 10 GB")
			}
			t.add(ctx, c)
		}
		return children, nil
	})
}

func (t *tracker) add(ctx context.Context, layer ocispec.Descriptor) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done == nil {
		t.done = map[string]bool{}
	}
	for _, l := range t.layers {
		if l.Digest == layer.Digest {
			return
		}
	}
	t.layers = append(t.layers, layer)
	if _, err := t.store.Info(ctx, layer.Digest); err == nil {
		t.done[layer.Digest.String()] = true
	}
	t.tell(layer, engine.PullWaiting, 0)
}

// tell reports with the lock held, so that reports come one at a time.
func (t *tracker) tell(l ocispec.Descriptor, st engine.PullStatus, current int64) {
	t.report(engine.PullProgress{Layer: short(l), Status: st, Current: current, Total: l.Size})
}

func short(l ocispec.Descriptor) string {
	hex := l.Digest.Encoded()
	return hex[:min(12, len(hex))]
}

// watch reports downloads until the returned function is called.
func (t *tracker) watch(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				t.poll(ctx)
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

func (t *tracker) poll(ctx context.Context) {
	statuses, err := t.store.ListStatuses(ctx)
	if err != nil {
		return
	}
	active := map[string]content.Status{}
	for _, s := range statuses {
		active[s.Ref] = s
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.layers {
		if t.done[l.Digest.String()] {
			continue
		}
		if s, ok := active[remotes.MakeRefKey(ctx, l)]; ok {
			t.tell(l, engine.PullDownloading, s.Offset)
			continue
		}
		if _, err := t.store.Info(ctx, l.Digest); err == nil {
			t.done[l.Digest.String()] = true
			t.tell(l, engine.PullDownloaded, l.Size)
		}
	}
}

func (t *tracker) extracting() { t.all(engine.PullExtracting) }
func (t *tracker) complete()   { t.all(engine.PullComplete) }

func (t *tracker) all(st engine.PullStatus) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.layers {
		t.tell(l, st, l.Size)
	}
}

// empty reports whether nothing at all was learnt of the image.
func (t *tracker) empty() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.seen
}
