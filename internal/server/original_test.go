package server_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/server"
	"github.com/hypercloud/hyper/internal/signature"
)

// recorded is a request of the original client, version 1.10.17.
type recorded struct {
	Case, Method, Target string
	Headers              [][2]string
	Framing              string
	Body                 []byte
	Valid                bool
}

func recordings(t *testing.T) (keys []signature.Key, all []recorded) {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "signature", "testdata", "requests.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(z)
	var head struct{ Keys []signature.Key }
	if err := d.Decode(&head); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		var r recorded
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return head.Keys, all
}

func (r recorded) header(name string) string {
	for _, h := range r.Headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

func (r recorded) wire() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.Method, r.Target)
	for _, h := range r.Headers {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	switch {
	case r.Framing != "chunked":
		b.Write(r.Body)
	case len(r.Body) > 0:
		fmt.Fprintf(&b, "%x\r\n%s\r\n0\r\n\r\n", len(r.Body), r.Body)
	default:
		b.WriteString("0\r\n\r\n")
	}
	return b.Bytes()
}

// TestOriginalClientOverTLS sends what the original client was recorded to send, byte by byte, over TLS, at the hour at which it was
// signed. All but the one without keys are let in, and what is refused is refused in words that this client can show.
func TestOriginalClientOverTLS(t *testing.T) {
	tn := newTown(t)
	keys, all := recordings(t)
	tn.secrets = map[string]string{}
	for _, k := range keys {
		tn.secrets[k.Access] = k.Secret
	}
	addr := tn.serveTLS()
	let := 0
	missing := map[string]int{}
	for _, r := range all {
		at, err := time.Parse("20060102T150405Z", r.header("X-Hyper-Date"))
		if err != nil {
			t.Fatalf("%s: %v", r.Case, err)
		}
		tn.now.Store(at.Unix())
		resp, body := exchange(t, addr, r)
		if (resp.StatusCode == http.StatusUnauthorized) == r.Valid {
			t.Errorf("%s: %s %s: %d %s", r.Case, r.Method, r.Target, resp.StatusCode, body)
			continue
		}
		if resp.StatusCode < 400 {
			let++
			continue
		}
		if resp.StatusCode == http.StatusNotFound && strings.TrimSpace(body) == "page not found" || resp.StatusCode == http.StatusNotImplemented {
			missing[r.Method+" "+strings.SplitN(strings.SplitN(r.Target, "?", 2)[0], "/", 4)[2]]++
		}
		// The client prints what it gets: a sentence, and no JSON.
		if ct := resp.Header.Get("Content-Type"); !strings.HasPrefix(ct, "text/plain") && strings.HasPrefix(r.Target, "/v1.23") {
			t.Errorf("%s: %s %s: %d has Content-Type %q: %s", r.Case, r.Method, r.Target, resp.StatusCode, ct, body)
		}
		if len(strings.TrimSpace(body)) == 0 && r.Method != http.MethodHead {
			t.Errorf("%s: %s %s: %d without a word", r.Case, r.Method, r.Target, resp.StatusCode)
		}
	}
	t.Logf("%d of %d requests were answered with success; calls that are not offered: %v", let, len(all), missing)
	if let == 0 {
		t.Error("not one request was answered with success")
	}
}

// serveTLS serves on loopback until the test ends.
func (tn *town) serveTLS() string {
	tn.Helper()
	lender := httptest.NewTLSServer(nil)
	defer lender.Close()
	l, err := server.Listen("tcp://127.0.0.1:0", &tls.Config{Certificates: slices.Clone(lender.TLS.Certificates), MinVersion: tls.VersionTLS12})
	if err != nil {
		tn.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- tn.server.Serve(ctx, l) }()
	tn.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			tn.Errorf("Serve: %v", err)
		}
	})
	return l.Addr().String()
}

// exchange sends one request as that client does, over TLS 1.2, and returns the answer; of an endless one, its beginning.
func exchange(t *testing.T, addr string, r recorded) (*http.Response, string) {
	t.Helper()
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", addr, &tls.Config{
		InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, //nolint:gosec // as the original does
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Write(r.wire()); err != nil {
		t.Fatalf("%s: %v", r.Case, err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: r.Method})
	if err != nil {
		t.Fatalf("%s: %s %s: %v", r.Case, r.Method, r.Target, err)
	}
	defer resp.Body.Close()
	_ = conn.SetDeadline(time.Now().Add(200 * time.Millisecond))
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return resp, string(body)
}
