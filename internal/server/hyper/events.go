package hyper

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// Bounds of an event socket (api 16).
const (
	maxSockets   = 16 // of an account
	socketLife   = 24 * time.Hour
	pingEvery    = 30 * time.Second
	readerLimit  = 10 * time.Second // for a client to take a message, or to answer a ping
	maxReadFrame = 4096             // the client has nothing to say
)

// sockets counts the event sockets of accounts.
type sockets struct {
	mu    sync.Mutex
	count map[account.Ref]int
}

func (s *sockets) enter(a account.Ref) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count[a] >= maxSockets {
		return false
	}
	if s.count == nil {
		s.count = map[account.Ref]int{}
	}
	s.count[a]++
	return true
}

func (s *sockets) leave(a account.Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count[a]--; s.count[a] <= 0 {
		delete(s.count, a)
	}
}

// socketEvent is one message. The times are integers: the original's client fails on anything else.
type socketEvent struct {
	Type     string
	Action   string
	Status   string `json:"status"`
	ID       string `json:"id"`
	From     string `json:"from"`
	Actor    socketActor
	Time     int64 `json:"time"`
	TimeNano int64 `json:"timeNano"`
}

type socketActor struct {
	ID         string
	Attributes map[string]string
}

// eventSocket tells over a websocket which of the account's containers start and stop.
func (api *API) eventSocket(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	filters, err := socketFilters(r)
	if err != nil {
		return err
	}
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		return oops.Invalid("events come over a websocket here: ask for an upgrade, or use GET /events")
	}
	if !api.sockets.enter(a) {
		return rest.WithStatus(http.StatusTooManyRequests, oops.Exhausted("your account has %d event sockets open: close one first", maxSockets))
	}
	defer api.sockets.leave(a)
	// A page in a browser cannot sign a request or know a token, but a browser would show a certificate by itself.
	signed := r.Header.Get("Authorization") != ""
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: signed})
	if err != nil {
		return nil //nolint:nilerr // Accept has answered
	}
	defer conn.CloseNow() //nolint:errcheck // it is closed already, or its client is gone
	conn.SetReadLimit(maxReadFrame)
	_, events, cancel := api.Events.Subscribe(a, time.Time{})
	defer cancel()
	code, why := pass(ctx, conn, events, filters)
	_ = conn.Close(code, why)
	return nil
}

// pass sends events until the client goes, is too slow, or its time is over; it returns what the socket is closed with.
func pass(ctx context.Context, conn *websocket.Conn, events <-chan event.Event, filters map[string][]string) (websocket.StatusCode, string) {
	gone := conn.CloseRead(context.WithoutCancel(ctx)).Done() // answers pings, and notices a close
	life := time.NewTimer(socketLife)
	defer life.Stop()
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case <-ctx.Done():
			return websocket.StatusGoingAway, "hyperd is stopping"
		case <-gone:
			return websocket.StatusNormalClosure, ""
		case <-life.C:
			return websocket.StatusNormalClosure, "a day is over: open another"
		case <-ping.C:
			if within(ctx, conn.Ping) != nil {
				return websocket.StatusPolicyViolation, "no answer to a ping"
			}
		case e, ok := <-events:
			if !ok {
				return websocket.StatusPolicyViolation, "events come faster than they are read"
			}
			m, ok := socketMessage(e, filters)
			if !ok {
				continue
			}
			text, err := json.Marshal(m)
			if err != nil {
				return websocket.StatusInternalError, "an event could not be told"
			}
			err = within(ctx, func(ctx context.Context) error { return conn.Write(ctx, websocket.MessageText, text) })
			if err != nil {
				return websocket.StatusPolicyViolation, "events come faster than they are read"
			}
		}
	}
}

func within(ctx context.Context, fn func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readerLimit)
	defer cancel()
	return fn(ctx)
}

// socketFilters reads the filters: container, image, event (start or stop) and label.
func socketFilters(r *http.Request) (map[string][]string, error) {
	filters, err := rest.Filters(r, "container", "image", "event", "label")
	if err != nil {
		return nil, err
	}
	for _, v := range filters["event"] {
		if v != "start" && v != "stop" {
			return nil, oops.Invalid("invalid filter 'event=%s': use start or stop", v)
		}
	}
	return filters, nil
}

// socketMessage turns an event into what clients of the socket know: a container starts, or it stops, whoever ended it.
func socketMessage(e event.Event, filters map[string][]string) (socketEvent, bool) {
	action := map[string]string{"start": "start", "die": "stop"}[e.Action]
	if e.Type != "container" || action == "" || !socketMatches(e, action, filters) {
		return socketEvent{}, false
	}
	attributes := maps.Clone(e.Attributes)
	if attributes == nil {
		attributes = map[string]string{}
	}
	if _, ended := attributes["exitCode"]; !ended {
		attributes["exitCode"] = "0"
	}
	return socketEvent{
		Type: e.Type, Action: action, Status: action, ID: e.ID, From: e.Attributes["image"],
		Actor: socketActor{e.ID, attributes}, Time: e.Time.Unix(), TimeNano: e.Time.UnixNano(),
	}, true
}

func socketMatches(e event.Event, action string, filters map[string][]string) bool {
	one := map[string]func(value string) bool{
		"event": func(v string) bool { return v == action },
		"container": func(v string) bool {
			return e.Attributes["name"] == strings.TrimPrefix(v, "/") || v != "" && strings.HasPrefix(e.ID, v)
		},
		"image": func(v string) bool { return e.Attributes["image"] == v || e.Attributes["image"] == v+":latest" },
		"label": func(v string) bool {
			k, want, valued := strings.Cut(v, "=")
			have, there := e.Attributes[k]
			return there && (!valued || have == want)
		},
	}
	for key, values := range filters {
		if len(values) == 0 {
			continue
		}
		hits := 0
		for _, v := range values {
			if one[key](v) {
				hits++
			}
		}
		// The values of one filter are alternatives, but for labels, which must all be there.
		if hits == 0 || key == "label" && hits < len(values) {
			return false
		}
	}
	return true
}
