package registry

import (
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/containerd/containerd/v2/core/images"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// MaxManifest is how many bytes a manifest or an index may have.
const MaxManifest = 4 << 20

// Schema1 is what a manifest of Docker's first format, and a signed one, are called.
const Schema1 = "application/vnd.docker.distribution.manifest.v1+json"

var acceptManifests = http.Header{"Accept": {strings.Join([]string{
	ocispec.MediaTypeImageIndex,
	ocispec.MediaTypeImageManifest,
	images.MediaTypeDockerSchema2ManifestList,
	images.MediaTypeDockerSchema2Manifest,
	"*/*;q=0.1",
}, ", ")}}

// Resolve asks what a tag stands for without fetching it. The digest is empty when the registry does not tell without.
func (r *Repository) Resolve(ctx context.Context, tag string) (ocispec.Descriptor, error) {
	resp, err := r.do(ctx, http.MethodHead, r.url("manifests", tag), acceptManifests)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	drop(resp)
	switch {
	case resp.StatusCode == http.StatusOK:
	case resp.StatusCode < 500:
		// What is wrong, if anything, is told to who asks in full.
		return ocispec.Descriptor{}, nil
	default:
		return ocispec.Descriptor{}, r.status(resp, "manifest")
	}
	desc := ocispec.Descriptor{MediaType: mediaType(resp), Digest: digest.Digest(resp.Header.Get("Docker-Content-Digest")), Size: resp.ContentLength}
	if desc.Digest.Validate() != nil || desc.Size <= 0 {
		return ocispec.Descriptor{}, nil
	}
	return desc, nil
}

// Manifest fetches what a tag or digest stands for: a manifest or an index. The descriptor's media type is
// what the document, or else the registry, calls it.
func (r *Repository) Manifest(ctx context.Context, reference string) (ocispec.Descriptor, []byte, error) {
	resp, err := r.do(ctx, http.MethodGet, r.url("manifests", reference), acceptManifests)
	if err != nil {
		return ocispec.Descriptor{}, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return ocispec.Descriptor{}, nil, r.status(resp, "manifest")
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, MaxManifest+1))
	if err != nil {
		return ocispec.Descriptor{}, nil, r.unreachable(ctx, err)
	}
	if len(raw) > MaxManifest {
		return ocispec.Descriptor{}, nil, invalid("%s sent a manifest of more than %d MB", r.Host(), MaxManifest>>20)
	}
	want := digest.Digest(resp.Header.Get("Docker-Content-Digest"))
	if d := digest.Digest(reference); d.Validate() == nil {
		want = d
	}
	desc := ocispec.Descriptor{MediaType: mediaType(resp), Size: int64(len(raw))}
	if want.Validate() == nil {
		desc.Digest = want.Algorithm().FromBytes(raw)
		if desc.Digest != want {
			return ocispec.Descriptor{}, nil, unavailable("%s sent a manifest whose digest is %s and not %s", r.Host(), desc.Digest, want)
		}
	} else {
		desc.Digest = digest.FromBytes(raw)
	}
	var self struct {
		MediaType string `json:"mediaType"`
	}
	if json.Unmarshal(raw, &self) == nil && self.MediaType != "" {
		desc.MediaType = self.MediaType
	}
	return desc, raw, nil
}

func mediaType(resp *http.Response) string {
	t, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}
