package fip

import (
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/quota/quotatest"
)

// With a budget that is spent no address is allocated, and those that there are can be moved and given back.
func TestNoAddressesWithoutMoney(t *testing.T) {
	purse := quotatest.New(quotatest.Plenty)
	b := newBench(t, "198.18.0.0/24", func(c *Config) { c.Spending = purse })
	given, err := b.fips.Allocate(t.Context(), b.a, 1)
	if err != nil {
		t.Fatal(err)
	}
	purse.Set(0)
	if _, err := b.fips.Allocate(t.Context(), b.a, 1); !errdefs.IsResourceExhausted(err) {
		t.Errorf("an address: %v", err)
	}
	ip := given[0].String()
	if err := b.fips.Attach(t.Context(), b.a, ip, "web"); err != nil {
		t.Errorf("attaching: %v", err)
	}
	if _, err := b.fips.Detach(t.Context(), b.a, "web"); err != nil {
		t.Errorf("detaching: %v", err)
	}
	if err := b.fips.Release(t.Context(), b.a, ip); err != nil {
		t.Errorf("releasing: %v", err)
	}
}
