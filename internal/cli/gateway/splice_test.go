package gateway

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// upgrade takes the connection over, as hyperd's attach does.
func upgrade(t *testing.T, w http.ResponseWriter) (net.Conn, io.Reader) {
	c, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		panic(http.ErrAbortHandler)
	}
	io.WriteString(c, "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
	return c, buffered
}

type halfCloser interface{ CloseWrite() error }

// "echo text | hyper attach" ends its input and waits for the output.
func TestTheEndOfInputIsNotTheEndOfOutput(t *testing.T) {
	server := region(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "tcp" {
			t.Errorf("headers %v", r.Header)
		}
		c, in := upgrade(t, w)
		defer c.Close()
		io.WriteString(c, "ready ")
		all, err := io.ReadAll(in) // Until the client closes its direction.
		if err != nil {
			t.Error(err)
		}
		io.WriteString(c, "got "+string(all))
	})
	g, _ := through(t, server)
	c, out, answer := raw(t, g, "/containers/web/attach?stdin=1")
	if answer.StatusCode != http.StatusSwitchingProtocols || answer.Header.Get("Content-Type") != "application/vnd.docker.raw-stream" {
		t.Fatalf("answered %d %v", answer.StatusCode, answer.Header)
	}
	ready := make([]byte, 6)
	if _, err := io.ReadFull(out, ready); err != nil || string(ready) != "ready " {
		t.Fatalf("read %q, %v", ready, err)
	}
	io.WriteString(c, "input")
	c.(halfCloser).CloseWrite()
	if all, err := io.ReadAll(out); err != nil || string(all) != "got input" {
		t.Errorf("read %q, %v", all, err)
	}
}

// The other way round: the region ends the output and still takes input.
func TestTheEndOfOutputIsNotTheEndOfInput(t *testing.T) {
	read := make(chan string, 1)
	server := region(t, func(w http.ResponseWriter, r *http.Request) {
		c, in := upgrade(t, w)
		defer c.Close()
		io.WriteString(c, "bye")
		c.(halfCloser).CloseWrite()
		all, _ := io.ReadAll(in)
		read <- string(all)
	})
	g, _ := through(t, server)
	c, out, _ := raw(t, g, "/exec/1/start")
	if all, err := io.ReadAll(out); err != nil || string(all) != "bye" {
		t.Fatalf("read %q, %v", all, err)
	}
	io.WriteString(c, "late input")
	c.Close()
	select {
	case got := <-read:
		if got != "late input" {
			t.Errorf("the region read %q", got)
		}
	case <-time.After(10 * time.Second):
		t.Error("the region waits for input")
	}
}

// A client that goes away in the middle of output must not leave the region writing to nobody.
func TestAClosedLibraryEndsTheStream(t *testing.T) {
	ended := make(chan struct{})
	server := region(t, func(w http.ResponseWriter, r *http.Request) {
		c, _ := upgrade(t, w)
		defer c.Close()
		for {
			if _, err := c.Write(make([]byte, 64<<10)); err != nil {
				close(ended)
				return
			}
		}
	})
	g, _ := through(t, server)
	c, out, _ := raw(t, g, "/containers/web/attach")
	if _, err := io.ReadFull(out, make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	c.Close()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the region still writes")
	}
}

func TestARegionThatBreaksEndsTheStream(t *testing.T) {
	server := region(t, func(w http.ResponseWriter, r *http.Request) {
		c, _ := upgrade(t, w)
		io.WriteString(c, "half a fra")
		c.Close()
	})
	g, _ := through(t, server)
	_, out, _ := raw(t, g, "/containers/web/attach")
	if all, _ := io.ReadAll(out); string(all) != "half a fra" {
		t.Errorf("read %q", all)
	}
}

func TestARefusedUpgradeIsAnOrdinaryAnswer(t *testing.T) {
	server := region(t, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "No such container: web", http.StatusNotFound)
	})
	g, _ := through(t, server)
	_, _, answer := raw(t, g, "/containers/web/attach")
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusNotFound || string(text) != "No such container: web\n" {
		t.Errorf("answered %d %q", answer.StatusCode, text)
	}
}
