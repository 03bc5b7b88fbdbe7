package fetch

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}

func TestAddressesThatAreNotAsked(t *testing.T) {
	f := New(Config{Deny: []netip.Prefix{netip.MustParsePrefix("8.8.4.0/24")}})
	own := []netip.Addr{netip.MustParseAddr("8.8.8.1")}
	for addr, want := range map[string]bool{
		"1.1.1.1": true, "8.8.8.8": true, "2606:4700::1": true,
		"8.8.8.1": false, "8.8.4.4": false, // this machine's, and one of the floating IPs
		"127.0.0.1": false, "127.1.2.3": false, "0.0.0.0": false, "10.1.2.3": false, "172.16.0.1": false, "172.31.255.1": false,
		"192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false, "198.18.0.1": false, "224.0.0.1": false,
		"239.255.255.250": false, "255.255.255.255": false, "240.0.0.1": false, "192.0.0.192": false,
		"::1": false, "::": false, "fe80::1": false, "fc00::1": false, "ff02::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false,
		"64:ff9b::a00:1": false, "2002:7f00:1::": false, "2001::1": false, "2001:db8::1": false,
	} {
		if got := f.permits(netip.MustParseAddr(addr).Unmap(), own); got != want {
			t.Errorf("%s: %v", addr, got)
		}
	}
}

func TestGet(t *testing.T) {
	var seen *http.Request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Clone(context.Background())
		w.Header().Set("Content-Type", "application/x-tar; charset=x")
		_, _ = io.WriteString(w, "content")
	}))
	defer s.Close()
	f := New(Config{Allow: loopback})
	file, err := f.Get(t.Context(), strings.Replace(s.URL, "http://", "http://joe:secret@", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	raw, err := io.ReadAll(file)
	if err != nil || string(raw) != "content" || file.Size != 7 || file.Type != "application/x-tar" || file.Status != 200 {
		t.Errorf("%+v %q %v", file, raw, err)
	}
	if user, password, _ := seen.BasicAuth(); user != "joe" || password != "secret" || seen.Header.Get("Accept-Encoding") != "" {
		t.Errorf("it was asked %v", seen.Header)
	}
}

// Whatever the name and whatever the way, nobody gets to this machine or its neighbours.
func TestHostileURLs(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusFound)
			return
		}
		fmt.Fprint(w, "secret")
	}))
	defer s.Close()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.URL, "http://"))
	turns := 0
	lookup := func(_ context.Context, host string) ([]netip.Addr, error) {
		switch host {
		case "inside.example":
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		case "mapped.example":
			return []netip.Addr{netip.MustParseAddr("::ffff:127.0.0.1")}, nil
		case "turning.example": // says one thing first, and another when asked again
			turns++
			if turns == 1 {
				return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
			}
			return []netip.Addr{netip.MustParseAddr("127.0.0.2")}, nil
		case "none.example":
			return nil, nil
		}
		return nil, &net.DNSError{Err: "no such host", Name: host, Server: "10.9.8.7:53", IsNotFound: true}
	}
	strict := New(Config{Lookup: lookup, Answer: time.Second})
	for what, target := range map[string]string{
		"loopback":           s.URL,
		"by number":          "http://2130706433:" + port + "/",
		"in hex":             "http://0x7f000001:" + port + "/",
		"short":              "http://127.1:" + port + "/",
		"in IPv6":            "http://[::ffff:127.0.0.1]:" + port + "/",
		"with a zone":        "http://[fe80::1%25lo]:" + port + "/",
		"a name":             "http://inside.example:" + port + "/",
		"a mapped name":      "http://mapped.example:" + port + "/",
		"localhost":          "http://localhost:" + port + "/",
		"a trailing dot":     "http://inside.example.:" + port + "/",
		"the metadata":       "http://169.254.169.254/latest/",
		"a name of nothing":  "http://none.example/",
		"a file":             "file:///etc/passwd",
		"a socket":           "unix:///run/hyper.sock",
		"another scheme":     "gopher://127.0.0.1/",
		"no host":            "http:///etc/passwd",
		"no URL":             "http://%zz",
		"nothing":            "",
		"a relative one":     "/images/json",
		"a line in the host": "http://a\r\nHost: b/",
	} {
		file, err := strict.Get(t.Context(), target)
		if err == nil {
			raw, _ := io.ReadAll(file)
			file.Close()
			t.Errorf("%s: answers %q", what, raw)
			continue
		}
		if !errdefs.IsInvalidArgument(err) || strings.Contains(err.Error(), "10.9.8.7") {
			t.Errorf("%s: %v", what, err)
		}
	}
	open := New(Config{Allow: loopback, Lookup: lookup, Answer: time.Second})
	for what, to := range map[string]string{
		"to another address": "http://127.0.0.2:" + port + "/", "to a file": "file:///etc/passwd", "to ftp": "ftp://127.0.0.1/x",
		"to the metadata": "http://169.254.169.254/", "in a circle": "http://inside.example:" + port + "/?to=" + url.QueryEscape("?to=x"),
		"to a name that turns": "http://turning.example:" + port + "/?to=" + url.QueryEscape("http://turning.example:"+port+"/"),
	} {
		if file, err := open.Get(t.Context(), s.URL+"/?to="+url.QueryEscape(to)); err == nil && what != "in a circle" {
			file.Close()
			t.Errorf("a redirect %s is followed", what)
		}
	}
}

func TestWords(t *testing.T) {
	f := New(Config{Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
		return nil, &net.DNSError{Err: "no such host", Name: host, Server: "10.9.8.7:53", IsNotFound: true}
	}})
	for target, want := range map[string]string{
		"ftp://host/x":                  `Get ftp://host/x: unsupported protocol scheme "ftp"`,
		"http://joe:secret@host.test/x": "Get http://joe:xxxxx@host.test/x: dial tcp: lookup host.test: no such host",
	} {
		if _, err := f.Get(t.Context(), target); err == nil || err.Error() != want {
			t.Errorf("%s: %v", target, err)
		}
	}
}

func TestSlowServers(t *testing.T) {
	hold := make(chan struct{})
	defer close(hold)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/begun" {
			_, _ = io.WriteString(w, "x")
			w.(http.Flusher).Flush()
		}
		select {
		case <-hold:
		case <-r.Context().Done():
		}
	}))
	defer s.Close()
	f := New(Config{Allow: loopback, Answer: 100 * time.Millisecond, Idle: 100 * time.Millisecond})
	if _, err := f.Get(t.Context(), s.URL); err == nil {
		t.Error("an answer that never begins is waited for")
	}
	file, err := f.Get(t.Context(), s.URL+"/begun")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := io.ReadAll(file); err == nil || !strings.Contains(err.Error(), "sent nothing for too long") {
		t.Errorf("an answer that stops: %v", err)
	}
}
