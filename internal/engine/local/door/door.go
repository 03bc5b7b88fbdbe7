// Package door is the one way out for a process that has no network: it asks whoever started it to connect it with an address.
//
// The two hold a socket pair. A message on it is a host and a port, and brings one end of a further socket pair; on that comes a line, "+" or "-" and why
// not, and then it is the connection. So whether an address may be asked is decided, after the lookup, where the process cannot meddle, and it needs
// neither a resolver nor a device.
package door

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxAddress is the longest name of an address, in bytes.
	maxAddress = 512
	// maxOpen is how many connections a process may have at a time.
	maxOpen = 8
	// idle is how long a connection may bring nothing in either direction.
	idle = 2 * time.Minute
)

// Dialer connects to an address.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// Pair makes both ends: the first is for Serve, the other one for the process.
func Pair() (here, there *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making a socket pair: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "door"), os.NewFile(uintptr(fds[1]), "door"), nil
}

// Serve connects whom the process at the other end asks for, until it is gone or ctx is done. No connection outlasts it.
func Serve(ctx context.Context, here *os.File, dial Dialer) error {
	conn, err := net.FileConn(here)
	if err != nil {
		return err
	}
	defer conn.Close()
	sock, ok := conn.(*net.UnixConn)
	if !ok {
		return errors.New("this is no end of a door")
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	var open sync.WaitGroup
	defer open.Wait()
	defer cancel()
	places := make(chan struct{}, maxOpen)
	for {
		address, end, err := receive(sock)
		if err != nil {
			if errors.Is(err, io.EOF) || ctx.Err() != nil {
				return nil
			}
			return err
		}
		select {
		case places <- struct{}{}:
		default:
			_, _ = io.WriteString(end, "-too many connections\n")
			_ = end.Close()
			continue
		}
		open.Go(func() {
			defer func() { <-places }()
			connect(ctx, end, address, dial)
		})
	}
}

// receive reads one message. A process that says what it cannot is not listened to any longer.
func receive(sock *net.UnixConn) (address string, end net.Conn, err error) {
	text, rights := make([]byte, maxAddress), make([]byte, unix.CmsgSpace(4))
	n, oobn, flags, _, err := sock.ReadMsgUnix(text, rights)
	if err != nil {
		return "", nil, err
	}
	if n == 0 && oobn == 0 {
		return "", nil, io.EOF
	}
	fds, err := descriptors(rights[:oobn])
	if err != nil || len(fds) != 1 || flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		for _, fd := range fds {
			_ = unix.Close(fd)
		}
		return "", nil, errors.New("what was asked for cannot be understood")
	}
	f := os.NewFile(uintptr(fds[0]), "connection")
	defer f.Close()
	end, err = net.FileConn(f)
	return string(text[:n]), end, err
}

func descriptors(rights []byte) (out []int, err error) {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil, err
	}
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return out, err
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
		}
		out = append(out, fds...)
	}
	return out, nil
}

func connect(ctx context.Context, end net.Conn, address string, dial Dialer) {
	defer end.Close()
	far, err := dial(ctx, "tcp", address)
	if err != nil {
		_, _ = fmt.Fprintf(end, "-%s\n", strings.ReplaceAll(err.Error(), "\n", " "))
		return
	}
	defer far.Close()
	stop := context.AfterFunc(ctx, func() { _, _ = end.Close(), far.Close() })
	defer stop()
	if _, err := io.WriteString(end, "+\n"); err != nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { pass(far, end) })
	both.Go(func() { pass(end, far) })
	both.Wait()
}

// pass copies one direction, and ends it at the other side.
func pass(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		_ = from.SetReadDeadline(time.Now().Add(idle))
		n, err := from.Read(buf)
		if n > 0 {
			_ = to.SetWriteDeadline(time.Now().Add(idle))
			if _, err := to.Write(buf[:n]); err != nil {
				_ = from.Close()
				return
			}
		}
		if err != nil {
			if half, ok := to.(interface{ CloseWrite() error }); ok && errors.Is(err, io.EOF) {
				_ = half.CloseWrite()
			} else {
				_ = to.Close()
			}
			return
		}
	}
}

// Way is the process' end.
type Way struct {
	mu   sync.Mutex
	sock int
}

// NewWay is the way out that a process was given as a descriptor.
func NewWay(fd int) *Way { return &Way{sock: fd} }

// Dial connects with an address. The name is looked up by who gives the connection.
func (w *Way) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	if len(address) > maxAddress {
		return nil, fmt.Errorf("%.64s... is not an address", address)
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	err = unix.Sendmsg(w.sock, []byte(address), unix.UnixRights(fds[1]), nil, 0)
	w.mu.Unlock()
	_ = unix.Close(fds[1])
	f := os.NewFile(uintptr(fds[0]), address)
	defer f.Close()
	if err != nil {
		return nil, err
	}
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	line, err := readLine(conn)
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case err == nil && line != "+":
		err = errors.New(strings.TrimPrefix(line, "-"))
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// readLine reads a line, and nothing of what follows.
func readLine(r io.Reader) (string, error) {
	var line []byte
	for one := make([]byte, 1); len(line) < 4096; {
		if _, err := io.ReadFull(r, one); err != nil {
			return "", err
		}
		if one[0] == '\n' {
			return string(line), nil
		}
		line = append(line, one[0])
	}
	return "", errors.New("the answer is too long")
}
