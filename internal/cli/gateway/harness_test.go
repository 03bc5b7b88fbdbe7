package gateway

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/signature"
)

var testKey = signature.Key{Access: "AKEXAMPLE0123456789", Secret: "s3cr3t-example-value"}

// region is a server that answers only what is signed with testKey.
func region(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := signature.Parse(r)
		if err == nil {
			err = s.Fresh(time.Now(), time.Minute)
		}
		if err == nil && (s.AccessKey != testKey.Access || !s.Verify(testKey.Secret)) {
			err = fmt.Errorf("Unauthorized: signature does not match")
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		r.Body = signature.CheckBody(r.Body, s.BodyHash)
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return server
}

// through is a gateway to that server and a client that uses it, as the libraries do.
func through(t *testing.T, server *httptest.Server, change ...func(*Config)) (*Gateway, *http.Client) {
	t.Helper()
	c := Config{
		Address: strings.TrimPrefix(server.URL, "https://"),
		TLS:     &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs},
		Key:     testKey, Region: "home-1",
	}
	for _, f := range change {
		f(&c)
	}
	g := New(c)
	transport := &http.Transport{DialContext: g.Dial}
	t.Cleanup(func() { transport.CloseIdleConnections(); g.Close() })
	return g, &http.Client{Transport: transport}
}

// raw asks for an upgrade on a connection of its own, as attach does.
func raw(t *testing.T, g *Gateway, path string) (net.Conn, *bufio.Reader, *http.Response) {
	t.Helper()
	c, err := g.Dial(t.Context(), "tcp", "ignored")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n", path)
	r := bufio.NewReader(c)
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, r, answer
}
