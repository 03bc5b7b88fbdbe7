package e2e

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUploadsInClear sends files as the original's client does: it is told where to by a call over TLS, and knows no authority for a second one.
// What listens there answers nothing else.
func TestUploadsInClear(t *testing.T) {
	l := newLab(t, "e2eu", "--host", "tcp://127.0.0.1:6443", "--upload-host", "127.0.0.1:6480")
	hyper(t, l, "admin", "account", "create", "ann")
	hyper(t, l, "--account", "ann", "pull", "-q", "busybox")
	hyper(t, l, "--account", "ann", "volume", "create", "--name", "v1")
	token := strings.TrimSpace(hyper(t, l, "--account", "ann", "token", "create", "--name", "t"))
	pem, err := os.ReadFile(filepath.Join(l.Dir, "data/tls/ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return l.Dial(ctx, network, addr, "")
		},
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true,
	}}
	do := func(method, url, kind string, body io.Reader) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, url, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", kind)
		if strings.HasPrefix(url, "https:") {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	const api, files = "https://127.0.0.1:6443/v1.23", "http://127.0.0.1:6480"
	code, text := do("POST", api+"/volumes/initialize", "application/json", strings.NewReader(`{"Reload":false,"Volume":[{"Name":"v1","Source":"/home/me/a.conf"}]}`))
	var told struct {
		Session, Cookie string
		Uploaders       map[string]string
	}
	if err := json.Unmarshal([]byte(text), &told); err != nil || code != http.StatusOK || !strings.HasPrefix(told.Uploaders["v1"], files+"/") {
		t.Fatalf("%d %s, %v", code, text, err)
	}
	for _, target := range []string{"/version", "/_ping", "/v1.23/volumes", "/v1.23/containers/json"} {
		if code, text := do("GET", files+target, "", nil); code != http.StatusNotFound {
			t.Errorf("%s is answered in clear: %d %s", target, code, text)
		}
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, h := range []tar.Header{{Name: "a.conf", Mode: 0o644, Size: 10}} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, "setting=1\n")
	}
	_ = w.Close()
	if code, text := do("POST", told.Uploaders["v1"]+"?cookie=wrong", "application/x-tar", bytes.NewReader(archive.Bytes())); code != http.StatusNotFound {
		t.Errorf("with another cookie: %d %s", code, text)
	}
	chunked := struct{ io.Reader }{bytes.NewReader(archive.Bytes())}
	if code, text := do("POST", told.Uploaders["v1"]+"?cookie="+told.Cookie, "application/x-tar", chunked); code != http.StatusOK {
		t.Fatalf("the upload: %d %s", code, text)
	}
	if code, text := do("PUT", api+"/volumes/uploadfinish?session="+told.Session, "", nil); code/100 != 2 {
		t.Fatalf("the end: %d %s", code, text)
	}
	if out := hyper(t, l, "--account", "ann", "run", "--rm", "-v", "v1:/etc/a.conf", "busybox", "cat", "/etc/a.conf"); out != "setting=1\n" {
		t.Errorf("the container has %q", out)
	}
}
