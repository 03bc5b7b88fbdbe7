//go:build !windows

package gateway

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// pair is two connected ends of a stream.
func pair() (a, b duplex, err error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, fmt.Errorf("make a pair of sockets: %w", err)
	}
	if a, err = unixConn(fds[0]); err != nil {
		syscall.Close(fds[1])
		return nil, nil, err
	}
	if b, err = unixConn(fds[1]); err != nil {
		a.Close()
		return nil, nil, err
	}
	return a, b, nil
}

// unixConn takes fd over.
func unixConn(fd int) (duplex, error) {
	f := os.NewFile(uintptr(fd), "gateway")
	defer f.Close() // FileConn has a duplicate.
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("use a pair of sockets: %w", err)
	}
	return c.(*net.UnixConn), nil
}
