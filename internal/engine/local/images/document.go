package images

import (
	"encoding/json"
	"strings"

	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/decode"
	"github.com/hypercloud/hyper/internal/engine/local/images/registry"
	"github.com/hypercloud/hyper/internal/oops"
)

const (
	// maxConfig is how many bytes a config may have.
	maxConfig = 16 << 20
	// maxValues is how many values the JSON of an image may hold.
	maxValues = 256 << 10
	// maxLayers is what overlayfs can stack.
	maxLayers = 127
	// maxNested is how deep indexes may be nested.
	maxNested = 3
)

// document is a manifest or an index: they are told apart by what is in them.
type document struct {
	SchemaVersion int                  `json:"schemaVersion"`
	MediaType     string               `json:"mediaType"`
	Manifests     []ocispec.Descriptor `json:"manifests"`
	Config        ocispec.Descriptor   `json:"config"`
	Layers        []ocispec.Descriptor `json:"layers"`
	FSLayers      json.RawMessage      `json:"fsLayers"`
}

// read parses what a registry sent and settles its media type, of which registries are not always sure.
func read(desc *ocispec.Descriptor, raw []byte) (*document, error) {
	var d document
	if err := decode.JSON("its manifest cannot be read", raw, maxValues, &d); err != nil {
		return nil, err
	}
	switch {
	case d.SchemaVersion == 1, d.FSLayers != nil, strings.HasPrefix(desc.MediaType, "application/vnd.docker.distribution.manifest.v1+"):
		return nil, oops.Invalid("it is in Docker's first format (schema 1), which is not read any more: push it again with a current version of Docker")
	case len(d.Manifests) > 0 && (len(d.Layers) > 0 || d.Config.Digest != ""):
		return nil, oops.Invalid("its manifest is both an index and an image")
	case len(d.Manifests) > 0:
		if !images.IsIndexType(desc.MediaType) {
			desc.MediaType = ocispec.MediaTypeImageIndex
		}
	case d.Config.Digest != "":
		if !images.IsManifestType(desc.MediaType) {
			desc.MediaType = ocispec.MediaTypeImageManifest
			if strings.HasPrefix(d.Config.MediaType, "application/vnd.docker.") {
				desc.MediaType = images.MediaTypeDockerSchema2Manifest
			}
		}
		return &d, d.check()
	default:
		return nil, oops.Invalid("its manifest names neither a config nor other manifests")
	}
	for i := range d.Manifests {
		if err := clean(&d.Manifests[i], registry.MaxManifest, "manifest"); err != nil {
			return nil, err
		}
	}
	return &d, nil
}

// check looks at an image's manifest before anything that it names is fetched.
func (d *document) check() error {
	switch d.Config.MediaType {
	case ocispec.MediaTypeImageConfig, images.MediaTypeDockerSchema2Config, "application/octet-stream", "":
	default:
		return oops.Invalid("it is not a container image but %q", d.Config.MediaType)
	}
	if err := clean(&d.Config, maxConfig, "config"); err != nil {
		return err
	}
	if len(d.Layers) == 0 {
		return oops.Invalid("it has no layers")
	}
	if len(d.Layers) > maxLayers {
		return oops.Invalid("it has %d layers, more than %d", len(d.Layers), maxLayers)
	}
	for i := range d.Layers {
		l := &d.Layers[i]
		if !images.IsLayerType(l.MediaType) || strings.Contains(l.MediaType, "encrypted") {
			return oops.Invalid("a layer of it is %q, which cannot be unpacked", l.MediaType)
		}
		if err := clean(l, 0, "layer"); err != nil {
			return err
		}
	}
	return nil
}

// clean checks a descriptor and takes off what is not wanted of it: places outside of the registry to fetch it from, and its
// content carried along.
func clean(d *ocispec.Descriptor, most int64, what string) error {
	if err := d.Digest.Validate(); err != nil {
		return oops.Invalid("the digest of a %s of it is malformed", what)
	}
	if a := d.Digest.Algorithm(); a != digest.SHA256 && a != digest.SHA512 {
		return oops.Invalid("the digest of a %s of it is of the kind %q, which is not known", what, a)
	}
	if d.Size < 0 || most > 0 && d.Size > most {
		return oops.Invalid("a %s of it has %d bytes, more than %d MB", what, d.Size, most>>20)
	}
	d.URLs, d.Data = nil, nil
	return nil
}

// sent is the sum of the layers' sizes, each counted once. It stops at limit+1.
func (d *document) sent(limit int64) int64 {
	var sum int64
	seen := map[digest.Digest]bool{}
	for _, l := range d.Layers {
		if seen[l.Digest] {
			continue
		}
		seen[l.Digest] = true
		if l.Size > limit-sum {
			return limit + 1
		}
		sum += l.Size
	}
	return sum
}

// choose picks the manifest for this machine out of an index. One that does not say what it is for is taken if
// no other fits; its config will tell.
func choose(d *document, m platforms.MatchComparer) (ocispec.Descriptor, error) {
	var best *ocispec.Descriptor
	var others []string
	for i := range d.Manifests {
		c := &d.Manifests[i]
		if c.Platform != nil && !m.Match(*c.Platform) {
			if c.Platform.OS != "unknown" {
				others = append(others, platforms.Format(*c.Platform))
			}
			continue
		}
		if best == nil || c.Platform != nil && (best.Platform == nil || m.Less(*c.Platform, *best.Platform)) {
			best = c
		}
	}
	if best == nil {
		return ocispec.Descriptor{}, oops.Invalid("it is not made for %s but for %s", platforms.DefaultString(), listed(others))
	}
	return *best, nil
}

// listed joins names, not too many of them.
func listed(names []string) string {
	const most = 10
	switch {
	case len(names) == 0:
		return "nothing"
	case len(names) > most:
		return strings.Join(names[:most], ", ") + " and others"
	}
	return strings.Join(names, ", ")
}
