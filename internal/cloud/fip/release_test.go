package fip

import (
	"net/netip"
	"testing"

	"github.com/containerd/errdefs"
)

func TestRelease(t *testing.T) {
	b := newBench(t, "198.18.0.0/24")
	b.allocate(b.a, 2)
	if err := b.fips.Attach(t.Context(), b.a, "198.18.0.2", "web"); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		fip string
		is  func(error) bool
	}{
		"attached":   {"198.18.0.2", errdefs.IsConflict},
		"not held":   {"198.18.0.77", errdefs.IsNotFound},
		"no address": {"198.18.0", errdefs.IsInvalidArgument},
		"empty":      {"", errdefs.IsInvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			if err := b.fips.Release(t.Context(), b.a, tc.fip); !tc.is(err) {
				t.Errorf("error is %v", err)
			}
		})
	}
	if err := b.fips.Release(t.Context(), b.b, "198.18.0.3"); !errdefs.IsNotFound(err) {
		t.Errorf("another account's: %v", err)
	}
	if err := b.fips.Release(t.Context(), b.a, "198.18.0.3"); err != nil {
		t.Errorf("a free one: %v", err)
	}
	if _, held := b.store.FloatingIPOwner(netip.MustParseAddr("198.18.0.3")); held {
		t.Error("it is still held")
	}
}
