package registry

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/http/httpproxy"
)

var (
	errStalled    = errors.New("nothing came")
	errPlain      = errors.New("redirected from https to http")
	errOwnAddress = errors.New("an address of this machine's own")
	errNotAsked   = errors.New("an address that is not asked from here: only public ones are, and those that the operator allows")
)

// transport makes connections within bounds, and none to the machine itself that was not asked for.
func transport(ep Endpoint, t Timeouts) *http.Transport {
	trusted := proxies()
	if ep.Mirror || ep.Permit == nil && IsLoopback(ep.URL.Host) {
		trusted[address(ep.URL)] = true
	}
	free := &net.Dialer{Timeout: t.Answer, KeepAlive: 30 * time.Second}
	guarded := &net.Dialer{Timeout: t.Answer, KeepAlive: 30 * time.Second, Control: refuseOwn}
	if ep.Permit != nil {
		guarded.Control = func(_, address string, _ syscall.RawConn) error { return permitted(ep.Permit, address) }
	}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if trusted[addr] {
				return free.DialContext(ctx, network, addr)
			}
			return guarded.DialContext(ctx, network, addr)
		},
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    t.Answer,
		ResponseHeaderTimeout:  t.Answer,
		MaxResponseHeaderBytes: 256 << 10,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        10 * time.Second,
		DisableCompression:     true,
	}
}

// IsLoopback reports whether a host (with or without a port) is this machine by its name.
func IsLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.IsLoopback()
}

// refuseOwn looks at the address that a name has turned out to be.
func refuseOwn(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	a := ap.Addr().Unmap().WithZone("")
	if a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified() || a.IsMulticast() {
		return errOwnAddress
	}
	return nil
}

// permitted looks at the address that a name has turned out to be.
func permitted(permit func(netip.Addr) bool, address string) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if !permit(ap.Addr().Unmap().WithZone("")) {
		return errNotAsked
	}
	return nil
}

// proxies are the addresses of the operator's HTTP proxies.
func proxies() map[string]bool {
	out := map[string]bool{}
	env := httpproxy.FromEnvironment()
	for _, p := range []string{env.HTTPProxy, env.HTTPSProxy} {
		if !strings.Contains(p, "://") {
			p = "http://" + p
		}
		if u, err := url.Parse(p); err == nil && u.Host != "" {
			out[address(u)] = true
		}
	}
	return out
}

// address is what is dialled for a URL.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("more than 10 redirects")
	}
	if req.URL.Scheme != "https" && via[len(via)-1].URL.Scheme == "https" {
		return errPlain
	}
	return nil
}

type unboundedKey struct{}

// unbounded marks a request whose body may have any size.
func unbounded(ctx context.Context) context.Context {
	return context.WithValue(ctx, unboundedKey{}, true)
}

// bounded is a transport whose bodies end: after a size, unless the request is marked, and when nothing comes. It is below the
// logins too, whose answers are read by others.
type bounded struct {
	next *http.Transport
	idle time.Duration
}

func (b *bounded) CloseIdleConnections() { b.next.CloseIdleConnections() }

func (b *bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	resp, err := b.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel(nil)
		return nil, err
	}
	w := &watched{body: resp.Body, ctx: ctx, cancel: cancel, idle: b.idle, left: -1}
	if req.Context().Value(unboundedKey{}) == nil {
		w.left = 2 * MaxManifest
	}
	w.timer = time.AfterFunc(b.idle, func() { cancel(errStalled) })
	resp.Body = w
	return resp, nil
}

// pace is how many bytes must come in every idle time: a registry that sends one byte a minute is not alive.
const pace = 1 << 10

// watched is a body under watch.
type watched struct {
	body   io.ReadCloser
	ctx    context.Context //nolint:containedctx // a body belongs to its request
	cancel context.CancelCauseFunc
	timer  *time.Timer
	idle   time.Duration
	since  int   // bytes since the timer was set
	left   int64 // bytes that may come; below zero: any number
}

func (w *watched) Read(p []byte) (int, error) {
	if w.left == 0 {
		return 0, invalid("a registry sent more than it was asked for")
	}
	if w.left > 0 && int64(len(p)) > w.left {
		p = p[:w.left]
	}
	n, err := w.body.Read(p)
	if w.left > 0 {
		w.left -= int64(n)
	}
	if w.since += n; w.since >= pace {
		w.since = 0
		w.timer.Reset(w.idle)
	}
	if err != nil {
		w.timer.Stop()
		if errors.Is(context.Cause(w.ctx), errStalled) {
			err = errStalled
		}
	}
	return n, err
}

func (w *watched) Close() error {
	w.timer.Stop()
	err := w.body.Close()
	w.cancel(nil)
	return err
}
