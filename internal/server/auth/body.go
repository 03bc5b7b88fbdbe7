package auth

import (
	"errors"
	"io"
	"net/http"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/diskroom"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
	"github.com/hypercloud/hyper/internal/signature"
	"github.com/hypercloud/hyper/internal/spool"
)

// maxBody bounds a signed body, but for uploads. All of it is held before the call is even counted, so it is not much more than any call takes (rest.ReadBody):
// what an account could make hyperd hold would be the other accounts' memory and disk.
const maxBody = 2 << 20

// readBody reads the body of a request that account a has signed and compares it with the hash that was signed, before anybody acts on
// it.
func (m *Remote) readBody(r *http.Request, a account.Ref, want string) error {
	if r.Body == nil || r.Body == http.NoBody {
		if want != signature.EmptyHash {
			return oops.Unauthenticated("%v", signature.ErrBody)
		}
		return nil
	}
	limit, leave := int64(maxBody), func() {}
	var in io.Reader = r.Body
	if most := uploadOf(r.Context()); most > maxBody && (r.ContentLength < 0 || r.ContentLength > maxBody) {
		var err error
		if leave, err = m.uploads.enter(a); err != nil {
			return err
		}
		limit, in = most, diskroom.WhileRoom(r.Body, m.SpoolDir)
	} else {
		rest.InTime(r)
	}
	body, err := spool.Read(in, m.SpoolDir, limit)
	switch {
	case errors.Is(err, spool.ErrTooLarge):
		err = rest.WithStatus(http.StatusRequestEntityTooLarge, oops.Invalid("the request's body is larger than %d bytes", limit))
	case errors.Is(err, diskroom.ErrNoRoom):
	case err != nil:
		err = rest.BodyError(err)
	case body.Hash() != want:
		_ = body.Close()
		err = oops.Unauthenticated("%v", signature.ErrBody)
	}
	if err != nil {
		leave()
		return err
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{body.Reader(), closing{body, leave}}
	return nil
}

// closing lets a body go, and its place among the uploads.
type closing struct {
	body  *spool.Body
	leave func()
}

// Close implements io.Closer.
func (c closing) Close() error {
	defer c.leave()
	return c.body.Close()
}
