package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/containerd/errdefs"
)

// HTTPStatus maps an error's class to a status. It is the only place that does.
func HTTPStatus(err error) int {
	var status *statusError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &status):
		return status.status
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge
	case errdefs.IsNotFound(err):
		return http.StatusNotFound
	case errdefs.IsInvalidArgument(err):
		return http.StatusBadRequest
	case errdefs.IsConflict(err), errdefs.IsAlreadyExists(err), errdefs.IsFailedPrecondition(err):
		return http.StatusConflict
	case errdefs.IsNotModified(err):
		return http.StatusNotModified
	case errdefs.IsUnauthorized(err):
		return http.StatusUnauthorized
	case errdefs.IsPermissionDenied(err), errdefs.IsResourceExhausted(err):
		return http.StatusForbidden
	case errdefs.IsNotImplemented(err):
		return http.StatusNotImplemented
	case errdefs.IsUnavailable(err):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// statusError is an error whose status is not that of its class.
type statusError struct {
	error
	status int
}

func (e *statusError) Unwrap() error { return e.error }

// WithStatus gives err a status of its own.
func WithStatus(status int, err error) error { return &statusError{err, status} }

// WriteError answers with err: {"message": ...}, or one sentence of plain text for clients below 1.24.
func WriteError(ctx context.Context, w http.ResponseWriter, err error) {
	status := HTTPStatus(err)
	w.Header().Del("Content-Length")
	if status == http.StatusNotModified {
		w.Header().Del("Content-Type")
		w.WriteHeader(status)
		return
	}
	if VersionOf(ctx).Before(jsonErrors) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		fmt.Fprintln(w, Sentence(err))
		return
	}
	_ = WriteJSON(w, status, errorBody{Sentence(err)})
}

// maxSentence is how many bytes of an error are told. One that repeats what was asked would be as long as that.
const maxSentence = 4 << 10

// Sentence is what the client is told of an error. Of one that is too long the middle is left out: how it begins and ends tells what is wrong.
func Sentence(err error) string {
	text := err.Error()
	if len(text) <= maxSentence {
		return text
	}
	return strings.ToValidUTF8(text[:maxSentence/2], "") + "..." + strings.ToValidUTF8(text[len(text)-maxSentence/2:], "")
}

type errorBody struct {
	Message string `json:"message"`
}
