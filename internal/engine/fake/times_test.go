package fake_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/fake"
)

// A process goes on while nobody listens, and its times are those of the clocks that the test turns, each by itself.
func TestTimesOfAProcessThatOutlivesWhoStartedIt(t *testing.T) {
	a, err := account.New(strings.Repeat("a", 32), 1)
	if err != nil {
		t.Fatal(err)
	}
	at, boot := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), time.Hour
	e := fake.New()
	e.Now, e.Boot = func() time.Time { return at }, func() time.Duration { return boot }
	image := "sha256:" + strings.Repeat("b", 64)
	e.AddImage(a, engine.Image{ID: image})
	hyperd, die := context.WithCancel(t.Context())
	if _, err := e.TaskEvents(hyperd); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"unseen", "seen"} {
		if err := e.CreateContainer(t.Context(), a, id, image); err != nil {
			t.Fatal(err)
		}
		if _, err := e.StartContainer(t.Context(), a, engine.RunSpec{ID: id}, nil); err != nil {
			t.Fatal(err)
		}
	}
	die()
	boot += 2 * time.Hour
	at = at.Add(-time.Hour) // somebody sets the clock
	e.Exit(a, "unseen", 3)
	boot += time.Hour
	events, err := e.TaskEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := e.Tasks(t.Context(), a)
	if err != nil || len(tasks) != 2 {
		t.Fatal(tasks, err)
	}
	if s := tasks[0]; !s.Running || s.StartedBoot != time.Hour || s.EndedBoot != 0 {
		t.Errorf("what runs: %+v", s)
	}
	if u := tasks[1]; u.Running || u.ExitCode != 3 || u.StartedBoot != time.Hour || u.EndedBoot != 3*time.Hour || !u.ExitedAt.Equal(at) {
		t.Errorf("what ended: %+v", u)
	}
	e.Exit(a, "seen", 0)
	if ev := <-events; ev.ContainerID != "seen" || ev.Boot != 4*time.Hour || !ev.Time.Equal(at) {
		t.Errorf("event %+v", ev)
	}
}
