package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
)

func serve(t *testing.T, f http.HandlerFunc) *url.URL {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func open(t *testing.T, u *url.URL, who Credentials) *Repository {
	t.Helper()
	r := Open(Endpoint{URL: u}, "team/app", who, Timeouts{Answer: time.Second, Idle: time.Second})
	t.Cleanup(r.Close)
	return r
}

const manifest = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}`

func TestManifest(t *testing.T) {
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/prefix/v2/team/app/manifests/1" || !strings.Contains(r.Header.Get("Accept"), "image.index") {
			t.Errorf("%s, %v", r.URL.Path, r.Header)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = io.WriteString(w, manifest)
	})
	u.Path = "/prefix/"
	desc, raw, err := open(t, u, Credentials{}).Manifest(t.Context(), "1")
	if err != nil || string(raw) != manifest || desc.Digest != digest.FromString(manifest) ||
		desc.MediaType != "application/vnd.oci.image.manifest.v1+json" || desc.Size != int64(len(manifest)) {
		t.Errorf("%+v, %s, %v", desc, raw, err)
	}
}

// An image's registry cannot make this machine ask itself.
func TestOwnAddressesAreRefused(t *testing.T) {
	asked := false
	u := serve(t, func(http.ResponseWriter, *http.Request) { asked = true })
	for _, host := range []string{"127.0.0.1", "0.0.0.0", "[::1]", "169.254.169.254", "[fe80::1]", "224.0.0.1", "[::ffff:127.0.0.1]"} {
		if err := refuseOwn("tcp", host+":80", nil); err != errOwnAddress { //nolint:errorlint // as it is
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, host := range []string{"10.1.2.3", "192.0.2.1", "[2001:db8::1]"} {
		if err := refuseOwn("tcp", host+":80", nil); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	// A registry on loopback, named as such, may be asked; what it refers to may not.
	front := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, u.String(), http.StatusFound) })
	_, _, err := open(t, front, Credentials{}).Manifest(t.Context(), "1")
	if !errdefs.IsUnavailable(err) || !strings.Contains(err.Error(), "an address of this machine's own") || asked {
		t.Errorf("%v, asked: %v", err, asked)
	}
	login := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/token",service="x"`, u))
		w.WriteHeader(http.StatusUnauthorized)
	})
	if _, _, err := open(t, login, Credentials{}).Manifest(t.Context(), "1"); !errdefs.IsUnavailable(err) || asked {
		t.Errorf("%v, asked: %v", err, asked)
	}
}

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST:5000": true, "127.0.0.1:5000": true, "127.9.9.9": true, "[::1]:5000": true, "[::1]": true,
		"localhost.example.com": false, "docker.io": false, "10.0.0.1:5000": false, "127.0.0.1.nip.io": false,
	} {
		if got := IsLoopback(host); got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
}

func TestRedirects(t *testing.T) {
	at := func(u string) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if err := checkRedirect(at("http://b/"), []*http.Request{at("https://a/")}); err != errPlain { //nolint:errorlint // as it is
		t.Errorf("from https to http: %v", err)
	}
	if err := checkRedirect(at("https://b/"), []*http.Request{at("http://a/")}); err != nil {
		t.Errorf("from http to https: %v", err)
	}
	if err := checkRedirect(at("https://b/"), make([]*http.Request, 10)); err == nil {
		t.Error("an eleventh")
	}
}

// tokens is a registry whose own server gives the tokens: that it is the registry itself makes its address one that may be asked.
func tokens(t *testing.T, give func(w http.ResponseWriter, r *http.Request)) *url.URL {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token":
			give(w, r)
		case r.Header.Get("Authorization") == "Bearer good":
			_, _ = io.WriteString(w, manifest)
		default:
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="x"`, r.Host))
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
}

func TestLogin(t *testing.T) {
	grant := func(w http.ResponseWriter) {
		_ = json.NewEncoder(w).Encode(map[string]string{"token": "good", "access_token": "good"})
	}
	for _, tc := range []struct {
		name string
		who  Credentials
		give func(w http.ResponseWriter, r *http.Request)
		is   func(error) bool
	}{
		{"nobody, let in", Credentials{}, func(w http.ResponseWriter, r *http.Request) {
			if s := r.URL.Query().Get("scope"); s != "repository:team/app:pull" {
				t.Errorf("scope %q", s)
			}
			grant(w)
		}, nil},
		{"a user", Credentials{Username: "u", Password: "p"}, func(w http.ResponseWriter, r *http.Request) {
			user, pass, ok := r.BasicAuth()
			_ = r.ParseForm()
			if ok && user == "u" && pass == "p" || r.PostForm.Get("username") == "u" && r.PostForm.Get("password") == "p" {
				grant(w)
				return
			}
			w.WriteHeader(http.StatusUnauthorized)
		}, nil},
		{"an identity token", Credentials{Token: "id", Username: "u"}, func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			if r.PostForm.Get("refresh_token") != "id" {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			grant(w)
		}, nil},
		{"a registry token", Credentials{Token: "good"}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, nil},
		{"refused", Credentials{Username: "u", Password: "x"}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, errdefs.IsUnauthorized},
		{"given what does not help", Credentials{}, func(w http.ResponseWriter, _ *http.Request) {
			_ = json.NewEncoder(w).Encode(map[string]string{"token": "bad"})
		}, errdefs.IsUnauthorized},
		{"out of order", Credentials{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, errdefs.IsUnavailable},
		{"no end of a token", Credentials{}, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"token":"`)
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat("x", 1<<16)); err != nil {
					return
				}
			}
		}, func(err error) bool { return err != nil }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := open(t, tokens(t, tc.give), tc.who).Manifest(t.Context(), "1")
			if tc.is == nil && err != nil || tc.is != nil && !tc.is(err) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestBlobAtAnOffset(t *testing.T) {
	const blob = "0123456789"
	for name, f := range map[string]http.HandlerFunc{
		"ranges": func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(blob))
		},
		"none": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, blob) },
		"none, and says so": func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") != "" {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				return
			}
			_, _ = io.WriteString(w, blob)
		},
	} {
		t.Run(name, func(t *testing.T) {
			rc, err := open(t, serve(t, f), Credentials{}).Blob(t.Context(), digest.FromString(blob), 4)
			if err != nil {
				t.Fatal(err)
			}
			defer rc.Close()
			if raw, err := io.ReadAll(rc); err != nil || string(raw) != blob[4:] {
				t.Errorf("%q, %v", raw, err)
			}
		})
	}
}

func TestContextsErrorIsReturned(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	u := serve(t, func(http.ResponseWriter, *http.Request) {})
	if _, _, err := open(t, u, Credentials{}).Manifest(ctx, "1"); err != context.Canceled { //nolint:errorlint // as it is
		t.Errorf("%v", err)
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := open(t, u, Credentials{}).Manifest(t.Context(), "1"); err == nil || !strings.Contains(err.Error(), "no certificate that this machine trusts") {
		t.Errorf("a certificate of its own: %v", err)
	}
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	plain.Scheme = "https"
	if _, _, err := open(t, plain, Credentials{}).Manifest(t.Context(), "1"); err == nil || !strings.Contains(err.Error(), "does not speak HTTPS") {
		t.Errorf("no TLS: %v", err)
	}
}

// Where an operator says which addresses may be asked, a registry's name, a redirect and a login are all held to it; a mirror is the
// operator's own choice.
func TestOnlyPermittedAddressesAreAsked(t *testing.T) {
	asked := 0
	u := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
		_, _ = io.WriteString(w, manifest)
	})
	try := func(ep Endpoint) error {
		r := Open(ep, "team/app", Credentials{}, Timeouts{Answer: time.Second, Idle: time.Second})
		defer r.Close()
		_, _, err := r.Manifest(t.Context(), "1")
		return err
	}
	nobody := func(netip.Addr) bool { return false }
	err := try(Endpoint{URL: u, Permit: nobody})
	if !errdefs.IsUnavailable(err) || !strings.Contains(err.Error(), "not asked from here") || asked > 0 {
		t.Errorf("a name: %v, asked: %v", err, asked)
	}
	if err := try(Endpoint{URL: u, Permit: nobody, Mirror: true}); err != nil {
		t.Errorf("a mirror: %v", err)
	}
	if err := try(Endpoint{URL: u, Permit: netip.Addr.IsLoopback}); err != nil || asked != 2 {
		t.Errorf("one that is permitted: %v", err)
	}
}
