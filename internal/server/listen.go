package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// SocketGroup is the group whose members may use hyperd's socket.
const SocketGroup = "hyper"

// Listen opens a listener for host: unix:///path/of/socket, or tcp://ADDRESS:PORT, on which TLS is spoken and nothing
// else. The socket has mode 0660 and the group hyper, if there is one. A socket file on which nobody answers any more is replaced;
// one that is in use is not.
func Listen(host string, secure *tls.Config) (net.Listener, error) {
	if address, ok := strings.CutPrefix(host, "tcp://"); ok {
		return listenTLS(host, address, secure)
	}
	path, ok := strings.CutPrefix(host, "unix://")
	if !ok {
		return nil, fmt.Errorf("cannot listen on %q: use unix:///path/of/socket or tcp://ADDRESS:PORT", host)
	}
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("cannot listen on %q: the socket's path must be absolute", host)
	}
	if err := clear(path); err != nil {
		return nil, fmt.Errorf("cannot listen on %q: %w", host, err)
	}
	// The socket gets its name when nobody else can connect to it any more.
	fresh := path + "~"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot listen on %q: %w", host, err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %q: %w", host, err)
	}
	l.SetUnlinkOnClose(false)
	gid, err := publish(fresh, path)
	if err != nil {
		l.Close()
		os.Remove(fresh)
		return nil, fmt.Errorf("cannot listen on %q: %w", host, err)
	}
	return &unixListener{UnixListener: l, path: path, inode: inode(path), group: gid}, nil
}

// listenTLS opens a listener that does the handshake of each connection in its own time.
func listenTLS(host, address string, secure *tls.Config) (net.Listener, error) {
	if secure == nil {
		return nil, fmt.Errorf("cannot listen on %q without a certificate", host)
	}
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		return nil, fmt.Errorf("cannot listen on %q: name an address and a port, such as tcp://0.0.0.0:6443", host)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %q: %w", host, err)
	}
	return tls.NewListener(newCrowd(l), secure), nil
}

// uploadListener is one on which nothing but uploads is answered.
type uploadListener struct{ net.Listener }

// ListenForUploads opens a listener for uploads, which is not encrypted: the original's client trusts no authority but those of its system. What can be done
// there is to send files to somebody who waits for them, with a secret that is good for once.
func ListenForUploads(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %q for uploads: %w", address, err)
	}
	return uploadListener{newCrowd(l)}, nil
}

// clear removes a socket file that is left over.
func clear(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return errors.New("something that is not a socket is there")
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
		return errors.New("another process listens there")
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}

// publish gives a socket its rights, its group and its name.
func publish(fresh, path string) (gid uint32, err error) {
	if err := os.Chmod(fresh, 0o660); err != nil {
		return 0, err
	}
	gid = uint32(os.Getegid())
	if g, err := user.LookupGroup(SocketGroup); err == nil {
		if n, err := strconv.ParseUint(g.Gid, 10, 32); err == nil {
			if err := os.Chown(fresh, -1, int(n)); err == nil {
				gid = uint32(n)
			}
		}
	}
	return gid, os.Rename(fresh, path)
}

func inode(path string) uint64 {
	info, err := os.Lstat(path)
	if err != nil {
		return 0
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ino
	}
	return 0
}

// unixListener takes its socket file away when it is closed, unless somebody has put another in its place.
type unixListener struct {
	*net.UnixListener
	path  string
	inode uint64
	group uint32
}

// peerConn is a connection whose socket file has a group.
type peerConn struct {
	*net.UnixConn
	group uint32
}

// SocketGroup implements auth.SocketConn.
func (c *peerConn) SocketGroup() uint32 { return c.group }

func (l *unixListener) Accept() (net.Conn, error) {
	c, err := l.AcceptUnix()
	if err != nil {
		return nil, err
	}
	return &peerConn{c, l.group}, nil
}

func (l *unixListener) Close() error {
	if l.inode != 0 && inode(l.path) == l.inode {
		_ = os.Remove(l.path)
	}
	return l.UnixListener.Close()
}
