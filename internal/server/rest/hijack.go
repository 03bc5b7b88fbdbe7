package rest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// lingerFor is how long a connection waits for its client to close first. A connection that is closed hard makes
// the original's client think that its output broke (api 5.1).
const lingerFor = 10 * time.Second

// hangupEvery is how often a connection is looked at for a client that is gone.
const hangupEvery = 2 * time.Second

// Conn is a connection that was taken over from HTTP for streams in both directions.
type Conn struct {
	conn   net.Conn
	in     io.Reader // what the client sent ahead, then conn
	cancel context.CancelFunc

	mu     sync.Mutex // held by a Read under way
	closed chan struct{}
	once   sync.Once
}

// Hijack reads the request's body to its end and takes over the connection, answering 101 when the client asks for
// an upgrade and 200 otherwise. The head goes out in a write of its own. The returned context ends when the client is
// gone for good; an end of its input alone is not that. Finish must be called.
func Hijack(ctx context.Context, w http.ResponseWriter, r *http.Request, contentType string) (context.Context, *Conn, error) {
	// An empty body is often a chunk of zero bytes, which must not be taken for input.
	if _, err := ReadBody(w, r); err != nil {
		return nil, nil, err
	}
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	head := "HTTP/1.1 200 OK\r\nContent-Type: " + contentType + "\r\n\r\n"
	if r.Header.Get("Upgrade") != "" {
		head = "HTTP/1.1 101 UPGRADED\r\nContent-Type: " + contentType + "\r\nConnection: Upgrade\r\nUpgrade: " + protocol(r) + "\r\n\r\n"
	}
	if _, err := io.WriteString(conn, head); err != nil {
		conn.Close()
		return nil, nil, err
	}
	// net/http's own reader must not be read any more: at the end of the client's input it would end the request's context,
	// and with it the output.
	ahead, err := buf.Peek(buf.Reader.Buffered())
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	c := &Conn{conn: conn, in: io.MultiReader(bytes.NewReader(bytes.Clone(ahead)), conn), closed: make(chan struct{})}
	life, ok := ctx.Value(lifeKey{}).(context.Context)
	if ok {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, c.cancel = context.WithCancel(ctx)
	if ok {
		stop, cancel := context.AfterFunc(life, c.cancel), c.cancel
		c.cancel = func() { stop(); cancel() }
	}
	go c.watch(ctx)
	return ctx, c, nil
}

// protocol is what the client upgrades to: streams, or HTTP/2 for BuildKit's.
func protocol(r *http.Request) string {
	if strings.EqualFold(r.Header.Get("Upgrade"), "h2c") {
		return "h2c"
	}
	return "tcp"
}

type lifeKey struct{}

// WithLife notes how long a connection may go on that is taken over. The request's own context would be too short: when a client has ended its input
// before its connection is taken over, net/http takes it for gone.
func WithLife(ctx, life context.Context) context.Context {
	return context.WithValue(ctx, lifeKey{}, life)
}

// watch ends the context when the client has closed both directions, which an idle stream would not notice.
func (c *Conn) watch(ctx context.Context) {
	t := time.NewTicker(hangupEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if hungUp(c.conn) {
				c.cancel()
				return
			}
		}
	}
}

// hungUp reports whether the peer of a connection has closed it in both directions, or broken it.
func hungUp(conn net.Conn) bool {
	for {
		below, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		conn = below.NetConn()
	}
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return true
	}
	gone := false
	err = raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd)}}
		n, _ := unix.Poll(fds, 0)
		gone = n > 0 && fds[0].Revents&(unix.POLLHUP|unix.POLLERR|unix.POLLNVAL) != 0
	})
	return gone || err != nil
}

// Read reads the client's input. After Finish has begun it fails, and not by io.EOF: the input has not ended.
func (c *Conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
	}
	n, err := c.in.Read(p)
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		err = net.ErrClosed
	}
	return n, err
}

// ReadSoon is Read for input that must keep coming: it fails when there is none for so long.
func (c *Conn) ReadSoon(p []byte, d time.Duration) (int, error) {
	c.mu.Lock()
	select {
	case <-c.closed:
	default: // Finish wakes a Read by a deadline of its own, and takes the lock afterwards
		_ = c.conn.SetReadDeadline(time.Now().Add(d))
	}
	c.mu.Unlock()
	return c.Read(p)
}

func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.conn.Write(p)
	if err != nil {
		c.cancel()
	}
	return n, err
}

// Finish ends the answer: it closes the way to the client, waits a while for the client to close, and lets go.
func (c *Conn) Finish() {
	c.once.Do(func() {
		c.cancel()
		close(c.closed)
		_ = c.conn.SetReadDeadline(time.Unix(1, 0)) // wakes a Read under way
		c.mu.Lock()
		defer c.mu.Unlock()
		if cw, ok := c.conn.(interface{ CloseWrite() error }); ok && cw.CloseWrite() == nil {
			_ = c.conn.SetReadDeadline(time.Now().Add(lingerFor))
			_, _ = io.Copy(io.Discard, c.conn)
		}
		_ = c.conn.Close()
	})
}
