package door

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// open serves a door until the test ends.
func open(t *testing.T, dial Dialer) *Way {
	t.Helper()
	here, there, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- Serve(t.Context(), here, dial) }()
	t.Cleanup(func() {
		_ = there.Close()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
		_ = here.Close()
	})
	fd, err := unix.Dup(int(there.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return NewWay(fd)
}

// echo answers each connection with its own words, after the address that was asked for.
func echo(_ context.Context, network, address string) (net.Conn, error) {
	if strings.HasPrefix(address, "bad") {
		return nil, errors.New("it is not\nasked from here")
	}
	near, far := net.Pipe()
	go func() {
		_, _ = io.WriteString(far, network+" "+address+"\n")
		_, _ = io.Copy(far, far)
		_ = far.Close()
	}()
	return near, nil
}

func TestConnections(t *testing.T) {
	w := open(t, echo)
	for range 3 { // one after another, and each anew
		conn, err := w.Dial(t.Context(), "tcp", "host.example:80")
		if err != nil {
			t.Fatal(err)
		}
		if line, err := readLine(conn); err != nil || line != "tcp host.example:80" {
			t.Errorf("it says %q, %v", line, err)
		}
		if _, err := io.WriteString(conn, "hello\n"); err != nil {
			t.Fatal(err)
		}
		if line, err := readLine(conn); err != nil || line != "hello" {
			t.Errorf("it says %q, %v", line, err)
		}
		_ = conn.Close()
	}
	if _, err := w.Dial(t.Context(), "tcp", "bad:80"); err == nil || err.Error() != "it is not asked from here" {
		t.Errorf("error is %v", err)
	}
	if _, err := w.Dial(t.Context(), "tcp", strings.Repeat("x", 600)); err == nil {
		t.Error("an address without an end is asked for")
	}
}

func TestTooManyConnections(t *testing.T) {
	w := open(t, echo)
	for range maxOpen {
		conn, err := w.Dial(t.Context(), "tcp", "h:1")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if _, err := w.Dial(t.Context(), "tcp", "h:1"); err == nil || err.Error() != "too many connections" {
		t.Errorf("error is %v", err)
	}
}

// Who says nonsense is not listened to any more, and what it sent is closed.
func TestNonsense(t *testing.T) {
	for what, say := range map[string]func(fd int) error{
		"no descriptor":   func(fd int) error { return unix.Sendmsg(fd, []byte("h:1"), nil, nil, 0) },
		"a long address":  func(fd int) error { return unix.Sendmsg(fd, make([]byte, 2000), unix.UnixRights(1), nil, 0) },
		"two descriptors": func(fd int) error { return unix.Sendmsg(fd, []byte("h:1"), unix.UnixRights(1, 2, 1, 2), nil, 0) },
	} {
		here, there, err := Pair()
		if err != nil {
			t.Fatal(err)
		}
		if err := say(int(there.Fd())); err != nil {
			t.Fatal(err)
		}
		if err := Serve(t.Context(), here, echo); err == nil {
			t.Errorf("%s: it is served", what)
		}
		_, _ = here.Close(), there.Close()
	}
}

// The end of who serves is the end of all connections.
func TestEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	here, there, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	defer there.Close()
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, here, echo) }()
	conn, err := NewWay(int(there.Fd())).Dial(t.Context(), "tcp", "h:1")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the connection does not end well: %v", err)
	}
}
