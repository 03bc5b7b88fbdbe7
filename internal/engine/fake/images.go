package fake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// remote is an image at the registry.
type remote struct {
	image    engine.Image
	progress []engine.PullProgress
}

// Serve puts an image into the registry, under a fully qualified reference (docker.io/library/mysql:latest).
// progress is what a pull of it tells.
func (e *Engine) Serve(ref string, img engine.Image, progress ...engine.PullProgress) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.registry[ref] = remote{img, progress}
}

// MakeImage makes up an image. Images of the same seed are the same; the layers are named by their seeds.
func MakeImage(seed string, created time.Time, layers ...string) engine.Image {
	img := engine.Image{ID: Digest("config " + seed), Digest: Digest("manifest " + seed), Created: created}
	for _, l := range layers {
		img.DiffIDs = append(img.DiffIDs, Digest("layer "+l))
		img.LayerSizes = append(img.LayerSizes, 1<<20)
		img.Size += 1 << 20
	}
	img.Config = ocispec.Image{Created: &created}
	img.Config.Architecture, img.Config.OS = "amd64", "linux"
	img.Config.Config.Cmd = []string{"/bin/" + seed}
	return img
}

// Digest is the digest of a text: sha256:<64 hex>.
func Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Pull implements engine.Images.
func (e *Engine) Pull(ctx context.Context, a account.Ref, req engine.PullRequest, progress func(engine.PullProgress)) (*engine.Image, error) {
	if err := e.enter(ctx, a, "Pull", req.Ref, req); err != nil {
		return nil, err
	}
	e.mu.Lock()
	r, ok := e.registry[req.Ref]
	e.mu.Unlock()
	if !ok {
		return nil, oops.NotFound("%s: not found", req.Ref)
	}
	for _, p := range r.progress {
		progress(p)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	img := r.image
	e.of(a).images[img.ID] = &img
	out := img
	return &out, nil
}

// AddImage gives an account an image without a pull.
func (e *Engine) AddImage(a account.Ref, img engine.Image) {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	e.of(a).images[img.ID] = &img
}

// HasImage reports whether an account has an image.
func (e *Engine) HasImage(a account.Ref, id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ok := e.of(a).images[id]
	return ok
}

// RemoveImage implements engine.Images.
func (e *Engine) RemoveImage(ctx context.Context, a account.Ref, id string) error {
	if err := e.enter(ctx, a, "RemoveImage", id, nil); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	delete(e.of(a).images, id)
	return nil
}

// Look implements engine.Images.
func (e *Engine) Look(ctx context.Context, a account.Ref, req engine.PullRequest) (engine.RemoteImage, error) {
	if err := e.enter(ctx, a, "Look", req.Ref, req); err != nil {
		return engine.RemoteImage{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	r, ok := e.registry[req.Ref]
	if !ok {
		return engine.RemoteImage{}, oops.NotFound("%s: not found", req.Ref)
	}
	return engine.RemoteImage{
		Target:    ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.Digest(r.image.Digest), Size: 1234},
		Platforms: []ocispec.Platform{r.image.Config.Platform},
	}, nil
}

// Search implements engine.Images: it finds what is served under names with the term in them.
func (e *Engine) Search(ctx context.Context, a account.Ref, req engine.SearchRequest) ([]engine.SearchResult, error) {
	if err := e.enter(ctx, a, "Search", req.Host+" "+req.Term, req); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []engine.SearchResult
	for ref := range e.registry {
		host, path, _ := strings.Cut(ref, "/")
		if host != req.Host || !strings.Contains(path, req.Term) {
			continue
		}
		name, _, _ := strings.Cut(path, ":")
		short, official := strings.CutPrefix(name, "library/")
		out = append(out, engine.SearchResult{Name: short, Official: official, Stars: len(short)})
	}
	slices.SortFunc(out, func(x, y engine.SearchResult) int { return strings.Compare(x.Name, y.Name) })
	return out[:min(len(out), req.Limit)], nil
}
