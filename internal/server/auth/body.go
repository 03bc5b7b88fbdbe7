package auth

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/signature"
)

const (
	// maxInMemory is how much of a signed body is held in memory; the rest waits in a file.
	maxInMemory = 1 << 20
	// maxBody bounds a signed body: an image may have 10 GB (behaviour 16).
	maxBody = 10 << 30
)

// readBody reads the body of a signed request and compares it with the hash that was signed, before anybody acts on it.
func (m *Remote) readBody(w http.ResponseWriter, r *http.Request, want string) error {
	if r.Body == nil || r.Body == http.NoBody {
		if want != signature.EmptyHash {
			return oops.Unauthenticated("%v", signature.ErrBody)
		}
		return nil
	}
	body := signature.CheckBody(http.MaxBytesReader(w, r.Body, maxBody), want)
	head, err := io.ReadAll(io.LimitReader(body, maxInMemory))
	if err != nil {
		return bodyError(err)
	}
	if len(head) < maxInMemory {
		// The reader may not have said yet that this is the end.
		if _, err := io.ReadFull(body, make([]byte, 1)); !errors.Is(err, io.EOF) {
			return bodyError(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(head))
		return nil
	}
	file, err := m.spool(head, body)
	if err != nil {
		return err
	}
	r.Body = file
	return nil
}

// spool writes a body to a file without a name, which is gone when it is closed, however hyperd ends.
func (m *Remote) spool(head []byte, rest io.Reader) (_ *os.File, err error) {
	file, err := os.CreateTemp(m.SpoolDir, "body-")
	if err != nil {
		return nil, fmt.Errorf("holding the request's body: %w", err)
	}
	defer func() {
		if err != nil {
			_ = file.Close()
		}
	}()
	if err := os.Remove(file.Name()); err != nil {
		return nil, fmt.Errorf("holding the request's body: %w", err)
	}
	if _, err := file.Write(head); err != nil {
		return nil, fmt.Errorf("holding the request's body: %w", err)
	}
	if _, err := io.Copy(file, rest); err != nil {
		return nil, bodyError(err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("holding the request's body: %w", err)
	}
	return file, nil
}

func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, signature.ErrBody):
		return oops.Unauthenticated("%v", signature.ErrBody)
	case errors.As(err, &tooLarge):
		return err
	case err == nil:
		return oops.Unauthenticated("%v", signature.ErrBody)
	}
	return oops.Invalid("reading the request's body: %v", err)
}
