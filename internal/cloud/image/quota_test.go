package image

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine/fake"
)

// Many pulls at once leave exactly as many images as the account may have, and nothing of the others in the engine.
func TestQuotaHoldsForManyAtOnce(t *testing.T) {
	b := newBench(t)
	b.limit(quota.Images, 4)
	for n := range 40 {
		b.engine.Serve(fmt.Sprintf("docker.io/library/many%d:latest", n), fake.MakeImage(fmt.Sprintf("many%d", n), day, "debian"))
	}
	var pulled atomic.Int32
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() {
			err := b.images.Pull(t.Context(), b.a, PullRequest{Ref: fmt.Sprintf("many%d", n)}, func(Message) {})
			if err == nil {
				pulled.Add(1)
			} else if !errdefs.IsResourceExhausted(err) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(b.store.View(b.a).Images()); pulled.Load() != 4 || n != 4 || len(b.engine.Left(b.a)) != 4 {
		t.Errorf("%d were pulled, %d are there, the engine has %v", pulled.Load(), n, b.engine.Left(b.a))
	}
}

// An account fetches a few images at a time, and none of those that its quota has no room for by then.
func TestPullsTakeTurns(t *testing.T) {
	b := newBench(t, func(c *Config) { c.AtOnce = 2 })
	b.limit(quota.Images, 3)
	var now, most atomic.Int32
	b.engine.On("Pull", func(context.Context, fake.Call) error {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer now.Add(-1)
		time.Sleep(time.Millisecond)
		return nil
	})
	for n := range 30 {
		b.engine.Serve(fmt.Sprintf("docker.io/library/many%d:latest", n), fake.MakeImage(fmt.Sprintf("many%d", n), day, "debian"))
	}
	var wg sync.WaitGroup
	for n := range 30 {
		wg.Go(func() {
			_ = b.images.Pull(t.Context(), b.a, PullRequest{Ref: fmt.Sprintf("many%d", n)}, func(Message) {})
		})
	}
	wg.Wait()
	if most.Load() > 2 {
		t.Errorf("%d pulls at a time, want at most 2", most.Load())
	}
	// One more than the quota may be on its way when the last place is taken.
	if n := len(b.engine.Calls("Pull")); n > 4 {
		t.Errorf("%d images were fetched for a quota of 3", n)
	}
}
