package volume

import (
	"errors"
	"testing"
	"time"
)

// What fails is told of once, until it is attached anew and fails again.
func TestTellFailed(t *testing.T) {
	b := newBench(t)
	v := b.create("data", nil)
	b.create("idle", nil)
	b.attach(v)
	if _, err := b.engine.AttachVolume(t.Context(), b.a, v.ID); err != nil {
		t.Fatal(err)
	}
	_, events, cancel := b.events.Subscribe(b.a, time.Time{})
	defer cancel()
	var told map[string]bool
	for i, step := range []struct {
		failed bool
		err    error
		events int
	}{{events: 0}, {failed: true, events: 1}, {failed: true}, {failed: true, err: errors.New("not today")}, {failed: true}, {}, {failed: true, events: 1}} {
		b.engine.SetVolumeFailed(b.a, v.ID, step.failed)
		b.engine.Fail("VolumeFailed", step.err)
		told = b.volumes.tellFailed(t.Context(), told)
		got := 0
		for ; len(events) > 0; got++ {
			if e := <-events; e.Type != "volume" || e.Action != "failed" || e.ID != "data" {
				t.Errorf("step %d: the event is %+v", i, e)
			}
		}
		if got != step.events {
			t.Errorf("step %d: %d events, want %d", i, got, step.events)
		}
	}
}
