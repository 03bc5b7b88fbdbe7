package snapshot

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/store"
)

// turned is a bench with a clock that a test turns.
func turned(t *testing.T) (b *bench, turn func(d time.Duration)) {
	b = newBench(t)
	at := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
	b.snaps.Now = func() time.Time { return at }
	return b, func(d time.Duration) {
		at = at.Add(d)
		var turns sync.WaitGroup
		b.snaps.startDue(t.Context(), &turns)
		turns.Wait()
	}
}

func (b *bench) schedule(name string, every time.Duration, keep int) {
	b.Helper()
	if err := b.snaps.AddSchedule(b.Context(), b.a, "data", store.Schedule{Name: name, Every: every, Keep: keep}); err != nil {
		b.Fatal(err)
	}
}

func TestSchedule(t *testing.T) {
	b, turn := turned(t)
	b.use(store.StatusRunning) // it goes on under a container
	b.schedule("hourly", time.Hour, 3)
	b.schedule("daily", 24*time.Hour, 2)
	b.take("mine")
	turn(59 * time.Minute)
	if b.names() != "mine" {
		t.Fatalf("too early: %s", b.names())
	}
	turn(time.Minute)
	if b.names() != "hourly-data-20260328-130000 mine" {
		t.Fatalf("after an hour: %s", b.names())
	}
	for range 10 {
		turn(10 * time.Second) // not again
	}
	for range 47 {
		turn(time.Hour)
	}
	have := strings.Fields(b.names())
	hourly := slices.DeleteFunc(slices.Clone(have), func(n string) bool { return !strings.HasPrefix(n, "hourly-") })
	daily := slices.DeleteFunc(slices.Clone(have), func(n string) bool { return !strings.HasPrefix(n, "daily-") })
	if len(hourly) != 3 || len(daily) != 2 || !slices.Contains(have, "mine") || hourly[0] != "hourly-data-20260330-120140" {
		t.Errorf("after two days: %s", b.names())
	}
	// What was missed while hyperd was away is one.
	turn(100 * time.Hour)
	turn(10 * time.Second)
	if list := b.snaps.Schedules(b.a); len(list) != 2 || list[0].Name != "daily" || list[1].Have != 3 || !list[1].Next.Equal(b.snaps.now().Add(time.Hour-10*time.Second)) {
		t.Errorf("schedules are %+v", list)
	}
	// A clock that was put back does not stop it.
	before := b.names()
	turn(-1000 * time.Hour)
	if b.names() == before {
		t.Error("nothing is taken until the clock comes to where it was")
	}
	if err := b.snaps.RemoveSchedule(t.Context(), b.a, "data", "hourly"); err != nil {
		t.Fatal(err)
	}
	n := len(strings.Fields(b.names()))
	turn(1000*time.Hour + 2*time.Hour)
	if got := len(strings.Fields(b.names())); got > n {
		t.Errorf("%d snapshots, there were %d when it ended", got, n)
	}
	if err := b.snaps.RemoveSchedule(t.Context(), b.a, "data", "hourly"); !errdefs.IsNotFound(err) {
		t.Errorf("ending it again: %v", err)
	}
}

// At the limit of the account's snapshots the oldest of the schedule makes room.
func TestScheduleAtTheQuota(t *testing.T) {
	b, turn := turned(t)
	if err := b.store.Update(t.Context(), b.a, quota.Limits{quota.Snapshots: 2}.Put); err != nil {
		t.Fatal(err)
	}
	b.schedule("hourly", time.Hour, 2)
	for range 5 {
		turn(time.Hour)
	}
	if b.names() != "hourly-data-20260328-170000 hourly-data-20260328-160000" {
		t.Errorf("there are %s", b.names())
	}
	// What is not the schedule's is left alone, and it is told once that nothing can be taken.
	if err := b.store.Update(t.Context(), b.a, quota.Limits{quota.Snapshots: 3}.Put); err != nil {
		t.Fatal(err)
	}
	b.take("mine")
	b.schedule("other", time.Hour, 2)
	_, events, cancel := b.events.Subscribe(b.a, time.Time{})
	defer cancel()
	for range 3 {
		turn(time.Hour)
	}
	told := 0
	for len(events) > 0 {
		if e := <-events; e.Action == "snapshot_failed" && e.Attributes["schedule"] == "other" {
			told++
		}
	}
	if told != 1 || !strings.Contains(b.names(), "mine") {
		t.Errorf("told %d times; there are %s", told, b.names())
	}
}

func TestScheduleThatFails(t *testing.T) {
	b, turn := turned(t)
	b.schedule("hourly", time.Hour, 2)
	b.engine.FailOnce("SnapshotVolume", errors.New("not today"))
	turn(time.Hour)
	turn(10 * time.Second)
	if b.names() != "hourly-data-20260328-130010" {
		t.Errorf("after a failure it is not tried again soon: %s", b.names())
	}
}

// A snapshot that takes long keeps neither other accounts waiting nor its own from the next turn.
func TestScheduleOfASlowDisk(t *testing.T) {
	b, _ := turned(t)
	begun, goOn := make(chan struct{}), make(chan struct{})
	b.engine.On("SnapshotVolume", func(context.Context, fake.Call) error { close(begun); <-goOn; return nil })
	b.schedule("hourly", time.Hour, 2)
	at := b.snaps.now().Add(time.Hour)
	b.snaps.Now = func() time.Time { return at }
	var turns sync.WaitGroup
	b.snaps.startDue(t.Context(), &turns)
	<-begun
	b.snaps.startDue(t.Context(), &turns) // would close the channel again
	close(goOn)
	turns.Wait()
	if b.names() != "hourly-data-20260328-130000" {
		t.Errorf("there are %s", b.names())
	}
}

func TestScheduleRefuses(t *testing.T) {
	b, _ := turned(t)
	b.schedule("taken", time.Hour, 2)
	for name, tc := range map[string]struct {
		volume string
		plan   store.Schedule
		class  func(error) bool
	}{
		"no volume":      {"nothing", store.Schedule{Name: "xx", Every: time.Hour, Keep: 1}, errdefs.IsNotFound},
		"no name":        {"data", store.Schedule{Every: time.Hour, Keep: 1}, errdefs.IsInvalidArgument},
		"a long name":    {"data", store.Schedule{Name: strings.Repeat("x", 65), Every: time.Hour, Keep: 1}, errdefs.IsInvalidArgument},
		"an odd name":    {"data", store.Schedule{Name: "a b", Every: time.Hour, Keep: 1}, errdefs.IsInvalidArgument},
		"a taken one":    {"data", store.Schedule{Name: "taken", Every: time.Hour, Keep: 1}, errdefs.IsConflict},
		"too often":      {"data", store.Schedule{Name: "xx", Every: time.Second, Keep: 1}, errdefs.IsInvalidArgument},
		"hardly ever":    {"data", store.Schedule{Name: "xx", Every: 9000 * time.Hour, Keep: 1}, errdefs.IsInvalidArgument},
		"keeping none":   {"data", store.Schedule{Name: "xx", Every: time.Hour}, errdefs.IsInvalidArgument},
		"keeping all":    {"data", store.Schedule{Name: "xx", Every: time.Hour, Keep: 1001}, errdefs.IsInvalidArgument},
		"every negative": {"data", store.Schedule{Name: "xx", Every: -time.Hour, Keep: 1}, errdefs.IsInvalidArgument},
	} {
		if err := b.snaps.AddSchedule(t.Context(), b.a, tc.volume, tc.plan); !tc.class(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(b.snaps.Schedules(b.a)); n != 1 {
		t.Errorf("there are %d schedules", n)
	}
}
