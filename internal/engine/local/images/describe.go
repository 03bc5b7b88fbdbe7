package images

import (
	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/decode"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// describe reads an image's config.
func describe(target, config ocispec.Descriptor, raw []byte, layers int, m platforms.MatchComparer) (*engine.Image, error) {
	out := &engine.Image{ID: config.Digest.String(), Digest: target.Digest.String()}
	if err := decode.JSON("its config cannot be read", raw, maxValues, &out.Config); err != nil {
		return nil, err
	}
	var docker struct {
		Config engine.DockerConfig `json:"config"`
	}
	if err := decode.JSON("its config cannot be read", raw, maxValues, &docker); err != nil {
		return nil, err
	}
	out.Docker = docker.Config
	if p := out.Config.Platform; !m.Match(platforms.Normalize(p)) {
		return nil, oops.Invalid("it is made for %s, and this machine is %s", platforms.Format(p), platforms.DefaultString())
	}
	if out.Config.Created != nil {
		out.Created = *out.Config.Created
	}
	ids := out.Config.RootFS.DiffIDs
	if len(ids) != layers {
		return nil, oops.Invalid("its config tells of %d layers, its manifest of %d", len(ids), layers)
	}
	for _, d := range ids {
		if err := d.Validate(); err != nil {
			return nil, oops.Invalid("its config has a malformed digest")
		}
		out.DiffIDs = append(out.DiffIDs, d.String())
	}
	return out, nil
}
