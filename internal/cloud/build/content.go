package build

import (
	"context"
	"strings"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
)

// shelf is the name by which a build's session offers the account's images.
const shelf = "hyper"

// names tells BuildKit's frontend which names of base images mean one of the account's own: attributes of a solve.
func (s *Service) names(ctx context.Context, a account.Ref) (map[string]string, error) {
	out := map[string]string{}
	for _, t := range s.Store.View(a).Tags() {
		named, err := reference.ParseNormalizedNamed(t.Repository + ":" + t.Tag)
		if err != nil {
			continue
		}
		desc, err := s.Engine.Manifest(ctx, a, t.ImageID)
		if errdefs.IsNotFound(err) {
			continue // it is being removed
		}
		if err != nil {
			return nil, err
		}
		// The frontend looks for names as they are usually typed.
		name := strings.TrimSuffix(reference.FamiliarString(named), ":latest")
		out["context:"+name] = "oci-layout://" + shelf + "@" + desc.Digest.String()
	}
	return out, nil
}

// blobs are what an account's images consist of, as BuildKit reads them.
type blobs struct {
	s *Service
	a account.Ref
}

var _ content.Store = blobs{}

func (b blobs) ReaderAt(ctx context.Context, desc ocispec.Descriptor) (content.ReaderAt, error) {
	return b.s.Engine.OpenBlob(ctx, b.a, desc.Digest.String())
}

func (b blobs) Info(ctx context.Context, d digest.Digest) (content.Info, error) {
	r, err := b.s.Engine.OpenBlob(ctx, b.a, d.String())
	if err != nil {
		return content.Info{}, err
	}
	defer r.Close()
	return content.Info{Digest: d, Size: r.Size()}, nil
}

// They are only read.
var errReadOnly = oops.NotImplemented("images are only read by a build")

func (blobs) Update(context.Context, content.Info, ...string) (content.Info, error) {
	return content.Info{}, errReadOnly
}
func (blobs) Walk(context.Context, content.WalkFunc, ...string) error { return errReadOnly }
func (blobs) Delete(context.Context, digest.Digest) error             { return errReadOnly }
func (blobs) Status(context.Context, string) (content.Status, error) {
	return content.Status{}, errReadOnly
}
func (blobs) ListStatuses(context.Context, ...string) ([]content.Status, error) {
	return nil, errReadOnly
}
func (blobs) Abort(context.Context, string) error { return errReadOnly }
func (blobs) Writer(context.Context, ...content.WriterOpt) (content.Writer, error) {
	return nil, errReadOnly
}
