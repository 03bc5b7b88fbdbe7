package image

import (
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/identity"

	"github.com/hypercloud/hyper/internal/store"
)

// chains lists the ids of an image's file systems as its layers build up, the lowest first. Two images that
// have one in common share the layers below it.
func chains(img *store.Image) []string {
	diffs := make([]digest.Digest, len(img.DiffIDs))
	for i, d := range img.DiffIDs {
		diffs[i] = digest.Digest(d)
	}
	var out []string
	for _, chain := range identity.ChainIDs(diffs) {
		out = append(out, chain.String())
	}
	return out
}
