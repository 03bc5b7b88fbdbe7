package gateway

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"

	"github.com/hypercloud/hyper/internal/signature"
	"github.com/hypercloud/hyper/internal/spool"
)

// ServeHTTP passes one request on and its answer back. What goes wrong on the way breaks the connection, which the
// libraries report as a server that cannot be reached; the region's own refusals are answers like any other.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(connKey{}).(*conn)
	body, err := spool.Read(r.Body, g.temporary, 0)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer body.Close()
	region, err := g.fresh(r.Context(), c)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	answer, err := region.RoundTrip(g.request(r, body))
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

// request is r as the region gets it.
func (g *Gateway) request(r *http.Request, body *spool.Body) *http.Request {
	out := &http.Request{
		Method:        r.Method,
		Host:          g.config.Address,
		Header:        r.Header.Clone(),
		ContentLength: body.Size(),
		Body:          http.NoBody,
		URL: &url.URL{
			Scheme: "https", Host: g.config.Address,
			Path:    g.config.BasePath + r.URL.Path,
			RawPath: (&url.URL{Path: g.config.BasePath}).EscapedPath() + r.URL.EscapedPath(), RawQuery: r.URL.RawQuery,
		},
	}
	if body.Size() > 0 {
		out.Body = io.NopCloser(body.Reader())
	}
	if r.Header.Get("Upgrade") == "" {
		out.Header.Del("Connection")
	}
	for _, name := range []string{"Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Expect"} {
		out.Header.Del(name)
	}
	if g.config.Key.Access != "" {
		if out.Header.Get("Content-Type") == "" {
			out.Header.Set("Content-Type", contentType(r.Method))
		}
		signature.Sign(out, body.Hash(), g.config.Key, g.config.Region, g.now())
	}
	return out.WithContext(r.Context())
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
