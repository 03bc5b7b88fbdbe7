package images

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// work is the making of images for an account under a lease, wherever their bytes come from: a registry, an archive, a container.
type work struct {
	*Store
	account string
	lease   *lease
	tell    *reporter
}

func (p *work) tooLarge() error {
	return oops.Exhausted("the image is larger than %d GB", p.MaxImageSize>>30)
}

// present reads a small blob that may be here already; nil if it is not.
func (p *work) present(ctx context.Context, desc ocispec.Descriptor, most int64) ([]byte, error) {
	cs := p.Client.ContentStore()
	if err := p.lease.hold(ctx, "content", desc.Digest.String()); err != nil {
		return nil, storing(ctx, "holding a blob", err)
	}
	info, err := cs.Info(ctx, desc.Digest)
	if errdefs.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, storing(ctx, "looking for a blob", err)
	}
	if info.Size > most {
		return nil, oops.Invalid("a blob of it has %d bytes, more than %d MB", info.Size, most>>20)
	}
	raw, err := content.ReadBlob(ctx, cs, ocispec.Descriptor{Digest: desc.Digest, Size: info.Size})
	return raw, storing(ctx, "reading a blob", err)
}

// record makes what was fetched an image. Labels first: they tie manifests to blobs and the config to the unpacked layers.
func (p *work) record(ctx context.Context, todo *plan, img *engine.Image) error {
	last := len(todo.path) - 1
	for i, d := range todo.path[:last] {
		if err := p.label(ctx, d.Digest, map[string]string{"containerd.io/gc.ref.content.m.0": todo.path[i+1].Digest.String()}); err != nil {
			return err
		}
	}
	refs := map[string]string{"containerd.io/gc.ref.content.config": img.ID}
	for i, l := range todo.manifest.Layers {
		refs[fmt.Sprintf("containerd.io/gc.ref.content.l.%d", i)] = l.Digest.String()
	}
	if err := p.label(ctx, todo.path[last].Digest, refs); err != nil {
		return err
	}
	chain := chainID(img.Config.RootFS.DiffIDs)
	if err := p.label(ctx, todo.manifest.Config.Digest, map[string]string{"containerd.io/gc.ref.snapshot." + snapshotter: chain}); err != nil {
		return err
	}
	target := todo.target
	target.Platform = nil
	rec := images.Image{Name: img.ID, Target: target}
	is := p.Client.ImageService()
	_, err := is.Create(ctx, rec)
	if errdefs.IsAlreadyExists(err) {
		_, err = is.Update(ctx, rec, "target")
		if errdefs.IsNotFound(err) { // removed in between
			_, err = is.Create(ctx, rec)
		}
	}
	return storing(ctx, "recording the image", err)
}

func (p *work) label(ctx context.Context, d digest.Digest, labels map[string]string) error {
	fields := make([]string, 0, len(labels))
	for k := range maps.Keys(labels) {
		fields = append(fields, "labels."+k)
	}
	slices.Sort(fields)
	_, err := p.Client.ContentStore().Update(ctx, content.Info{Digest: d, Labels: labels}, fields...)
	return storing(ctx, "labelling "+d.String(), err)
}
