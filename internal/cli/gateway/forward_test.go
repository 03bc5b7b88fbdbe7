package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/signature"
	"github.com/hypercloud/hyper/internal/spool"
)

func TestRequestsArriveSignedAndAsTheyWere(t *testing.T) {
	var got *http.Request
	var body []byte
	server := region(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Api-Version", "1.47")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, "made")
	})
	_, client := through(t, server, func(c *Config) { c.BasePath = "/base/" })
	req, _ := http.NewRequest("PUT", "http://docker/v1.47/containers//a%2Fb:c/x?q=1&filters=%7B%22a%22%3A1%7D", strings.NewReader("{}"))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Hyper-Account", "dev")
	answer, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusCreated || string(text) != "made" || answer.Header.Get("Api-Version") != "1.47" {
		t.Errorf("answered %d %q %v", answer.StatusCode, text, answer.Header)
	}
	if got == nil {
		t.FailNow()
	}
	if want := "/base/v1.47/containers//a%2Fb:c/x?q=1&filters=%7B%22a%22%3A1%7D"; got.RequestURI != want {
		t.Errorf("asked for %s, want %s", got.RequestURI, want)
	}
	if got.Host != strings.TrimPrefix(server.URL, "https://") || string(body) != "{}" || got.Header.Get("X-Hyper-Account") != "dev" {
		t.Errorf("host %s, body %q, headers %v", got.Host, body, got.Header)
	}
	if !strings.Contains(got.Header.Get("Authorization"), "/home-1/hyper/") {
		t.Errorf("signed %s", got.Header.Get("Authorization"))
	}
}

// A body must be hashed before it is sent; a large one does not stay in memory, and leaves nothing behind.
func TestLargeBodies(t *testing.T) {
	var hash string
	server := region(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		hash = signature.HashBody(b)
	})
	g, client := through(t, server)
	g.temporary = t.TempDir()
	sent := bytes.Repeat([]byte("layer "), spool.Memory)
	// Not a bytes.Reader: such a body comes chunked, as that of "hyper load" does.
	answer, err := client.Post("http://docker/images/load", "application/x-tar", io.MultiReader(bytes.NewReader(sent)))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK || hash != signature.HashBody(sent) {
		t.Errorf("answered %d, body %s", answer.StatusCode, hash)
	}
	if left, _ := os.ReadDir(g.temporary); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAnswersComePieceByPiece(t *testing.T) {
	next := make(chan struct{})
	server := region(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		for _, piece := range []string{"one\n", "two\n"} {
			<-next
			io.WriteString(w, piece)
			w.(http.Flusher).Flush()
		}
	})
	_, client := through(t, server)
	answer, err := client.Get("http://docker/events") // Which returns with the head.
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	for _, want := range []string{"one\n", "two\n"} {
		next <- struct{}{}
		piece := make([]byte, 64)
		n, err := answer.Body.Read(piece)
		if string(piece[:n]) != want {
			t.Fatalf("read %q, %v, want %q", piece[:n], err, want)
		}
	}
	if _, err := answer.Body.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the end is %v", err)
	}
}

// An answer that breaks off is not a whole one.
func TestBrokenAnswersAreErrors(t *testing.T) {
	server := region(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	_, client := through(t, server)
	answer, err := client.Get("http://docker/logs")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err == nil {
		t.Errorf("read %q and no error", text)
	}
}

func TestCancellingEndsTheRegionsRequest(t *testing.T) {
	arrived, ended := make(chan struct{}), make(chan struct{})
	server := region(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		close(arrived)
		<-r.Context().Done()
		close(ended)
	})
	_, client := through(t, server)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	req, _ := http.NewRequestWithContext(ctx, "POST", "http://docker/containers/web/wait", nil)
	if _, err := client.Do(req); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the region still works on it")
	}
}

func TestRefusalsAreTheRegions(t *testing.T) {
	server := region(t, func(http.ResponseWriter, *http.Request) { t.Error("a wrong secret is accepted") })
	_, client := through(t, server, func(c *Config) { c.Key.Secret = "another" })
	answer, err := client.Get("http://docker/_ping")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusUnauthorized || string(text) != "Unauthorized: signature does not match\n" {
		t.Errorf("answered %d %q", answer.StatusCode, text)
	}
}

func TestWithoutKeysNothingIsSigned(t *testing.T) {
	server := region(t, func(http.ResponseWriter, *http.Request) { t.Error("an unsigned request is accepted") })
	_, client := through(t, server, func(c *Config) { c.Key = signature.Key{} })
	answer, err := client.Get("http://docker/_ping")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); !strings.HasPrefix(string(text), "Unauthorized: header Authorization") {
		t.Errorf("answered %q", text)
	}
}

func TestAStrangersCertificateIsAnErrorOfDialling(t *testing.T) {
	server := region(t, func(http.ResponseWriter, *http.Request) { t.Error("a request reached it") })
	g, _ := through(t, server, func(c *Config) { c.TLS = &tls.Config{RootCAs: x509.NewCertPool()} })
	_, err := g.Dial(t.Context(), "", "")
	var untrusted *tls.CertificateVerificationError
	if !errors.As(err, &untrusted) {
		t.Errorf("got %v", err)
	}
}

func TestAServerThatIsGoneIsAnErrorOfDialling(t *testing.T) {
	server := region(t, nil)
	g, client := through(t, server)
	server.Close()
	if _, err := g.Dial(t.Context(), "", ""); err == nil {
		t.Error("dialled")
	}
	if _, err := client.Get("http://docker/_ping"); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v", err)
	}
}

// A region may close a connection that has been quiet. The library's own stays usable.
func TestQuietConnectionsAreMadeAnew(t *testing.T) {
	server := region(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "here") })
	g, client := through(t, server)
	dialled := 0
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled++
		return g.Dial(ctx, network, address)
	}
	for i := range 3 {
		answer, err := client.Get("http://docker/_ping")
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		if text, _ := io.ReadAll(answer.Body); string(text) != "here" {
			t.Errorf("request %d: %q", i, text)
		}
		answer.Body.Close()
		server.CloseClientConnections()
		time.Sleep(50 * time.Millisecond) // The news needs a moment.
	}
	if dialled != 1 {
		t.Errorf("the library dialled %d times", dialled)
	}
}
