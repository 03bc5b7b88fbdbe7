package docker

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/events"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// eventLine adds the fields that events had until 1.51.
type eventLine struct {
	Status string `json:"status,omitempty"`
	ID     string `json:"id,omitempty"`
	From   string `json:"from,omitempty"`
	events.Message
}

// events tells what happens to the account's things, until the client goes or "until" has come.
func (api *API) events(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	filters, err := rest.Filters(r, "config", "container", "daemon", "event", "image", "label", "network", "node", "plugin",
		"scope", "secret", "service", "type", "volume", "fip")
	if err != nil {
		return err
	}
	since, err := rest.Time(r, "since")
	if err != nil {
		return err
	}
	until, err := rest.Time(r, "until")
	if err != nil {
		return err
	}
	if !until.IsZero() && until.Before(since) {
		return oops.Invalid("`since` time (%d) cannot be after `until` time (%d)", since.Unix(), until.Unix())
	}
	past, coming, cancel := api.Events.Subscribe(a, since)
	defer cancel()

	kind, prefix := eventFormat(ctx, r)
	out := rest.NewMessages(w, kind, prefix)
	out.Start()
	send := func(e event.Event) error {
		if !matchEvent(e, filters) {
			return nil
		}
		return out.Send(eventMessage(ctx, e))
	}
	for _, e := range past {
		if !until.IsZero() && e.Time.After(until) {
			return nil
		}
		if err := send(e); err != nil {
			return err
		}
	}
	var end <-chan time.Time
	if !until.IsZero() {
		t := time.NewTimer(time.Until(until))
		defer t.Stop()
		end = t.C
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-end:
			return nil
		case e, ok := <-coming:
			if !ok {
				return nil // the client was too slow: it sees the end, and may ask again with since
			}
			if err := send(e); err != nil {
				return err
			}
		}
	}
}

// eventFormat chooses how events are separated, by what the client accepts.
func eventFormat(ctx context.Context, r *http.Request) (contentType, prefix string) {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	for _, f := range []struct {
		kind, prefix string
		minor        int
	}{
		{"application/jsonl", "", 53}, {"application/x-ndjson", "", 52}, {"application/json-seq", "\x1e", 52},
	} {
		if strings.Contains(accept, f.kind) && !rest.Before(ctx, f.minor) {
			return f.kind, f.prefix
		}
	}
	return "application/json", ""
}

func eventMessage(ctx context.Context, e event.Event) eventLine {
	attributes := e.Attributes
	if attributes == nil {
		attributes = map[string]string{}
	}
	m := eventLine{Message: events.Message{
		Type: events.Type(e.Type), Action: events.Action(e.Action), Scope: "local",
		Actor: events.Actor{ID: e.ID, Attributes: attributes},
		Time:  e.Time.Unix(), TimeNano: e.Time.UnixNano(),
	}}
	if rest.Before(ctx, 52) && (e.Type == "container" || e.Type == "image") {
		m.Status, m.ID, m.From = e.Action, e.ID, e.Attributes["image"]
	}
	return m
}

// matchEvent reports whether an event passes every filter; the values of one are alternatives, but for labels.
func matchEvent(e event.Event, filters map[string][]string) bool {
	for key, values := range filters {
		if len(values) == 0 {
			continue
		}
		passes := slices.ContainsFunc[[]string]
		ok := false
		switch key {
		case "type":
			ok = slices.Contains(values, e.Type)
		case "scope":
			ok = slices.Contains(values, "local")
		case "event":
			action, _, _ := strings.Cut(e.Action, ":") // health_status: healthy
			ok = slices.Contains(values, e.Action) || slices.Contains(values, action)
		case "label":
			ok = !passes(values, func(v string) bool {
				k, want, valued := strings.Cut(v, "=")
				have, there := e.Attributes[k]
				return !there || valued && have != want
			})
		case "image":
			names := []string{e.Attributes["image"]}
			if e.Type == "image" {
				names = []string{e.ID, e.Attributes["name"]}
			}
			ok = passes(values, func(v string) bool { return slices.Contains(names, v) || slices.Contains(names, v+":latest") })
		default: // an actor of a type: container, volume, network, ...
			ok = e.Type == key && passes(values, func(v string) bool {
				return e.Attributes["name"] == strings.TrimPrefix(v, "/") || v != "" && strings.HasPrefix(e.ID, v)
			})
		}
		if !ok {
			return false
		}
	}
	return true
}
