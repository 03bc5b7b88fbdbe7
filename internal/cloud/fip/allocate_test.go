package fip

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/quota"
)

func TestAllocate(t *testing.T) {
	t.Run("gives the lowest free addresses, of all accounts together", func(t *testing.T) {
		b := newBench(t, "198.18.0.0/29", func(c *Config) { c.Pool = mustPool(t, "198.18.0.0/29", "198.18.0.4") })
		if got := b.allocate(b.a, 1); !slices.Equal(got, []string{"198.18.0.2"}) {
			t.Errorf("first: %v", got)
		}
		if got := b.allocate(b.b, 2); !slices.Equal(got, []string{"198.18.0.3", "198.18.0.5"}) {
			t.Errorf("second: %v", got)
		}
		if err := b.fips.Release(t.Context(), b.a, "198.18.0.2"); err != nil {
			t.Fatal(err)
		}
		if got := b.allocate(b.b, 2); !slices.Equal(got, []string{"198.18.0.2", "198.18.0.6"}) {
			t.Errorf("after a release: %v", got)
		}
	})
	t.Run("gives all or none", func(t *testing.T) {
		b := newBench(t, "198.18.0.0/29")
		_, err := b.fips.Allocate(t.Context(), b.a, 6)
		if !errdefs.IsResourceExhausted(err) || !strings.Contains(err.Error(), "5 are free") {
			t.Errorf("error is %v", err)
		}
		if n := len(b.store.View(b.a).FloatingIPs()); n != 0 {
			t.Errorf("%d were given", n)
		}
	})
	t.Run("keeps to the quota", func(t *testing.T) {
		b := newBench(t, "198.18.0.0/24")
		b.limit(quota.FloatingIPs, 2)
		b.allocate(b.a, 2)
		_, err := b.fips.Allocate(t.Context(), b.a, 1)
		if !errdefs.IsResourceExhausted(err) || !strings.HasPrefix(err.Error(), "Exceeded quota") {
			t.Errorf("error is %v", err)
		}
		b.allocate(b.b, 2)
	})
	t.Run("refuses counts below 1", func(t *testing.T) {
		b := newBench(t, "198.18.0.0/29")
		for _, n := range []int{0, -1} {
			if _, err := b.fips.Allocate(t.Context(), b.a, n); !errdefs.IsInvalidArgument(err) {
				t.Errorf("%d: error is %v", n, err)
			}
		}
	})
	t.Run("never gives one twice", func(t *testing.T) {
		b := newBench(t, "198.18.0.0/24")
		var wg sync.WaitGroup
		var mu sync.Mutex
		seen := map[netip.Addr]bool{}
		for i := range 20 {
			a := []account.Ref{b.a, b.b}[i%2]
			wg.Go(func() {
				list, err := b.fips.Allocate(t.Context(), a, 3)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, addr := range list {
					if seen[addr] {
						t.Errorf("%s was given twice", addr)
					}
					seen[addr] = true
				}
			})
		}
		wg.Wait()
	})
}
