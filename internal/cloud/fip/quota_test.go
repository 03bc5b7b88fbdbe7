package fip

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/quota"
)

// A hundred requests at once get exactly as many addresses as the account may have.
func TestQuotaHoldsForManyAtOnce(t *testing.T) {
	b := newBench(t, "198.18.0.0/24")
	b.limit(quota.FloatingIPs, 5)
	var given atomic.Int32
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			got, err := b.fips.Allocate(t.Context(), b.a, 1)
			given.Add(int32(len(got)))
			if err != nil && !errdefs.IsResourceExhausted(err) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(b.store.View(b.a).FloatingIPs()); given.Load() != 5 || n != 5 {
		t.Errorf("%d were given, %d are there", given.Load(), n)
	}
	b.limit(quota.FloatingIPs, quota.None)
	if _, err := b.fips.Allocate(t.Context(), b.a, 1); !errdefs.IsResourceExhausted(err) {
		t.Errorf("error is %v", err)
	}
}
