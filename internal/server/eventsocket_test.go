package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/hypercloud/hyper/internal/cloud/event"
)

// socket opens the event socket of a bench.
func (b *bench) socketTo(query string, header http.Header) (*websocket.Conn, *http.Response, error) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", b.socket)
	}}}
	conn, resp, err := websocket.Dial(ctx, "ws://hyper/events/ws"+query, &websocket.DialOptions{HTTPClient: client, HTTPHeader: header})
	if err == nil {
		b.Cleanup(func() { conn.CloseNow() })
	}
	return conn, resp, err
}

// heard waits until the socket listens: it gets an event that is sent again and again.
func (b *bench) heard(conn *websocket.Conn, e event.Event) string {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			b.events.Publish(theAccount, e)
			time.Sleep(20 * time.Millisecond)
		}
	}()
	_, text, err := conn.Read(ctx)
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

func TestEventSocket(t *testing.T) {
	b := newBench(t)
	conn, _, err := b.socketTo("", nil)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1767323045, 5)
	got := b.heard(conn, event.Event{Type: "container", Action: "start", ID: webID, Time: at, Attributes: map[string]string{"name": "web", "image": "busybox", "k": "v"}})
	same(t, "start", got, `{"Type":"container","Action":"start","status":"start","id":"`+webID+`","from":"busybox","Actor":{"ID":"`+webID+
		`","Attributes":{"exitCode":"0","image":"busybox","k":"v","name":"web"}},"time":1767323045,"timeNano":1767323045000000005}`)
	var stopped struct {
		Action, Status string
		Actor          struct{ Attributes map[string]string }
	}
	for stopped.Action != "stop" {
		text := b.heard(conn, event.Event{Type: "container", Action: "die", ID: webID, Attributes: map[string]string{"exitCode": "3"}})
		if err := json.Unmarshal([]byte(text), &stopped); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "stop", fmt.Sprint(stopped.Status, stopped.Actor.Attributes), "stopmap[exitCode:3]")
}

func TestEventSocketFilters(t *testing.T) {
	start := func(name string, more map[string]string) event.Event {
		attributes := map[string]string{"name": name, "image": "busybox:latest"}
		for k, v := range more {
			attributes[k] = v
		}
		return event.Event{Type: "container", Action: "start", ID: webID, Attributes: attributes}
	}
	for name, tc := range map[string]struct {
		filters string
		e       event.Event
		passes  bool
	}{
		"none":                {"", start("web", nil), true},
		"event":               {`{"event":{"start":true}}`, start("web", nil), true},
		"another event":       {`{"event":{"stop":true}}`, start("web", nil), false},
		"container":           {`{"container":{"web":true}}`, start("web", nil), true},
		"container by id":     {`{"container":{"` + webID[:12] + `":true}}`, start("web", nil), true},
		"another container":   {`{"container":{"db":true}}`, start("web", nil), false},
		"image":               {`{"image":{"busybox":true}}`, start("web", nil), true},
		"labels":              {`{"label":{"a":true,"b=2":true}}`, start("web", map[string]string{"a": "1", "b": "2"}), true},
		"one label of two":    {`{"label":{"a":true,"b=2":true}}`, start("web", map[string]string{"a": "1"}), false},
		"not a container":     {"", event.Event{Type: "fip", Action: "start"}, false},
		"what is neither":     {"", event.Event{Type: "container", Action: "stop"}, false},
		"the list of Docker":  {`{"event":["start"]}`, start("web", nil), true},
		"one of several ends": {`{"event":{"start":true,"stop":true}}`, start("web", nil), true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			query := ""
			if tc.filters != "" {
				query = "?filters=" + tc.filters
			}
			conn, _, err := b.socketTo(strings.ReplaceAll(query, `"`, "%22"), nil)
			if err != nil {
				t.Fatal(err)
			}
			// What passes no filter is followed by something that passes them all.
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			go func() {
				for ctx.Err() == nil {
					b.events.Publish(theAccount, tc.e)
					for _, action := range []string{"start", "die"} {
						b.events.Publish(theAccount, event.Event{Type: "container", Action: action, ID: webID,
							Attributes: map[string]string{"last": "", "name": "web", "image": "busybox", "a": "", "b": "2"}})
						b.events.Publish(theAccount, event.Event{Type: "container", Action: action, ID: dbID, Attributes: map[string]string{"last": "", "name": "db"}})
					}
					time.Sleep(20 * time.Millisecond)
				}
			}()
			seen := false
			for range 5 {
				_, text, err := conn.Read(ctx)
				if err != nil {
					t.Fatal(err)
				}
				seen = seen || !strings.Contains(string(text), `"last"`)
			}
			if seen != tc.passes {
				t.Errorf("passes: %v", seen)
			}
		})
	}
}

func TestEventSocketRefuses(t *testing.T) {
	b := newBench(t)
	for query, want := range map[string]int{"?filters=x": 400, "?filters={%22event%22:{%22die%22:true}}": 400, "?filters={%22type%22:{%22x%22:true}}": 400} {
		_, resp, err := b.socketTo(query, nil)
		if err == nil || resp == nil || resp.StatusCode != want {
			t.Errorf("%s: %v", query, err)
		}
	}
	if status, body := b.get("/events/ws"); status != 400 || !strings.Contains(body, "websocket") {
		t.Errorf("without an upgrade: %d %s", status, body)
	}
	if _, resp, err := b.socketTo("", http.Header{"Origin": {"https://evil.example"}}); err == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("from another page: %v", err)
	}
	for range 16 {
		if _, _, err := b.socketTo("", nil); err != nil {
			t.Fatal(err)
		}
	}
	_, resp, err := b.socketTo("", nil)
	if err == nil || resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the 17th: %v", err)
	}
}

// The filters may come as they are, braces and quotes and all.
func TestEventSocketTakesRawFilters(t *testing.T) {
	b := newBench(t)
	conn := b.dial()
	fmt.Fprintf(conn, "GET /events/ws?filters={\"event\":{\"start\":true}} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: JkIejQbBZyg9NTJkNnK+zw==\r\n\r\n")
	head := make([]byte, 12)
	if _, err := io.ReadFull(conn, head); err != nil || string(head) != "HTTP/1.1 101" {
		t.Errorf("%q %v", head, err)
	}
}

func TestEventSocketEndsWithTheServer(t *testing.T) {
	b := newBench(t)
	conn, _, err := b.socketTo("", nil)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, _, err := conn.Read(context.Background())
		ended <- err
	}()
	b.stop()
	select {
	case err := <-ended:
		if websocket.CloseStatus(err) != websocket.StatusGoingAway {
			t.Errorf("it ends with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it does not end")
	}
}

// A socket hears of its own account only.
func TestEventSocketIsOfOneAccount(t *testing.T) {
	tn := newTown(t)
	srv := httptest.NewServer(tn.server.Handler())
	defer srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	conns := map[string]*websocket.Conn{}
	for who := range tn.accounts {
		conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(srv.URL, "http")+"/events/ws", &websocket.DialOptions{
			HTTPHeader: http.Header{"Authorization": {"Bearer " + who}},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		conns[who] = conn
	}
	go func() {
		for ctx.Err() == nil {
			tn.ask("ann", "POST", "/v1.44/containers/"+annsContainer+"/restart?t=1", "")
		}
	}()
	if _, text, err := conns["ann"].Read(ctx); err != nil || !strings.Contains(string(text), tn.container) {
		t.Errorf("Ann hears %s, %v", text, err)
	}
	short, end := context.WithTimeout(ctx, 300*time.Millisecond)
	defer end()
	if _, text, err := conns["bob"].Read(short); err == nil {
		t.Errorf("Bob hears %s", text)
	}
	cancel()
}
