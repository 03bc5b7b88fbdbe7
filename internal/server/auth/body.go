package auth

import (
	"errors"
	"io"
	"net/http"

	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
	"github.com/hypercloud/hyper/internal/signature"
	"github.com/hypercloud/hyper/internal/spool"
)

// maxBody bounds a signed body: an image may have 10 GB (behaviour 16).
const maxBody = 10 << 30

// readBody reads the body of a signed request and compares it with the hash that was signed, before anybody acts on it.
func (m *Remote) readBody(r *http.Request, want string) error {
	if r.Body == nil || r.Body == http.NoBody {
		if want != signature.EmptyHash {
			return oops.Unauthenticated("%v", signature.ErrBody)
		}
		return nil
	}
	body, err := spool.Read(r.Body, m.SpoolDir, maxBody)
	switch {
	case errors.Is(err, spool.ErrTooLarge):
		return rest.WithStatus(http.StatusRequestEntityTooLarge, oops.Invalid("the request's body is larger than %d bytes", int64(maxBody)))
	case err != nil:
		return oops.Invalid("reading the request's body: %v", err)
	case body.Hash() != want:
		_ = body.Close()
		return oops.Unauthenticated("%v", signature.ErrBody)
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{body.Reader(), body}
	return nil
}
