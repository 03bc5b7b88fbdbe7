package fip

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/store"
)

// wired has addresses of the pool answered for by other hosts.
func wired(t *testing.T, pool string, held ...string) *bench {
	t.Helper()
	b := newBench(t, pool)
	b.fips.Wire = b.engine
	for _, addr := range held {
		b.engine.Hold(netip.MustParseAddr(addr), "the printer")
	}
	return b
}

func TestAddressesOfOthersAreNotGiven(t *testing.T) {
	b := wired(t, "198.18.0.0/28", "198.18.0.2", "198.18.0.4", "198.18.0.5")
	if got := b.allocate(b.a, 3); !slices.Equal(got, []string{"198.18.0.3", "198.18.0.6", "198.18.0.7"}) {
		t.Errorf("given are %v", got)
	}
	says := b.fips.HeldElsewhere()
	if len(says) != 3 || !strings.HasPrefix(says[1], "the floating IP 198.18.0.4 is not given, since the printer had it at ") {
		t.Errorf("the operator is told %q", says)
	}
	asked := b.engine.Asked()
	if got := b.allocate(b.b, 1); !slices.Equal(got, []string{"198.18.0.8"}) {
		t.Errorf("then %v", got)
	}
	if n := b.engine.Asked(); n != asked {
		t.Errorf("%d addresses that were asked for a moment ago are asked for again", n-asked)
	}
	t.Run("until they are let go of", func(t *testing.T) {
		b.engine.Hold(netip.MustParseAddr("198.18.0.4"), "")
		b.fips.vetting.held = map[netip.Addr]finding{netip.MustParseAddr("198.18.0.4"): {who: "the printer"}} // long ago
		if got := b.allocate(b.b, 2); got[0] != "198.18.0.4" {
			t.Errorf("given are %v", got)
		}
		if says := b.fips.HeldElsewhere(); slices.ContainsFunc(says, func(s string) bool { return strings.Contains(s, "198.18.0.4") }) {
			t.Errorf("the operator is told %q", says)
		}
	})
}

func TestAPoolThatOthersHave(t *testing.T) {
	b := wired(t, "198.18.0.0/29", "198.18.0.2", "198.18.0.3", "198.18.0.4", "198.18.0.5")
	_, err := b.fips.Allocate(t.Context(), b.a, 2)
	if !errdefs.IsResourceExhausted(err) || !strings.Contains(err.Error(), "1 are free") {
		t.Errorf("error is %v", err)
	}
	if n := len(b.store.View(b.a).FloatingIPs()); n != 0 {
		t.Errorf("%d were given", n)
	}
	b.allocate(b.a, 1)
}

func TestReserveAvoidsAddressesOfOthers(t *testing.T) {
	b := wired(t, "198.18.0.0/28", "198.18.0.2")
	var r store.FIPRequest
	err := b.fips.Vetted(t.Context(), func() (err error) { r, err = b.reserve(Any, ""); return err })
	if err != nil || r.Awaits.String() != "198.18.0.3" || !r.Fresh {
		t.Errorf("reserved is %+v, %v", r, err)
	}
}

func TestManyAllocateOnTheWire(t *testing.T) {
	b := wired(t, "198.18.0.0/24", "198.18.0.2", "198.18.0.9")
	var mu sync.Mutex
	seen := map[netip.Addr]bool{}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			got, err := b.fips.Allocate(t.Context(), b.a, 2)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, addr := range got {
				if seen[addr] || addr.String() == "198.18.0.2" || addr.String() == "198.18.0.9" {
					t.Errorf("%s was given twice, or is another host's", addr)
				}
				seen[addr] = true
			}
		})
	}
	wg.Wait()
}

// deaf is a wire that cannot be asked.
type deaf struct{}

var errDeaf = errors.New("no socket")

func (deaf) HeldElsewhere(context.Context, []netip.Addr) (map[netip.Addr]string, error) {
	return nil, errDeaf
}

func TestNothingIsGivenUnasked(t *testing.T) {
	b := newBench(t, "198.18.0.0/24", func(c *Config) { c.Wire = deaf{} })
	if _, err := b.fips.Allocate(t.Context(), b.a, 1); !errors.Is(err, errDeaf) {
		t.Errorf("error is %v", err)
	}
	if n := len(b.store.View(b.a).FloatingIPs()); n != 0 {
		t.Errorf("%d were given", n)
	}
}
