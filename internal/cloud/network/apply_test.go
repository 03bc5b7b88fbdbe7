package network

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/store"
)

func TestApplyJoinsCallersAndShowsEachItsOwnChange(t *testing.T) {
	b := newBench(t)
	b.update(func(tx *store.Tx) error { return put(tx) })
	gate := make(chan struct{})
	b.engine.On("ApplyNetwork", func(context.Context, fake.Call) error { <-gate; return nil })
	var wg sync.WaitGroup
	const callers = 20
	for n := range callers {
		b.update(func(tx *store.Tx) error {
			addr, err := b.net.allocate(tx, Own(b.a))
			if err != nil {
				return err
			}
			return put(tx, store.Container{ID: id(n), Name: fmt.Sprint("c", n), Phase: store.Ready, Endpoints: []store.Endpoint{{Address: addr}}})
		})
		r := b.net.enqueue(t.Context(), b.a) // in this order, before the gate opens
		wg.Go(func() {
			<-r.done
			if r.err != nil {
				t.Error(r.err)
			}
		})
	}
	close(gate)
	wg.Wait()
	if got := len(b.engine.Network(b.a).Endpoints); got != callers {
		t.Errorf("the last state has %d endpoints, want %d", got, callers)
	}
	if calls := len(b.engine.Calls("ApplyNetwork")); calls > 2 {
		t.Errorf("%d callers took %d applications, want at most 2", callers, calls)
	}
}

func TestApply(t *testing.T) {
	t.Run("concerns one account", func(t *testing.T) {
		b := newBench(t)
		other, err := b.store.CreateAccount(t.Context(), "other")
		if err != nil {
			t.Fatal(err)
		}
		if err := b.net.Apply(t.Context(), b.a); err != nil {
			t.Fatal(err)
		}
		if b.engine.Network(b.a) == nil || b.engine.Network(other.Ref) != nil {
			t.Error("not exactly the caller's network was applied")
		}
	})
	t.Run("tells of the engine's failure and works again later", func(t *testing.T) {
		b := newBench(t)
		b.engine.FailOnce("ApplyNetwork", errdefs.ErrUnavailable)
		if err := b.net.Apply(t.Context(), b.a); !errdefs.IsUnavailable(err) {
			t.Errorf("error is %v", err)
		}
		if err := b.net.Apply(t.Context(), b.a); err != nil {
			t.Errorf("the second time: %v", err)
		}
	})
	t.Run("goes on when its caller leaves", func(t *testing.T) {
		b := newBench(t)
		begun, gate := make(chan struct{}), make(chan struct{})
		b.engine.On("ApplyNetwork", func(context.Context, fake.Call) error { close(begun); <-gate; return nil })
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-begun; cancel() }()
		if err := b.net.Apply(ctx, b.a); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
		b.engine.On("ApplyNetwork", nil)
		close(gate)
		if err := b.net.Apply(t.Context(), b.a); err != nil || b.engine.Network(b.a) == nil {
			t.Errorf("afterwards: %v", err)
		}
	})
	t.Run("needs an account", func(t *testing.T) {
		if err := newBench(t).net.Apply(t.Context(), account.Ref{}); !errors.Is(err, account.ErrNone) {
			t.Errorf("error is %v", err)
		}
	})
}
