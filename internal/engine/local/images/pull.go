package images

import (
	"bytes"
	"context"
	"fmt"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/images/registry"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
)

// pull is one pull, from one endpoint at a time.
type pull struct {
	*work
	from source
	repo *registry.Repository
}

// plan is what there is to fetch for an image.
type plan struct {
	target   ocispec.Descriptor   // what the reference named
	path     []ocispec.Descriptor // from target to the image's manifest
	manifest *document
}

func (p *pull) run(ctx context.Context) (*engine.Image, error) {
	todo, err := p.plan(ctx)
	if err != nil {
		return nil, err
	}
	m := todo.manifest
	if m.sent(p.MaxImageSize) > p.MaxImageSize {
		return nil, p.tooLarge()
	}
	raw, err := p.config(ctx, m.Config)
	if err != nil {
		return nil, err
	}
	img, err := describe(todo.target, m.Config, raw, len(m.Layers), p.platform)
	if err != nil {
		return nil, err
	}
	if err := p.layers(ctx, m.Layers, img); err != nil {
		return nil, err
	}
	failpoint.Hit("pull.after-unpack")
	if err := p.record(ctx, todo, img); err != nil {
		return nil, err
	}
	failpoint.Hit("pull.after-record")
	return img, nil
}

// plan finds the manifest of the image that the reference means on this machine.
func (p *pull) plan(ctx context.Context) (*plan, error) {
	ref, desc := p.from.reference, ocispec.Descriptor{}
	if p.from.digest {
		desc.Digest = digest.Digest(ref)
	} else {
		var err error
		if desc, err = p.repo.Resolve(ctx, ref); err != nil {
			return nil, err
		}
	}
	var out plan
	for range maxNested {
		doc, err := p.document(ctx, ref, &desc)
		if err != nil {
			return nil, err
		}
		out.path = append(out.path, desc)
		if len(doc.Manifests) == 0 {
			out.target, out.manifest = out.path[0], doc
			return &out, nil
		}
		if desc, err = choose(doc, p.platform); err != nil {
			return nil, err
		}
		ref = desc.Digest.String()
	}
	return nil, oops.Invalid("it is an index of indexes, nested too deep")
}

// document gets a manifest or an index: the one that is here if its digest is known and it is here, or from the
// registry. desc becomes what it is.
func (p *pull) document(ctx context.Context, ref string, desc *ocispec.Descriptor) (*document, error) {
	if desc.Digest != "" {
		// The registry is asked for what it has just said, not for what the tag means by now.
		ref = desc.Digest.String()
		raw, err := p.present(ctx, *desc, registry.MaxManifest)
		if err != nil {
			return nil, err
		}
		if raw != nil {
			desc.Size = int64(len(raw))
			return read(desc, raw)
		}
	}
	fetched, raw, err := p.repo.Manifest(ctx, ref)
	if err != nil {
		return nil, err
	}
	fetched.Platform = desc.Platform
	*desc = fetched
	doc, err := read(desc, raw)
	if err != nil {
		return nil, err
	}
	err = content.WriteBlob(ctx, p.Client.ContentStore(), ingest(*desc), bytes.NewReader(raw), *desc)
	return doc, storing(ctx, "storing the manifest", err)
}

func (p *pull) config(ctx context.Context, desc ocispec.Descriptor) ([]byte, error) {
	if err := p.blob(ctx, desc, func(engine.PullStatus, int64) {}); err != nil {
		return nil, err
	}
	raw, err := p.present(ctx, desc, maxConfig)
	if err == nil && raw == nil {
		err = fmt.Errorf("the config %s is gone", desc.Digest)
	}
	return raw, err
}

// layers fetches the layers, some at a time, and unpacks each as soon as it and those below are there.
func (p *pull) layers(ctx context.Context, layers []ocispec.Descriptor, img *engine.Image) error {
	u, err := p.unpacker(ctx, layers, img.Config.RootFS.DiffIDs)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	slots := make(chan struct{}, p.Parallel)
	fetched := map[digest.Digest]chan struct{}{}
	var once []ocispec.Descriptor
	for _, l := range layers {
		if fetched[l.Digest] == nil {
			fetched[l.Digest] = make(chan struct{})
			once = append(once, l)
			p.tell.status(l.Digest, engine.PullWaiting, 0, l.Size)
		}
	}
	for _, l := range once {
		group.Go(func() error {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			defer func() { <-slots }()
			if err := p.layer(ctx, l, u); err != nil {
				return err
			}
			close(fetched[l.Digest])
			return nil
		})
	}
	group.Go(func() error {
		for i, l := range layers {
			select {
			case <-fetched[l.Digest]:
			case <-ctx.Done():
				return ctx.Err()
			}
			if i == len(layers)-1 {
				failpoint.Hit("pull.after-fetch")
			}
			if err := u.unpack(ctx, i); err != nil {
				return err
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return err
	}
	sizes, err := u.finish(ctx)
	measured(img, sizes)
	return err
}

// layer fetches one layer.
func (p *pull) layer(ctx context.Context, l ocispec.Descriptor, u *unpacker) error {
	here := true
	err := p.blob(ctx, l, func(st engine.PullStatus, n int64) {
		here = false
		if st == engine.PullDownloading {
			p.tell.bytes(l.Digest, st, n, l.Size)
			return
		}
		p.tell.status(l.Digest, st, n, l.Size)
	})
	switch {
	case err != nil:
		return err
	case here && u.unpacked(l.Digest):
		p.tell.status(l.Digest, engine.PullExists, l.Size, l.Size)
	default:
		p.tell.status(l.Digest, engine.PullDownloaded, l.Size, l.Size)
	}
	return nil
}
