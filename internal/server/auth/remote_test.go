package auth

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
	"github.com/hypercloud/hyper/internal/signature"
	"github.com/hypercloud/hyper/internal/spool"
)

var (
	ann, _ = account.New(strings.Repeat("a", 32), 1)
	bob, _ = account.New(strings.Repeat("b", 32), 2)
	key    = signature.Key{Access: "ANNSKEY", Secret: "a secret of forty characters, or nearly"}
)

// entries knows Ann by her key, and Bob by his token and his certificate.
type entries struct{}

func (entries) Secret(access string) (account.Ref, string, error) {
	if access == key.Access {
		return ann, key.Secret, nil
	}
	return account.Ref{}, "", oops.NotFound("unknown")
}

func (entries) Token(text string) (account.Ref, error) {
	if text == "hyper_bob" {
		return bob, nil
	}
	return account.Ref{}, oops.NotFound("unknown")
}

func (entries) Certificate(c *x509.Certificate) (account.Ref, error) {
	if c.Subject.CommonName == "bob" {
		return bob, nil
	}
	return account.Ref{}, oops.NotFound("unknown")
}

type bench struct {
	*testing.T
	*Remote
	now time.Time
	log bytes.Buffer
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	b.Remote = NewRemote(RemoteConfig{
		Entries: entries{}, SpoolDir: t.TempDir(), Now: func() time.Time { return b.now }, Log: slog.New(slog.NewTextHandler(&b.log, nil)),
	})
	return b
}

// signed is a request of Ann's, made now.
func (b *bench) signed(body string) *http.Request {
	r := httptest.NewRequest("POST", "https://home:6443/v1.23/containers/create?name=web", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	signature.Sign(r, signature.HashBody([]byte(body)), key, "home", b.now)
	return r
}

func (b *bench) want(what string, r *http.Request, a account.Ref, says string) {
	b.Helper()
	id, err := b.Authenticate(httptest.NewRecorder(), r)
	switch {
	case says == "" && (err != nil || id.Account != a || id.Operator):
		b.Errorf("%s: %v %v", what, id, err)
	case says != "" && (err == nil || !strings.Contains(err.Error(), says)):
		b.Errorf("%s: %v, want %q", what, err, says)
	case says != "" && !errdefs.IsUnauthorized(err):
		b.Errorf("%s: %T is not one of ErrUnauthenticated", what, err)
	}
}

func TestWhoAsks(t *testing.T) {
	b := newBench(t)
	plain := func(authorization, certificate string) *http.Request {
		r := httptest.NewRequest("GET", "https://home:6443/info", nil)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		if certificate != "" {
			c := &x509.Certificate{}
			c.Subject.CommonName = certificate
			r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{c}, VerifiedChains: [][]*x509.Certificate{{c}}}
		}
		return r
	}
	const vague = "not one that opens an account here"
	b.want("nothing", plain("", ""), account.Ref{}, "sign the request")
	b.want("a token", plain("Bearer hyper_bob", ""), bob, "")
	b.want("a token, the scheme in lower case", plain("bearer hyper_bob", ""), bob, "")
	b.want("an unknown token", plain("Bearer hyper_eve", ""), account.Ref{}, vague)
	b.want("an empty token", plain("Bearer", ""), account.Ref{}, vague)
	b.want("a certificate", plain("", "bob"), bob, "")
	b.want("an unknown certificate", plain("", "eve"), account.Ref{}, vague)
	b.want("a wrong token is not made good by a certificate", plain("Bearer hyper_eve", "bob"), account.Ref{}, vague)
	b.want("another scheme", plain("Basic YTpi", "bob"), account.Ref{}, "must be HYPER-HMAC-SHA256 or Bearer")
	unverified := plain("", "bob")
	unverified.TLS.VerifiedChains = nil
	b.want("a certificate that nobody verified", unverified, account.Ref{}, "sign the request")

	b.want("a signature", b.signed("{}"), ann, "")
	unknown := b.signed("{}")
	unknown.Header.Set("Authorization", strings.Replace(unknown.Header.Get("Authorization"), key.Access, "NOBODY", 1))
	b.want("a signature of an unknown key", unknown, account.Ref{}, vague)
	wrong := b.signed("{}")
	wrong.URL.RawQuery = "name=other"
	b.want("a signature of something else", wrong, account.Ref{}, vague)
	if strings.Contains(b.log.String(), key.Secret) || strings.Contains(b.log.String(), "hyper_eve") {
		t.Errorf("the log tells secrets:\n%s", &b.log)
	}
}

func TestSignaturesAgeAndAreUsedOnce(t *testing.T) {
	b := newBench(t)
	old, early := b.signed("old"), b.signed("early")
	b.now = b.now.Add(Window + time.Second)
	b.want("after the window", old, account.Ref{}, "request time too skewed")
	b.now = b.now.Add(-2*Window - 2*time.Second)
	b.want("before the window", early, account.Ref{}, "request time too skewed")

	b = newBench(t)
	once := func() *http.Request { r := b.signed("{}"); return r }
	first := once()
	headers := first.Header.Clone()
	again := func() *http.Request {
		r := once()
		r.Header = headers.Clone()
		return r
	}
	b.want("the first time", first, ann, "")
	b.want("the same again at once, as a script does", again(), ann, "")
	b.now = b.now.Add(again2)
	b.want("a while later", again(), account.Ref{}, "was made before")
	b.now = b.now.Add(Window - again2)
	b.want("at the end of the window", again(), account.Ref{}, "was made before")
	b.want("signed anew", once(), ann, "")
}

const again2 = again + time.Second

func TestSignedBodies(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", spool.Memory/16) + "end"
	for name, body := range map[string]string{"none": "", "small": "{}", "at the bound": large[:spool.Memory], "large": large} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			r := b.signed(body)
			b.want(name, r, ann, "")
			got, err := io.ReadAll(r.Body)
			if err != nil || string(got) != body {
				t.Errorf("%d bytes are handed on, %v", len(got), err)
			}
			_ = r.Body.Close()
			r = b.signed(body)
			r.Body = io.NopCloser(strings.NewReader(body + "x"))
			b.want("one byte more", r, account.Ref{}, "the body is not the one that was signed")
			if body != "" {
				r = b.signed(body + "y")
				r.Body = io.NopCloser(strings.NewReader(body))
				b.want("one byte less", r, account.Ref{}, "the body is not the one that was signed")
			}
		})
	}
}

// Nobody makes hyperd hold more of a body than a call can need.
func TestSignedBodiesAreBounded(t *testing.T) {
	b := newBench(t)
	_, err := b.Authenticate(httptest.NewRecorder(), b.signed(strings.Repeat("x", maxBody+1)))
	if err == nil || rest.HTTPStatus(err) != http.StatusRequestEntityTooLarge {
		t.Errorf("a body over the bound: %v", err)
	}
}

func TestGuessingIsSlowed(t *testing.T) {
	b := newBench(t)
	guess := func(from string) error {
		r := httptest.NewRequest("GET", "https://home:6443/info", nil)
		r.RemoteAddr = from
		r.Header.Set("Authorization", "Bearer hyper_guess")
		_, err := b.Authenticate(httptest.NewRecorder(), r)
		return err
	}
	var many *TooManyError
	for i := range failureBurst {
		if err := guess("192.0.2.1:1000"); errors.As(err, &many) {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
	if err := guess("192.0.2.1:1001"); !errors.As(err, &many) || Seconds(many.After) != 3 {
		t.Errorf("one more: %v", err)
	}
	if err := guess("192.0.2.2:1000"); errors.As(err, &many) {
		t.Errorf("from elsewhere: %v", err)
	}
	for range failureBurst + 1 {
		_ = guess("[2001:db8::1]:1000")
	}
	if err := guess("[2001:db8::2]:1000"); !errors.As(err, &many) {
		t.Errorf("from the same network: %v", err)
	}
	b.now = b.now.Add(failureEvery)
	if err := guess("192.0.2.1:1002"); errors.As(err, &many) {
		t.Errorf("after a while: %v", err)
	}
}

func TestSocketOrHeader(t *testing.T) {
	b := newBench(t)
	both := Any{Socket: &Peers{Account: ann, Named: func(name string) (account.Ref, error) {
		if name == "bob" {
			return bob, nil
		}
		return account.Ref{}, oops.NotFound("No such account: %s", name)
	}}, TLS: b.Remote}
	ask := func(header, value string) (Identity, error) {
		r := httptest.NewRequest("GET", "http://x/info", nil)
		r = r.WithContext(contextWithPeer(r.Context(), peer{uid: 0}))
		r.Header.Set(header, value)
		return both.Authenticate(httptest.NewRecorder(), r)
	}
	for _, tc := range []struct {
		header, value string
		want          Identity
	}{
		{"X-Other", "", Identity{ann, true}},
		{AccountHeader, "bob", Identity{bob, true}},
		{"Authorization", "Bearer hyper_bob", Identity{bob, false}},
	} {
		if got, err := ask(tc.header, tc.value); err != nil || got != tc.want {
			t.Errorf("%s %s: %v %v", tc.header, tc.value, got, err)
		}
	}
	if _, err := ask(AccountHeader, "eve"); !errdefs.IsNotFound(err) {
		t.Errorf("an account that is not: %v", err)
	}
	r := httptest.NewRequest("GET", "http://x/info", nil)
	r = r.WithContext(contextWithPeer(r.Context(), peer{uid: 4_000_000_000}))
	if _, err := both.Authenticate(httptest.NewRecorder(), r); !errdefs.IsUnauthorized(err) {
		t.Errorf("anybody on the socket: %v", err)
	}
}

// Where a call takes uploads a signed body may be large, one of an account at a time.
func TestSignedUploads(t *testing.T) {
	b := newBench(t)
	large := func() *http.Request {
		r := b.signed(strings.Repeat("x", maxBody+1))
		return r.WithContext(WithUpload(r.Context(), 2*maxBody))
	}
	first := large()
	b.want("an upload", first, ann, "")
	var many *TooManyError
	b.now = b.now.Add(time.Second)
	if _, err := b.Authenticate(httptest.NewRecorder(), large()); !errors.As(err, &many) {
		t.Errorf("another beside it: %v", err)
	}
	_ = first.Body.Close()
	b.now = b.now.Add(time.Second)
	next := large()
	b.want("another afterwards", next, ann, "")
	_ = next.Body.Close()
	b.now = b.now.Add(time.Second)
	r := b.signed(strings.Repeat("x", 2*maxBody+1))
	if _, err := b.Authenticate(httptest.NewRecorder(), r.WithContext(WithUpload(r.Context(), 2*maxBody))); err == nil || rest.HTTPStatus(err) != http.StatusRequestEntityTooLarge {
		t.Errorf("over the bound: %v", err)
	}
	for i := range maxUploads {
		other, _ := account.New(strings.Repeat("c", 31)+string(rune('0'+i)), 10+i)
		if _, err := b.uploads.enter(other); err != nil {
			t.Errorf("the upload of account %d: %v", i, err)
		}
	}
	if _, err := b.uploads.enter(ann); !errors.As(err, &many) {
		t.Errorf("one too many of all: %v", err)
	}
}
