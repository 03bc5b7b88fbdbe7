package registry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/opencontainers/go-digest"
)

// Blob opens a blob at an offset. Nothing is checked of what is read, and a body that ends early ends with an error
// only if the registry had said how long it is.
func (r *Repository) Blob(ctx context.Context, dgst digest.Digest, offset int64) (io.ReadCloser, error) {
	header := http.Header{"Accept": {"*/*"}}
	if offset > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	resp, err := r.do(unbounded(ctx), http.MethodGet, r.url("blobs", dgst.String()), header)
	if err == nil && resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && offset > 0 {
		// There are registries that know no ranges without an end.
		drop(resp)
		header.Del("Range")
		resp, err = r.do(unbounded(ctx), http.MethodGet, r.url("blobs", dgst.String()), header)
	}
	if err != nil {
		return nil, err
	}
	body := &blobBody{ReadCloser: resp.Body, of: r, ctx: ctx}
	switch {
	case resp.StatusCode == http.StatusPartialContent && offset > 0 && strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", offset)):
		return body, nil
	case resp.StatusCode == http.StatusOK:
		// A registry that does not know ranges sends all of it again.
		if _, err := io.CopyN(io.Discard, body, offset); err != nil {
			_ = body.Close()
			if err == io.EOF {
				return nil, unavailable("%s ended a layer early", r.Host())
			}
			return nil, err
		}
		return body, nil
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound {
		return nil, unavailable("%s does not have %s, which the image is made of", r.Host(), dgst)
	}
	return nil, r.status(resp, "layer")
}

// blobBody gives the errors of a body their words.
type blobBody struct {
	io.ReadCloser
	of  *Repository
	ctx context.Context
}

func (b *blobBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = b.of.unreachable(b.ctx, err)
	}
	return n, err
}
