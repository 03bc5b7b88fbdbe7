package container

import (
	"testing"

	"github.com/containerd/errdefs"
)

// A stop may name another signal than the container's own, for once.
func TestStopBySignal(t *testing.T) {
	w := newWorld(t)
	w.started(t, CreateRequest{Name: "one", Image: "app"})
	if err := w.Stop(t.Context(), w.a, "one", StopOptions{Signal: "BOGUS"}); !errdefs.IsInvalidArgument(err) {
		t.Errorf("a signal that there is not: %v", err)
	}
	if err := w.Stop(t.Context(), w.a, "one", StopOptions{Signal: "SIGUSR1"}); err != nil {
		t.Fatal(err)
	}
	if calls := w.engine.Calls("Signal"); len(calls) == 0 || calls[0].Arg != 10 {
		t.Errorf("it was sent %+v", calls)
	}
	if err := w.Restart(t.Context(), w.a, "one", StopOptions{Signal: "BOGUS"}); !errdefs.IsInvalidArgument(err) {
		t.Errorf("a restart by a signal that there is not: %v", err)
	}
}
