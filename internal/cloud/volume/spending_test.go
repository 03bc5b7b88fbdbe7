package volume

import (
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/quota/quotatest"
)

// With a budget that is spent no volume is made, and none grows.
func TestNoVolumesWithoutMoney(t *testing.T) {
	purse := quotatest.New(quotatest.Plenty)
	b := newBench(t, func(c *Config) { c.Spending = purse })
	b.create("data", nil)
	purse.Set(0)
	if _, err := b.volumes.Create(t.Context(), b.a, CreateRequest{Name: "more"}); !errdefs.IsResourceExhausted(err) {
		t.Errorf("a volume: %v", err)
	}
	if _, err := b.volumes.Ensure(t.Context(), b.a, CreateRequest{Name: "more"}); !errdefs.IsResourceExhausted(err) {
		t.Errorf("a volume that is ensured: %v", err)
	}
	if err := b.volumes.Resize(t.Context(), b.a, "data", 20); !errdefs.IsResourceExhausted(err) {
		t.Errorf("growing: %v", err)
	}
	asked := purse.Asked()
	if v, err := b.volumes.Ensure(t.Context(), b.a, CreateRequest{Name: "data"}); err != nil || v.SizeGB != 10 {
		t.Errorf("one that is there: %+v, %v", v, err)
	}
	if err := b.volumes.Resize(t.Context(), b.a, "data", 10); err != nil {
		t.Errorf("the size that it has: %v", err)
	}
	if err := b.volumes.Resize(t.Context(), b.a, "none", 20); !errdefs.IsNotFound(err) {
		t.Errorf("no such volume: %v", err)
	}
	if err := b.volumes.Remove(t.Context(), b.a, "data", false); err != nil {
		t.Errorf("removing: %v", err)
	}
	if purse.Asked() != asked {
		t.Errorf("what costs nothing was asked for %d times", purse.Asked()-asked)
	}
}
