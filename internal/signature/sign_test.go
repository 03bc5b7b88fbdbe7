package signature

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

var (
	testKey = Key{Access: "AKEXAMPLE0123456789", Secret: "s3cr3t-example-value"}
	testNow = time.Date(2026, 1, 2, 3, 4, 5, 999, time.FixedZone("", 3600))
)

// delivered signs a request, sends it through the wire format, and is what the server has of it.
func delivered(t testing.TB, r *http.Request, body string) *http.Request {
	t.Helper()
	Sign(r, HashBody([]byte(body)), testKey, "home-1", testNow)
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func request(t testing.TB, method, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSignedRequestsVerify(t *testing.T) {
	requests := map[string]*http.Request{
		"plain":            request(t, "GET", "https://hyper.example:6443/v1.47/containers/json", ""),
		"default port":     request(t, "GET", "https://hyper.example:443/v1.47/containers/json", ""),
		"IPv6":             request(t, "GET", "https://[::1]:443/_ping", ""),
		"root":             request(t, "GET", "https://hyper.example", ""),
		"body":             request(t, "POST", "https://h:1/v1.47/containers/create?name=a", "{\"Image\":\"nginx\"}"),
		"doubled slash":    request(t, "GET", "https://h:1/v1.47/containers//web/json", ""),
		"escaped slash":    request(t, "GET", "https://h:1/v1.47/images/a%2Fb:c/json", ""),
		"odd bytes":        request(t, "GET", "https://h:1/v/%C3%A9%00%20+*'()!~", ""),
		"query":            request(t, "GET", "https://h:1/v?b=2&a=%2B+*&b=1&empty&=x&&filters={%22label%22:{%22a=b%22:true}}&semi;colon=1", ""),
		"many parameters":  request(t, "GET", "https://h:1/v?"+strings.Repeat("z=1&a=2&", 40), ""),
		"empty query":      request(t, "GET", "https://h:1/v?", ""),
		"more headers":     request(t, "POST", "https://h:1/images/load", ""),
		"own Host":         request(t, "GET", "https://127.0.0.1:6443/_ping", ""),
		"lower-case names": request(t, "GET", "https://h:1/v", ""),
	}
	requests["body"].Header.Set("Content-Type", "application/json")
	requests["more headers"].Header.Set("X-Hyper-Content-Length", " 17 ")
	requests["more headers"].Header.Set("Content-Md5", "1B2M2Y8AsgTpgAmY7PhCfg==")
	requests["own Host"].Host = "region.example:443"
	requests["lower-case names"].Header["x-hyper-account"] = []string{"dev"}
	for name, r := range requests {
		t.Run(name, func(t *testing.T) {
			body := ""
			if r.ContentLength > 0 {
				b, _ := r.GetBody()
				all, _ := io.ReadAll(b)
				body = string(all)
			}
			got := delivered(t, r, body)
			if err := check(got, map[string]string{testKey.Access: testKey.Secret}, testNow); err != nil {
				t.Error(err)
			}
			s, err := Parse(got)
			if err != nil {
				t.Fatal(err)
			}
			if s.AccessKey != testKey.Access || s.Region != "home-1" || !s.Date.Equal(testNow.Truncate(time.Second)) {
				t.Errorf("claims %+v", s)
			}
		})
	}
}

// A query that cannot be decoded means one thing to the signer and may mean another to a handler.
func TestUndecodableQueryIsRefused(t *testing.T) {
	r := request(t, "GET", "https://h:1/v?a=%zz", "")
	if _, err := Parse(delivered(t, r, "")); err == nil || !strings.HasPrefix(err.Error(), "Unauthorized: the query cannot be decoded") {
		t.Errorf("got %v", err)
	}
}

// What the scheme's text says, word for word, for each of its peculiarities.
func TestCanonicalRequest(t *testing.T) {
	for name, c := range map[string]struct{ method, url, want string }{
		"colon":         {"GET", "https://h:1/v1.23/images/a/b:c/json", "GET\nv1.23/images/a/b%3Ac/json\n\nhost:h:1\n\nhost\n-"},
		"doubled slash": {"get", "https://h:80/v1.23/containers//web/json/", "GET\nv1.23/containers/web/json\n\nhost:h\n\nhost\n-"},
		"root":          {"GET", "https://[::1]:443/", "GET\n\n\nhost:[::1]:443\n\nhost\n-"},
		"query":         {"GET", "https://h:443/v?b=2&a=+%20&b=1&c&d=*%2B~", "GET\nv\na=%20%20&b=2&b=1&c=&d=%2A%2B~\nhost:h\n\nhost\n-"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := appendRequest(nil, request(t, c.method, c.url, ""), []string{"host"}, "-")
			if err != nil || string(got) != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func BenchmarkSign(b *testing.B) {
	r := request(b, "POST", "https://h:6443/v1.47/containers/create?name=web", "")
	r.Header.Set("Content-Type", "application/json")
	b.ReportAllocs()
	for b.Loop() {
		Sign(r, EmptyHash, testKey, "us-west-1", testNow)
	}
}

func BenchmarkVerify(b *testing.B) {
	r := request(b, "POST", "https://h:6443/v1.47/containers/create?name=web", "")
	r.Header.Set("Content-Type", "application/json")
	r = delivered(b, r, "")
	b.ReportAllocs()
	for b.Loop() {
		s, err := Parse(r)
		if err != nil || !s.Verify(testKey.Secret) {
			b.Fatal(err)
		}
	}
}
