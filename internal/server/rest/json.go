package rest

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"

	"github.com/hypercloud/hyper/internal/decode"
	"github.com/hypercloud/hyper/internal/oops"
)

// maxJSON bounds the body of a call that is made of JSON.
const maxJSON = 1 << 20

// maxValues is how many values the JSON of a request may hold.
const maxValues = 64 << 10

// ReadJSON decodes a request's body into v. No body, and the body null, leave v as it is; unknown fields are ignored.
func ReadJSON(w http.ResponseWriter, r *http.Request, v any) error {
	body, err := ReadBody(w, r)
	if err != nil || len(body) == 0 {
		return err
	}
	if ct, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || ct != "application/json" {
		return oops.Invalid("unsupported Content-Type header (%s): must be 'application/json'", r.Header.Get("Content-Type"))
	}
	return decode.JSON("invalid JSON", body, maxValues, v)
}

// ReadBody reads a request's body to its end. More than 1 MiB is refused.
func ReadBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	InTime(r)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxJSON))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, WithStatus(http.StatusRequestEntityTooLarge, oops.Invalid("the request's body is larger than %d bytes", maxJSON))
	case err != nil:
		return nil, BodyError(err)
	}
	return body, nil
}

// BodyError words an error of reading a request's body, which is the client's or of the way to it.
func BodyError(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return WithStatus(http.StatusRequestTimeout, oops.Invalid("the request's body did not come in time"))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return oops.Invalid("the request's body ended too early")
	}
	return oops.Invalid("reading the request's body: %v", err)
}

// WriteJSON answers with v.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	return encoder(w).Encode(v)
}

// encoder leaves <, > and & as they are, as Docker does.
func encoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}

// NoContent answers that it is done.
func NoContent(w http.ResponseWriter) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}
