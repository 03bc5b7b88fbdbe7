package images

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"path"
	"strings"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/decode"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/images/registry"
	"github.com/hypercloud/hyper/internal/oops"
)

// maxImages is how many images an archive may hold.
const maxImages = 256

// incoming is an image that is about to be unpacked.
type incoming struct {
	names []string
	plan  *plan
	image *engine.Image
	fresh map[digest.Digest]bool // layers' blobs that came just now
}

// find finds the images in what an archive held: by Docker's manifest.json, or by the index.json of an OCI layout. An archive that
// has both says the same twice; the first is what every version of Docker reads.
func (p *work) find(ctx context.Context, h *holding) ([]incoming, error) {
	if desc, ok := h.get("manifest.json"); ok {
		return p.findDocker(ctx, h, desc)
	}
	if desc, ok := h.get("index.json"); ok {
		return p.findOCI(ctx, h, desc)
	}
	return nil, oops.Invalid("the archive holds no image: open manifest.json: no such file or directory")
}

// item is one image of manifest.json.
type item struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func (p *work) findDocker(ctx context.Context, h *holding, desc ocispec.Descriptor) ([]incoming, error) {
	var items []item
	if err := p.decode(ctx, desc, registry.MaxManifest, "manifest.json", &items); err != nil {
		return nil, err
	}
	if len(items) == 0 || len(items) > maxImages {
		return nil, oops.Invalid("the archive's manifest.json tells of %d images: it must be 1 to %d", len(items), maxImages)
	}
	var own map[string]ocispec.Descriptor
	var out []incoming
	for _, it := range items {
		config, ok := h.get(it.Config)
		if !ok {
			return nil, oops.Invalid("the archive is not whole: open %s: no such file or directory", path.Base(cleanName(it.Config)))
		}
		raw, err := p.raw(ctx, config, maxConfig, "config of an image")
		if err != nil {
			return nil, err
		}
		config.MediaType = ocispec.MediaTypeImageConfig
		img, err := describe(config, config, raw, len(it.Layers), p.platform)
		if err != nil {
			return nil, err
		}
		if own == nil {
			if own, err = p.ownLayers(ctx); err != nil {
				return nil, err
			}
		}
		in, err := p.dockerImage(ctx, h, it, config, img, own)
		if err != nil {
			return nil, err
		}
		in.names = it.RepoTags
		out = append(out, in)
	}
	return out, nil
}

// dockerImage makes a manifest for an image that has none. A layer that the archive lacks is known by what it unpacks to, and may be one of the
// account's own; of nobody else's, or knowing a digest would be enough to read what is private.
func (p *work) dockerImage(ctx context.Context, h *holding, it item, config ocispec.Descriptor, img *engine.Image, own map[string]ocispec.Descriptor) (incoming, error) {
	m := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Config: config}
	in := incoming{fresh: map[digest.Digest]bool{}}
	for i, name := range it.Layers {
		layer, ok := own[img.DiffIDs[i]]
		if !ok {
			if layer, ok = h.get(name); ok {
				in.fresh[layer.Digest] = true
			}
		}
		if !ok {
			return in, oops.Invalid("the archive is not whole: open %s: no such file or directory, and none of your images has this layer (%s)",
				cleanName(name), img.DiffIDs[i])
		}
		kind, err := p.kindOf(ctx, layer)
		if err != nil {
			return in, err
		}
		m.Layers = append(m.Layers, ocispec.Descriptor{MediaType: kind, Digest: layer.Digest, Size: layer.Size})
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return in, err
	}
	target, err := p.write(ctx, raw, ocispec.MediaTypeImageManifest)
	if err != nil {
		return in, err
	}
	doc, err := read(&target, raw)
	if err != nil {
		return in, err
	}
	img.Digest = target.Digest.String()
	in.plan, in.image = &plan{target: target, path: []ocispec.Descriptor{target}, manifest: doc}, img
	return in, nil
}

// write stores a document.
func (p *work) write(ctx context.Context, raw []byte, kind string) (ocispec.Descriptor, error) {
	desc := ocispec.Descriptor{MediaType: kind, Digest: digest.FromBytes(raw), Size: int64(len(raw))}
	err := content.WriteBlob(ctx, p.Client.ContentStore(), "load-"+p.lease.ID+"-"+desc.Digest.Encoded(), bytes.NewReader(raw), desc)
	if err == nil {
		err = p.lease.hold(ctx, "content", desc.Digest.String())
	}
	return desc, storing(ctx, "storing a manifest", err)
}

// kindOf tells a layer's media type by its first bytes, and that it is there and is held.
func (p *work) kindOf(ctx context.Context, layer ocispec.Descriptor) (string, error) {
	if err := p.lease.hold(ctx, "content", layer.Digest.String()); err != nil {
		return "", storing(ctx, "holding a layer", err)
	}
	ra, err := p.Client.ContentStore().ReaderAt(ctx, layer)
	if errdefs.IsNotFound(err) {
		return "", oops.Conflict("a layer of the image was removed meanwhile: load it again")
	}
	if err != nil {
		return "", storing(ctx, "reading a layer", err)
	}
	defer ra.Close()
	head := make([]byte, 4)
	n, err := ra.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return "", storing(ctx, "reading a layer", err)
	}
	switch head = head[:n]; {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return ocispec.MediaTypeImageLayerGzip, nil
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return ocispec.MediaTypeImageLayerZstd, nil
	}
	return ocispec.MediaTypeImageLayer, nil
}

// ownLayers finds the blobs of all layers of the account's images, by what they unpack to.
func (p *work) ownLayers(ctx context.Context) (map[string]ocispec.Descriptor, error) {
	records, err := p.Client.ImageService().List(ctx)
	if err != nil {
		return nil, storing(ctx, "listing the account's images", err)
	}
	out := map[string]ocispec.Descriptor{}
	for _, r := range records {
		doc, raw, err := p.recorded(ctx, r)
		if errdefs.IsNotFound(err) {
			continue // it is being removed
		}
		if err != nil {
			return nil, err
		}
		var config ocispec.Image
		if err := json.Unmarshal(raw, &config); err != nil || len(config.RootFS.DiffIDs) != len(doc.Layers) {
			continue
		}
		for i, d := range config.RootFS.DiffIDs {
			out[d.String()] = doc.Layers[i]
		}
	}
	return out, nil
}

// recorded reads the manifest and the config of an image that is here.
func (s *Store) recorded(ctx context.Context, r images.Image) (*document, []byte, error) {
	cs := s.Client.ContentStore()
	m, err := s.manifestOf(ctx, r.Target)
	if err != nil {
		return nil, nil, err
	}
	raw, err := content.ReadBlob(ctx, cs, m)
	if err != nil {
		return nil, nil, err
	}
	doc, err := read(&m, raw)
	if err != nil {
		return nil, nil, err
	}
	config, err := content.ReadBlob(ctx, cs, doc.Config)
	return doc, config, err
}

// manifestOf follows indexes from a record's target to the one manifest that is here.
func (s *Store) manifestOf(ctx context.Context, desc ocispec.Descriptor) (ocispec.Descriptor, error) {
	for range maxNested {
		raw, err := content.ReadBlob(ctx, s.Client.ContentStore(), desc)
		if err != nil {
			return desc, err
		}
		doc, err := read(&desc, raw)
		if err != nil {
			return desc, err
		}
		if len(doc.Manifests) == 0 {
			return desc, nil
		}
		if desc, err = choose(doc, s.platform); err != nil {
			return desc, err
		}
	}
	return desc, oops.Invalid("it is an index of indexes, nested too deep")
}

// raw reads a small file of the archive.
func (p *work) raw(ctx context.Context, desc ocispec.Descriptor, most int64, what string) ([]byte, error) {
	if desc.Size > most {
		return nil, oops.Invalid("the archive's %s has %d bytes, more than %d MB", what, desc.Size, most>>20)
	}
	raw, err := content.ReadBlob(ctx, p.Client.ContentStore(), desc)
	return raw, storing(ctx, "reading a file", err)
}

func (p *work) decode(ctx context.Context, desc ocispec.Descriptor, most int64, what string, v any) error {
	raw, err := p.raw(ctx, desc, most, what)
	if err != nil {
		return err
	}
	return decode.JSON("the archive's "+what+" cannot be read: invalid argument", raw, maxValues, v)
}

func (p *work) findOCI(ctx context.Context, h *holding, desc ocispec.Descriptor) ([]incoming, error) {
	var index ocispec.Index
	if err := p.decode(ctx, desc, registry.MaxManifest, "index.json", &index); err != nil {
		return nil, err
	}
	if len(index.Manifests) == 0 || len(index.Manifests) > maxImages {
		return nil, oops.Invalid("the archive's index.json tells of %d images: it must be 1 to %d", len(index.Manifests), maxImages)
	}
	var out []incoming
	byTarget := map[digest.Digest]int{}
	for _, d := range index.Manifests {
		name := nameIn(d.Annotations)
		if i, ok := byTarget[d.Digest]; ok { // one more name
			if name != "" {
				out[i].names = append(out[i].names, name)
			}
			continue
		}
		in, err := p.ociImage(ctx, h, d)
		if err != nil {
			return nil, err
		}
		if name != "" {
			in.names = []string{name}
		}
		byTarget[d.Digest] = len(out)
		out = append(out, in)
	}
	return out, nil
}

// nameIn is the name that a layout gives to an image. A tag alone is none.
func nameIn(annotations map[string]string) string {
	if n := annotations[images.AnnotationImageName]; n != "" {
		return n
	}
	if n := annotations[ocispec.AnnotationRefName]; strings.ContainsAny(n, ":/") {
		return n
	}
	return ""
}

func (p *work) ociImage(ctx context.Context, h *holding, desc ocispec.Descriptor) (incoming, error) {
	var in incoming
	var todo plan
	for range maxNested {
		if err := clean(&desc, registry.MaxManifest, "manifest"); err != nil {
			return in, err
		}
		if err := h.has(desc, "manifest"); err != nil {
			return in, err
		}
		raw, err := p.raw(ctx, desc, registry.MaxManifest, "manifest")
		if err != nil {
			return in, err
		}
		doc, err := read(&desc, raw)
		if err != nil {
			return in, err
		}
		todo.path = append(todo.path, desc)
		if len(doc.Manifests) == 0 {
			todo.target, todo.manifest = todo.path[0], doc
			in.plan = &todo
			return in, p.ociLayers(ctx, h, &in)
		}
		if desc, err = choose(doc, p.platform); err != nil {
			return in, err
		}
	}
	return in, oops.Invalid("it is an index of indexes, nested too deep")
}

// ociLayers sees that the archive holds all that an image's manifest names.
func (p *work) ociLayers(ctx context.Context, h *holding, in *incoming) error {
	m := in.plan.manifest
	if err := h.has(m.Config, "config"); err != nil {
		return err
	}
	in.fresh = map[digest.Digest]bool{}
	for _, l := range m.Layers {
		if err := h.has(l, "layer"); err != nil {
			return err
		}
		in.fresh[l.Digest] = true
	}
	raw, err := p.raw(ctx, m.Config, maxConfig, "config of an image")
	if err != nil {
		return err
	}
	in.image, err = describe(in.plan.target, m.Config, raw, len(m.Layers), p.platform)
	return err
}

// has tells what is wrong with something that a layout names. Its digest was computed here, whatever its file was called.
func (h *holding) has(desc ocispec.Descriptor, what string) error {
	size, ok := h.byDigest[desc.Digest]
	switch {
	case !ok:
		return oops.Invalid("the archive is not whole: open %s: no such file or directory (a %s)", desc.Digest, what)
	case size != desc.Size:
		return oops.Invalid("the archive's %s %s has %d bytes, where its manifest tells of %d", what, short(desc.Digest), size, desc.Size)
	}
	return nil
}
