package gateway

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Files for a volume pass as they come, and unsigned: the region has the first of them before the last one is there.
func TestUploadsPassUnsigned(t *testing.T) {
	first := make(chan struct{})
	var signed, asked, rest string
	server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		signed, asked = r.Header.Get("Authorization"), r.RequestURI
		head := make([]byte, 5)
		_, _ = io.ReadFull(r.Body, head)
		close(first)
		all, _ := io.ReadAll(r.Body)
		rest = string(head) + string(all)
	}))
	defer server.Close()
	_, client := through(t, server, func(c *Config) { c.BasePath = "/base" })
	in, out := io.Pipe()
	go func() {
		_, _ = io.WriteString(out, "first")
		<-first
		_, _ = io.WriteString(out, " and last")
		_ = out.Close()
	}()
	answer, err := client.Post("http://docker/volumes/upload/s/v?cookie=c", "application/x-tar", in)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if signed != "" || rest != "first and last" || asked != "/base/volumes/upload/s/v?cookie=c" || answer.StatusCode != http.StatusOK {
		t.Errorf("%s was asked for with %q, signed %q: %d", asked, rest, signed, answer.StatusCode)
	}
}
