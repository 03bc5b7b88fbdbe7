package event

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/account"
)

// What is kept of the past, and for a listener that does not listen, is small, however long labels and commands are.
func TestEventsAreBounded(t *testing.T) {
	a, err := account.New("0123456789abcdef0123456789abcdef", 0)
	if err != nil {
		t.Fatal(err)
	}
	b := NewBus()
	_, coming, cancel := b.Subscribe(a, time.Time{})
	defer cancel()
	attributes := map[string]string{"name": "web", "image": "mysql", "long": strings.Repeat("x", 1<<20)}
	for i := range 50000 {
		attributes[fmt.Sprint("label", i)] = "x"
	}
	b.Publish(a, Event{Type: "container", Action: "exec_create: " + strings.Repeat("x", 1<<20), ID: "1", Attributes: attributes})
	if len(attributes) != 50003 {
		t.Errorf("the publisher's own attributes are %d now", len(attributes))
	}
	past, _, done := b.Subscribe(a, time.Unix(1, 0))
	defer done()
	for _, e := range []Event{<-coming, past[0]} {
		size := len(e.Action)
		for k, v := range e.Attributes {
			size += len(k) + len(v)
		}
		if size > maxAction+maxAttributes+10 || e.Attributes["name"] != "web" || e.Attributes["image"] != "mysql" || len(e.Attributes) < 100 || !strings.HasPrefix(e.Action, "exec_create: x") {
			t.Errorf("an event has %d bytes, %d attributes, the name %q", size, len(e.Attributes), e.Attributes["name"])
		}
	}
	small := Event{Action: "start", Attributes: map[string]string{"a": "b"}}
	b.Publish(a, small)
	if e := <-coming; e.Action != "start" || len(e.Attributes) != 1 {
		t.Errorf("%+v", e)
	}
}
