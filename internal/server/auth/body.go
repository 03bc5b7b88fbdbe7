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

// maxBody bounds a signed body. All of it is held before the call is even counted, so it is not much more than any call takes (rest.ReadBody):
// what an account could make hyperd hold would be the other accounts' memory and disk.
const maxBody = 2 << 20

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
		return rest.WithStatus(http.StatusRequestEntityTooLarge, oops.Invalid("the request's body is larger than %d bytes", maxBody))
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
