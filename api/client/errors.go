package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/containerd/errdefs/pkg/errhttp"
	"github.com/hypercloud/hyper/api/types"
)

// Error is a request that the server refused or could not fulfil.
type Error struct {
	// StatusCode is the HTTP status, 400 or above.
	StatusCode int
	// Message is the server's sentence; empty when it gave none.
	Message string

	url string
}

func (e *Error) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("Error: request returned %s for API route and version %s, check if the server supports the requested API version",
			http.StatusText(e.StatusCode), e.url)
	}
	return "Error response from daemon: " + e.Message
}

// Unwrap gives the class of the error, one of github.com/containerd/errdefs.
func (e *Error) Unwrap() error { return errhttp.ToNative(e.StatusCode) }

// newError reads the sentence out of a failed answer: JSON of today's API, plain text of the first one.
func newError(resp *http.Response, body []byte) error {
	e := &Error{StatusCode: resp.StatusCode, url: resp.Request.URL.String()}
	var wire types.Error
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") && json.Unmarshal(body, &wire) == nil {
		e.Message = strings.TrimSpace(wire.Message)
	} else {
		e.Message = strings.TrimSpace(string(body))
	}
	return e
}

type connectionError struct {
	host  string
	cause error
}

func (e *connectionError) Error() string {
	return fmt.Sprintf("cannot connect to the server at %s: %v", e.host, e.cause)
}

func (e *connectionError) Unwrap() error { return e.cause }

// IsConnectionFailed says whether err means that no server was reached.
func IsConnectionFailed(err error) bool {
	var ce *connectionError
	return errors.As(err, &ce)
}
