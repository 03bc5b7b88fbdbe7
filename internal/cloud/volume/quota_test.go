package volume

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/quota"
)

// A hundred requests at once make exactly as many volumes as the account may have; a removal makes room at once.
func TestQuotaHoldsForManyAtOnce(t *testing.T) {
	b := newBench(t)
	b.limit(quota.Volumes, 7)
	var made atomic.Int32
	var wg sync.WaitGroup
	for n := range 100 {
		wg.Go(func() {
			_, err := b.volumes.Create(t.Context(), b.a, CreateRequest{Name: fmt.Sprintf("v%d", n+10)})
			if err == nil {
				made.Add(1)
			} else if !errdefs.IsResourceExhausted(err) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	list := b.store.View(b.a).Volumes()
	if made.Load() != 7 || len(list) != 7 {
		t.Fatalf("%d were made, %d are there", made.Load(), len(list))
	}
	if err := b.volumes.Remove(t.Context(), b.a, list[0].Name, false); err != nil {
		t.Fatal(err)
	}
	b.create("again", nil)
	if _, err := b.volumes.Create(t.Context(), b.b, CreateRequest{}); err != nil {
		t.Errorf("another account: %v", err)
	}
}
