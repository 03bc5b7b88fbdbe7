package container

import (
	"context"
	"slices"
	"testing"

	"github.com/hypercloud/hyper/internal/engine/fake"
)

func TestMovingTellsWhoIsBeingWorkedWith(t *testing.T) {
	w := newWorld(t)
	still := w.started(t, CreateRequest{Image: "app"})
	c := w.create(t, CreateRequest{Image: "app"})
	if got := w.Moving(w.a); len(got) > 0 {
		t.Errorf("with nobody at work: %v", got)
	}
	during := func(method string, do func(ctx context.Context) error) {
		t.Helper()
		var moving []string
		w.engine.On(method, func(context.Context, fake.Call) error {
			moving = w.Moving(w.a)
			return nil
		})
		if err := do(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.engine.On(method, nil)
		if !slices.Equal(moving, []string{c.ID}) {
			t.Errorf("during %s: %v, want %s", method, moving, c.ID)
		}
		if got := w.Moving(w.a); len(got) > 0 {
			t.Errorf("after %s: %v", method, got)
		}
	}
	during("AttachEndpoints", func(ctx context.Context) error { return w.Start(ctx, w.a, c.ID) })
	exited := make(chan struct{})
	w.engine.On("DetachEndpoints", func(context.Context, fake.Call) error {
		defer close(exited)
		if got := w.Moving(w.a); !slices.Equal(got, []string{c.ID}) {
			t.Errorf("while an exit is handled: %v, want %s", got, c.ID)
		}
		return nil
	})
	w.engine.Exit(w.a, c.ID, 0)
	<-exited
	w.engine.On("DetachEndpoints", nil)
	during("RemoveContainer", func(ctx context.Context) error {
		_, err := w.Remove(ctx, w.a, c.ID, RemoveOptions{})
		return err
	})
	if _, err := w.Get(w.a, still.ID); err != nil {
		t.Error(err)
	}
}
