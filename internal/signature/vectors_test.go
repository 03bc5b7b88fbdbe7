package signature

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
)

// vector is one request as the original client sent it.
type vector struct {
	Case, Method, Target string
	Headers              [][2]string // in the order of the wire
	Framing              string      // none, content-length, chunked
	Body                 []byte
	Valid                bool
}

// vectors reads testdata/requests.jsonl.gz; its first line holds the keys.
func vectors(t testing.TB) (keys map[string]string, all []vector) {
	t.Helper()
	f, err := os.Open("testdata/requests.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(z)
	var head struct{ Keys []Key }
	if err := d.Decode(&head); err != nil {
		t.Fatal(err)
	}
	keys = map[string]string{}
	for _, k := range head.Keys {
		keys[k.Access] = k.Secret
	}
	for d.More() {
		var v vector
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	if len(all) != 319 || len(keys) != 2 {
		t.Fatalf("%d requests and %d keys are recorded, want 319 and 2", len(all), len(keys))
	}
	return keys, all
}

// raw is the request as it stood on the wire.
func (v vector) raw() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", v.Method, v.Target)
	for _, h := range v.Headers {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	if v.Framing != "chunked" {
		b.Write(v.Body)
		return b.Bytes()
	}
	for body := v.Body; len(body) > 0; {
		n := min(len(body), 700) // Several chunks, since the hash is of what they carry.
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	b.WriteString("0\r\n\r\n")
	return b.Bytes()
}

// received is the request as a server has it.
func (v vector) received(t testing.TB) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(v.raw())))
	if err != nil {
		t.Fatalf("%s: %v", v.Case, err)
	}
	return r
}

// with is v with one header changed; an empty value takes it away.
func (v vector) with(name, value string) vector {
	var headers [][2]string
	for _, h := range v.Headers {
		if !strings.EqualFold(h[0], name) {
			headers = append(headers, h)
		}
	}
	if value != "" {
		headers = append(headers, [2]string{name, value})
	}
	v.Headers = headers
	return v
}

func (v vector) header(name string) string {
	for _, h := range v.Headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}
