package gateway

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/hypercloud/hyper/internal/signature"
	"github.com/hypercloud/hyper/internal/spool"
)

// ServeHTTP passes one request on and its answer back. What goes wrong on the way breaks the connection, which the
// libraries report as a server that cannot be reached; the region's own refusals are answers like any other.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*conn)
	if isUpload(r) {
		g.passOn(w, r, c)
		return
	}
	body, err := spool.Read(r.Body, g.temporary, 0)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer body.Close()
	region, err := g.fresh(r.Context(), c)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	g.answer(w, region, g.request(r, body))
}

// isUpload tells the one call whose body is too large to be hashed before it is sent. The server asks for no signature there.
func isUpload(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/volumes/upload/")
}

// passOn passes a request on without a signature, its body as it comes.
func (g *Gateway) passOn(w http.ResponseWriter, r *http.Request, c *conn) {
	region, err := g.fresh(r.Context(), c)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	out := g.unsigned(r)
	out.Body, out.ContentLength = r.Body, r.ContentLength
	g.answer(w, region, out)
}

func (g *Gateway) answer(w http.ResponseWriter, region *http.ClientConn, out *http.Request) {
	answer, err := region.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusSwitchingProtocols {
		splice(w, answer)
		return
	}
	w.Header()["Content-Type"] = nil // None is guessed.
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.StatusCode)
	if err := copyNow(w, answer.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// fresh is the connection to the region; a new one if the region has closed it since the last request.
func (g *Gateway) fresh(ctx context.Context, c *conn) (*http.ClientConn, error) {
	if c.region.Err() == nil {
		return c.region, nil
	}
	region, err := g.connect(ctx)
	if err == nil {
		c.region = region
	}
	return region, err
}

// unsigned is r as the region gets it, without a body and a signature.
func (g *Gateway) unsigned(r *http.Request) *http.Request {
	out := &http.Request{
		Method: r.Method,
		Host:   g.config.Address,
		Header: r.Header.Clone(),
		Body:   http.NoBody,
		URL: &url.URL{
			Scheme: "https", Host: g.config.Address,
			Path:    g.config.BasePath + r.URL.Path,
			RawPath: (&url.URL{Path: g.config.BasePath}).EscapedPath() + r.URL.EscapedPath(), RawQuery: r.URL.RawQuery,
		},
	}
	if r.Header.Get("Upgrade") == "" {
		out.Header.Del("Connection")
	}
	for _, name := range []string{"Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Expect"} {
		out.Header.Del(name)
	}
	return out.WithContext(r.Context())
}

// request is r as the region gets it.
func (g *Gateway) request(r *http.Request, body *spool.Body) *http.Request {
	out := g.unsigned(r)
	out.ContentLength = body.Size()
	if body.Size() > 0 {
		out.Body = io.NopCloser(body.Reader())
	}
	if g.config.Key.Access != "" {
		if out.Header.Get("Content-Type") == "" {
			out.Header.Set("Content-Type", contentType(r.Method))
		}
		signature.Sign(out, body.Hash(), g.config.Key, g.config.Region, g.now())
	}
	return out
}

// contentType is what the scheme's first client said of requests without a body. One is always signed.
func contentType(method string) string {
	if method == http.MethodPost || method == http.MethodPut {
		return "text/plain"
	}
	return "application/json"
}

// copyNow passes on what comes as it comes: progress, logs and events are read by people.
func copyNow(w http.ResponseWriter, body io.Reader) error {
	flusher := http.NewResponseController(w)
	if err := flusher.Flush(); err != nil { // The head, for who waits for it alone.
		return err
	}
	buffer := make([]byte, 32<<10)
	for {
		n, err := body.Read(buffer)
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return err
			}
			if err := flusher.Flush(); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
