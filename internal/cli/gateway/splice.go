package gateway

import (
	"fmt"
	"io"
	"net"
	"net/http"
)

// stream is what an answer's body is after an upgrade.
type stream interface {
	io.ReadWriteCloser
	CloseWrite() error
}

// splice answers an upgrade and carries bytes both ways until each side has closed its own. An end that breaks, breaks
// the other.
func splice(w http.ResponseWriter, answer *http.Response) {
	region, ok := answer.Body.(stream)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	hijacked, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	library := hijacked.(*conn)
	defer library.Close()
	defer region.Close()
	if err := writeHead(library, answer); err != nil {
		return
	}
	up := make(chan error, 1)
	go func() { up <- carry(region, buffered.Reader, region.CloseWrite) }()
	if err := carry(library, region, library.CloseWrite); err != nil {
		library.Close() // Which ends the other direction, should it still wait for input.
	}
	if err := <-up; err != nil {
		return
	}
}

// carry copies one direction and then closes it.
func carry(to io.Writer, from io.Reader, closeWrite func() error) error {
	if _, err := io.Copy(to, from); err != nil {
		return err
	}
	return closeWrite()
}

// writeHead writes the answer's head in one piece, before anything of the stream.
func writeHead(c net.Conn, answer *http.Response) error {
	head := fmt.Appendf(nil, "HTTP/1.1 %d %s\r\n", answer.StatusCode, http.StatusText(answer.StatusCode))
	for name, values := range answer.Header {
		for _, v := range values {
			head = fmt.Appendf(head, "%s: %s\r\n", name, v)
		}
	}
	_, err := c.Write(append(head, '\r', '\n'))
	return err
}
