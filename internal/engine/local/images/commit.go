package images

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
)

// CommitDir makes an image of the layers of another and of a directory: the upper one of an overlay, with ids as they are to be in the layer.
// Nobody may write to it meanwhile. See engine.Committer.
func (s *Store) CommitDir(ctx context.Context, a account.Ref, req engine.CommitRequest, dir string) error {
	if err := a.Check(); err != nil {
		return err
	}
	ctx = namespaces.WithNamespace(ctx, a.ID())
	l, leased, err := s.makeLease(ctx)
	if err != nil {
		return err
	}
	defer l.drop(ctx)
	p := &work{Store: s, account: a.ID(), lease: l, tell: newReporter(nil)}
	base, old, err := p.base(leased, req.Base)
	if err != nil {
		return err
	}
	layer, diff, err := p.layerOf(leased, dir)
	if err != nil {
		return err
	}
	failpoint.Hit("commit.after-layer")
	config := req.Config
	config.RootFS = ocispec.RootFS{Type: "layers", DiffIDs: append(append([]digest.Digest{}, old...), diff)}
	in, err := p.describeCommit(leased, config, req.Docker, append(base.Layers[:len(base.Layers):len(base.Layers)], layer))
	if err != nil {
		return err
	}
	return p.keep(leased, in, req.Keep)
}

// base reads the image that a container was made from, and holds it.
func (p *work) base(ctx context.Context, id string) (*document, []digest.Digest, error) {
	rec, err := p.Client.ImageService().Get(ctx, id)
	if errdefs.IsNotFound(err) {
		return nil, nil, oops.NotFound("image %s, which the container was made from, is not on this machine any more: pull it again", id)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("finding image %s: %w", id, err)
	}
	if err := p.lease.hold(ctx, "content", rec.Target.Digest.String()); err != nil {
		return nil, nil, storing(ctx, "holding the image", err)
	}
	doc, raw, err := p.recorded(ctx, rec)
	if err != nil {
		return nil, nil, fmt.Errorf("reading image %s: %w", id, err)
	}
	var config ocispec.Image
	if err := json.Unmarshal(raw, &config); err != nil {
		return nil, nil, fmt.Errorf("reading image %s: %w", id, err)
	}
	if len(doc.Layers) >= maxLayers {
		return nil, nil, oops.Exhausted("the image has %d layers, which is as many as there can be: build it anew from fewer", len(doc.Layers))
	}
	return doc, config.RootFS.DiffIDs, nil
}

// layerOf packs a directory into the content store.
func (p *work) layerOf(ctx context.Context, dir string) (ocispec.Descriptor, digest.Digest, error) {
	var out ocispec.Descriptor
	ref := "commit-" + p.lease.ID
	cs := p.Client.ContentStore()
	w, err := content.OpenWriter(ctx, cs, content.WithRef(ref))
	if err != nil {
		return out, "", storing(ctx, "opening a place for the layer", err)
	}
	defer w.Close()
	z, err := gzip.NewWriterLevel(writing{ctx, w}, gzip.BestSpeed)
	if err != nil {
		return out, "", err
	}
	sum := digest.Canonical.Digester()
	err = p.pack(ctx, io.MultiWriter(z, sum.Hash()), dir)
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		_ = w.Close()
		_ = cs.Abort(context.WithoutCancel(ctx), ref)
		return out, "", err
	}
	st, err := w.Status()
	if err != nil {
		return out, "", storing(ctx, "measuring the layer", err)
	}
	out = ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: w.Digest(), Size: st.Offset}
	if err := w.Commit(ctx, st.Offset, out.Digest); err != nil && !errdefs.IsAlreadyExists(err) {
		return out, "", storing(ctx, "storing the layer", err)
	}
	return out, sum.Digest(), storing(ctx, "holding the layer", p.lease.hold(ctx, "content", out.Digest.String()))
}

// describeCommit writes the new image's config and manifest.
func (p *work) describeCommit(ctx context.Context, config ocispec.Image, docker engine.DockerConfig, layers []ocispec.Descriptor) (incoming, error) {
	var in incoming
	raw, err := configJSON(config, docker)
	if err != nil {
		return in, err
	}
	if len(raw) > maxConfig {
		return in, oops.Invalid("the image's config would have %d bytes, more than %d MB", len(raw), maxConfig>>20)
	}
	m := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest}
	if m.Config, err = p.write(ctx, raw, ocispec.MediaTypeImageConfig); err != nil {
		return in, err
	}
	for _, l := range layers {
		kind, err := p.kindOf(ctx, l)
		if err != nil {
			return in, err
		}
		m.Layers = append(m.Layers, ocispec.Descriptor{MediaType: kind, Digest: l.Digest, Size: l.Size})
	}
	text, err := json.Marshal(m)
	if err != nil {
		return in, err
	}
	target, err := p.write(ctx, text, ocispec.MediaTypeImageManifest)
	if err != nil {
		return in, err
	}
	doc, err := read(&target, text)
	if err != nil {
		return in, err
	}
	in.plan = &plan{target: target, path: []ocispec.Descriptor{target}, manifest: doc}
	in.image, err = describe(target, m.Config, raw, len(layers), p.platform)
	return in, err
}

// configJSON writes a config with what Docker adds to it.
func configJSON(config ocispec.Image, docker engine.DockerConfig) ([]byte, error) {
	whole := struct {
		ocispec.Image
		Config struct {
			ocispec.ImageConfig
			engine.DockerConfig
		} `json:"config"`
	}{Image: config}
	whole.Config.ImageConfig, whole.Config.DockerConfig = config.Config, docker
	return json.Marshal(whole)
}
