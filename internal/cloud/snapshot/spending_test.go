package snapshot

import (
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/quota/quotatest"
)

// With a budget that is spent no snapshot is taken, and no schedule removes the snapshots that there are to make room for one.
func TestNoSnapshotsWithoutMoney(t *testing.T) {
	b, turn := turned(t)
	purse := quotatest.New(quotatest.Plenty)
	b.snaps.Spending = purse
	b.schedule("hourly", time.Hour, 2)
	turn(time.Hour)
	turn(time.Hour)
	before := b.names()
	purse.Set(0)
	_, err := b.snaps.Create(t.Context(), b.a, CreateRequest{Volume: "data", Name: "mine"})
	if !errdefs.IsResourceExhausted(err) {
		t.Errorf("a snapshot: %v", err)
	}
	_, events, cancel := b.events.Subscribe(b.a, time.Time{})
	defer cancel()
	for range 3 {
		turn(time.Hour)
	}
	if b.names() != before {
		t.Errorf("snapshots are %s, and were %s", b.names(), before)
	}
	if e := <-events; e.Action != "snapshot_failed" || e.Attributes["error"] != "Exceeded budget" {
		t.Errorf("%+v", e)
	}
	if len(events) > 0 {
		t.Errorf("it is told again: %+v", <-events)
	}
	purse.Set(1) // a turn is one thing: what it begins it ends
	turn(time.Hour)
	if e := <-events; e.Action != "create" {
		t.Errorf("%+v", e)
	}
}
