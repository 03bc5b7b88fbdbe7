// Package auth says for which account a request acts, and makes it hard to find that out by trying.
//
// Who comes over the unix socket is known by its process (Peers): the operator, or nobody. Who comes from elsewhere, over TLS, shows
// exactly one of these (Remote):
//
//   - a signature, HYPER-HMAC-SHA256 (internal/signature): of what asks, when, and with which body. It is good for
//     some minutes and for one use (replay.go);
//   - a token, "Authorization: Bearer ...";
//   - a certificate of hyperd's own authority, in the handshake.
//
// A header Authorization is judged by what it says, whatever else there is; a wrong one is not made good by a certificate. What
// is wrong stays vague towards the client: an unknown key, a disabled account and a wrong signature have the same answer.
package auth

import (
	"net/http"
	"strings"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/signature"
)

// Identity is who asks.
type Identity struct {
	Account account.Ref
	// Operator may call what is the operator's alone, and act as any account.
	Operator bool
}

// Authenticator says who asks. It may replace the request's body. Errors: ErrUnauthenticated, and *TooManyError.
type Authenticator interface {
	Authenticate(w http.ResponseWriter, r *http.Request) (Identity, error)
}

// Any asks Socket who comes over a unix socket, unless the request says itself who it is, and TLS about all others.
type Any struct {
	Socket *Peers
	TLS    *Remote
}

// Authenticate implements Authenticator.
func (a Any) Authenticate(w http.ResponseWriter, r *http.Request) (Identity, error) {
	if onSocket(r) && r.Header.Get("Authorization") == "" {
		return a.Socket.Authenticate(w, r)
	}
	return a.TLS.Authenticate(w, r)
}

// scheme is how a request says who it is.
type scheme int

const (
	schemeNone scheme = iota
	schemeSigned
	schemeBearer
	schemeOther
)

func schemeOf(r *http.Request) (s scheme, value string) {
	header := strings.TrimSpace(r.Header.Get("Authorization"))
	if header == "" {
		return schemeNone, ""
	}
	word, value, _ := strings.Cut(header, " ")
	switch {
	case word == signature.Algorithm:
		return schemeSigned, header
	case strings.EqualFold(word, "Bearer"):
		return schemeBearer, strings.TrimSpace(value)
	}
	return schemeOther, ""
}
