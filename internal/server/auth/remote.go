package auth

import (
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/signature"
)

// Window is how far the date of a signed request may be from hyperd's clock, either way (api 2.7).
const Window = 5 * time.Minute

// Entries finds out whose a key, a token or a certificate is. All three say of what is unknown, revoked, expired or of a disabled
// account that it is not found.
type Entries interface {
	Secret(access string) (account.Ref, string, error)
	Token(text string) (account.Ref, error)
	Certificate(c *x509.Certificate) (account.Ref, error)
}

// RemoteConfig is what a Remote is made of.
type RemoteConfig struct {
	Entries Entries
	// Window of signed requests; 0: Window.
	Window time.Duration
	// SpoolDir takes the bodies of signed requests that are too large for memory.
	SpoolDir string
	Log      *slog.Logger
	// Now is time.Now but for tests.
	Now func() time.Time
}

// Remote authenticates whoever does not come over the unix socket.
type Remote struct {
	RemoteConfig
	used     *used
	failures *failures
	uploads  uploads
}

// NewRemote returns a Remote.
func NewRemote(c RemoteConfig) *Remote {
	if c.Window == 0 {
		c.Window = Window
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Remote{RemoteConfig: c, used: newUsed(2 * c.Window), failures: newFailures()}
}

// errUnknown is the one answer to all that is wrong with who asks.
var errUnknown = oops.Unauthenticated("Unauthorized: the signature, token or certificate is not one that opens an account here")

// Authenticate implements Authenticator. The body of a signed request is read and checked before it is handed on.
func (m *Remote) Authenticate(_ http.ResponseWriter, r *http.Request) (Identity, error) {
	from := sourceOf(r)
	if err := m.failures.check(from, m.Now()); err != nil {
		return Identity{}, err
	}
	a, err := m.identify(r)
	if err == nil {
		return Identity{Account: a}, nil
	}
	if errdefs.IsUnauthorized(err) && r.Header.Get("Authorization") != "" {
		m.failures.note(from, m.Now())
		m.Log.Info("a request was refused", "from", r.RemoteAddr, "reason", err)
	}
	return Identity{}, err
}

func (m *Remote) identify(r *http.Request) (account.Ref, error) {
	switch s, value := schemeOf(r); s {
	case schemeSigned:
		return m.signed(r)
	case schemeBearer:
		return vague(m.Entries.Token(value))
	case schemeNone:
		if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
			return vague(m.Entries.Certificate(r.TLS.PeerCertificates[0]))
		}
		return account.Ref{}, oops.Unauthenticated("Unauthorized: sign the request, or show a token or a client certificate")
	default:
		return account.Ref{}, oops.Unauthenticated("Unauthorized: header Authorization must be %s or Bearer", signature.Algorithm)
	}
}

// signed checks a signature. What is cheap and tells nothing comes first; the body is read only for who has the secret.
func (m *Remote) signed(r *http.Request) (account.Ref, error) {
	claim, err := signature.Parse(r)
	if err != nil {
		return account.Ref{}, oops.Unauthenticated("%v", err)
	}
	a, secret, err := m.Entries.Secret(claim.AccessKey)
	if err != nil && !errdefs.IsNotFound(err) {
		return account.Ref{}, err
	}
	if err != nil {
		secret = unknownSecret // takes as long as a known one
	}
	if !claim.Verify(secret) || err != nil {
		return account.Ref{}, errUnknown
	}
	now := m.Now()
	if err := claim.Fresh(now, m.Window); err != nil {
		return account.Ref{}, oops.Unauthenticated("%v", err)
	}
	if !m.used.first(claim.Signature, now) {
		return account.Ref{}, oops.Unauthenticated("Unauthorized: this very request was made before: sign each anew")
	}
	if err := m.readBody(r, a, claim.BodyHash); err != nil {
		return account.Ref{}, err
	}
	return a, nil
}

// unknownSecret is what the signature of an unknown key is compared with. It opens nothing, since the key is unknown.
const unknownSecret = "0000000000000000000000000000000000000000"

// vague hides why there is no account.
func vague(a account.Ref, err error) (account.Ref, error) {
	if err == nil {
		return a, nil
	}
	if errdefs.IsNotFound(err) || errors.Is(err, account.ErrNone) {
		return account.Ref{}, errUnknown
	}
	return account.Ref{}, err
}
