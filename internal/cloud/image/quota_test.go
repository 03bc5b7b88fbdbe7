package image

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

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
