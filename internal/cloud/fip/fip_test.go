package fip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/store"
)

// bench is two accounts, each with a running container "web" and "db", and an exited one, "old".
type bench struct {
	*testing.T
	store  *store.Store
	engine *fake.Engine
	events *event.Bus
	fips   *Service
	a, b   account.Ref
}

func newBench(t *testing.T, pool string, change ...func(*Config)) *bench {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	e := fake.New()
	b := &bench{T: t, store: st, engine: e, events: event.NewBus()}
	for i, ref := range []*account.Ref{&b.a, &b.b} {
		acc, err := st.CreateAccount(t.Context(), fmt.Sprint("account", i))
		if err != nil {
			t.Fatal(err)
		}
		*ref = acc.Ref
		b.populate(acc.Ref)
	}
	c := Config{Store: st, Network: network.New(network.Config{Store: st, Engine: e}), Events: b.events}
	for _, p := range strings.Fields(pool) {
		c.Pool = append(c.Pool, netip.MustParsePrefix(p))
	}
	for _, f := range change {
		f(&c)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	b.fips = New(c)
	return b
}

func (b *bench) populate(a account.Ref) {
	b.Helper()
	err := b.store.Update(b.Context(), a, func(tx *store.Tx) error {
		img := fake.MakeImage("web", time.Unix(0, 0))
		if err := tx.PutImage(store.Image{Image: img}); err != nil {
			return err
		}
		addr := netip.MustParseAddr("172.16.0.10")
		for _, name := range []string{"web", "db", "old"} {
			c := store.Container{ID: id(name), Name: name, ImageID: img.ID, Address: addr, Phase: store.Ready}
			c.State.Status = store.StatusRunning
			if name == "old" {
				c.State.Status = store.StatusExited
			}
			if err := tx.PutContainer(c); err != nil {
				return err
			}
			addr = addr.Next()
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

func id(name string) string { return strings.TrimPrefix(fake.Digest(name), "sha256:") }

func (b *bench) allocate(a account.Ref, n int) []string {
	b.Helper()
	list, err := b.fips.Allocate(b.Context(), a, n)
	if err != nil {
		b.Fatal(err)
	}
	return text(list)
}

func text(list []netip.Addr) (out []string) {
	for _, addr := range list {
		out = append(out, addr.String())
	}
	return out
}

// holder is the container that the store says has the address.
func (b *bench) holder(a account.Ref, fip string) string {
	b.Helper()
	f, ok := b.store.View(a).FloatingIP(netip.MustParseAddr(fip))
	if !ok {
		b.Fatalf("%s is not held", fip)
	}
	return f.Container
}

// applied is the floating IP of a container in the network as it was applied last.
func (b *bench) applied(a account.Ref, name string) string {
	if state := b.engine.Network(a); state != nil {
		for _, e := range state.Endpoints {
			if e.ContainerID == id(name) && e.FloatingIP.IsValid() {
				return e.FloatingIP.String()
			}
		}
	}
	return ""
}

func TestAllocate(t *testing.T) {
	t.Run("gives the lowest free addresses, of all accounts together", func(t *testing.T) {
		b := newBench(t, "198.18.0.0/29", func(c *Config) { c.Exclude = []netip.Addr{netip.MustParseAddr("198.18.0.4")} })
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
		b := newBench(t, "198.18.0.0/24", func(c *Config) { c.Quota = func(account.Ref) int { return 2 } })
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

func TestPool(t *testing.T) {
	for name, tc := range map[string]struct {
		pool string
		want string
	}{
		"network, router and broadcast addresses are left out": {"198.18.0.0/29", "198.18.0.2 198.18.0.3 198.18.0.4 198.18.0.5 198.18.0.6"},
		"a /30 has one":                     {"10.0.0.4/30", "10.0.0.6"},
		"a /31 has two":                     {"10.0.0.4/31", "10.0.0.4 10.0.0.5"},
		"a /32 is itself":                   {"10.0.0.1/32", "10.0.0.1"},
		"the lowest prefix first":           {"10.9.0.0/30 10.0.0.255/32", "10.0.0.255 10.9.0.2"},
		"the end of all addresses":          {"255.255.255.254/31", "255.255.255.254 255.255.255.255"},
		"no prefix at all gives no address": {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var prefixes []netip.Prefix
			for _, p := range strings.Fields(tc.pool) {
				prefixes = append(prefixes, netip.MustParsePrefix(p))
			}
			got := strings.Join(text(slices.Collect(newPool(prefixes, nil).all())), " ")
			if got != tc.want {
				t.Errorf("pool has %s, want %s", got, tc.want)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for name, tc := range map[string]struct {
		pool string
		ok   bool
	}{
		"prefixes":  {"198.18.0.0/24 198.18.1.0/24", true},
		"IPv6":      {"2001:db8::/64", false},
		"host bits": {"198.18.0.1/24", false},
		"overlap":   {"198.18.0.0/24 198.18.0.128/25", false},
	} {
		t.Run(name, func(t *testing.T) {
			var c Config
			for _, p := range strings.Fields(tc.pool) {
				c.Pool = append(c.Pool, netip.MustParsePrefix(p))
			}
			if err := c.Validate(); (err == nil) != tc.ok {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestAttachAndDetach(t *testing.T) {
	b := newBench(t, "198.18.0.0/24")
	b.allocate(b.a, 2)
	_, events, cancel := b.events.Subscribe(b.a, time.Time{})
	defer cancel()
	if err := b.fips.Name(t.Context(), b.a, "198.18.0.2", "shop"); err != nil {
		t.Fatal(err)
	}
	if err := b.fips.Attach(t.Context(), b.a, "shop", "web"); err != nil {
		t.Fatal(err)
	}
	if e := <-events; e.Type != "fip" || e.Action != "attach" || e.ID != "198.18.0.2" || e.Attributes["container"] != id("web") {
		t.Errorf("event is %+v", e)
	}
	if got := b.applied(b.a, "web"); got != "198.18.0.2" {
		t.Errorf("the network has %q", got)
	}

	for name, tc := range map[string]struct {
		fip, container string
		is             func(error) bool
		says           string
	}{
		"an address in use":                 {"198.18.0.2", "db", errdefs.IsConflict, "in use by container web"},
		"a container that has one":          {"198.18.0.3", "web", errdefs.IsConflict, "has the floating IP 198.18.0.2 already"},
		"a container that does not run":     {"198.18.0.3", "old", errdefs.IsConflict, "not running"},
		"an unknown container":              {"198.18.0.3", "none", errdefs.IsNotFound, "No such container: none"},
		"an unknown address":                {"198.18.0.9", "db", errdefs.IsNotFound, "No such floating IP: 198.18.0.9"},
		"an unknown name":                   {"none", "db", errdefs.IsNotFound, "No such floating IP: none"},
		"what is neither":                   {"198.18.0.300", "db", errdefs.IsInvalidArgument, "neither"},
		"an address that looks like IPv6":   {"::1", "db", errdefs.IsNotFound, "No such"},
		"an address with a stray character": {"198.18.0.2 ", "db", errdefs.IsInvalidArgument, "neither"},
	} {
		t.Run(name, func(t *testing.T) {
			err := b.fips.Attach(t.Context(), b.a, tc.fip, tc.container)
			if !tc.is(err) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error is %v", err)
			}
		})
	}
	t.Run("another account's address", func(t *testing.T) {
		if err := b.fips.Attach(t.Context(), b.b, "198.18.0.3", "db"); !errdefs.IsNotFound(err) {
			t.Errorf("error is %v", err)
		}
	})

	got, err := b.fips.Detach(t.Context(), b.a, "web")
	if err != nil || got.String() != "198.18.0.2" {
		t.Errorf("Detach gives %s, %v", got, err)
	}
	if e := <-events; e.Action != "detach" || e.ID != "198.18.0.2" {
		t.Errorf("event is %+v", e)
	}
	if b.applied(b.a, "web") != "" {
		t.Error("the network still has the address")
	}
	if _, err := b.fips.Detach(t.Context(), b.a, "web"); !errdefs.IsConflict(err) {
		t.Errorf("detaching nothing gives %v", err)
	}
	if err := b.fips.Attach(t.Context(), b.a, "198.18.0.2", "db"); err != nil {
		t.Errorf("moving: %v", err)
	}
}

func TestNetworkFailurePutsTheRowBack(t *testing.T) {
	broken := errors.New("no netlink")
	b := newBench(t, "198.18.0.0/24")
	b.allocate(b.a, 1)
	b.engine.FailOnce("ApplyNetwork", broken)
	if err := b.fips.Attach(t.Context(), b.a, "198.18.0.2", "web"); !errors.Is(err, broken) {
		t.Errorf("attach gives %v", err)
	}
	if b.holder(b.a, "198.18.0.2") != "" || b.applied(b.a, "web") != "" {
		t.Error("the address is attached")
	}
	if err := b.fips.Attach(t.Context(), b.a, "198.18.0.2", "web"); err != nil {
		t.Fatal(err)
	}
	b.engine.FailOnce("ApplyNetwork", broken)
	if _, err := b.fips.Detach(t.Context(), b.a, "web"); !errors.Is(err, broken) {
		t.Errorf("detach gives %v", err)
	}
	if b.holder(b.a, "198.18.0.2") != id("web") || b.applied(b.a, "web") != "198.18.0.2" {
		t.Error("the address is not attached")
	}
}

func TestAttachSurvivesItsClient(t *testing.T) {
	b := newBench(t, "198.18.0.0/24")
	b.allocate(b.a, 1)
	ctx, cancel := context.WithCancel(t.Context())
	b.engine.On("ApplyNetwork", func(context.Context, fake.Call) error { cancel(); return nil })
	if err := b.fips.Attach(ctx, b.a, "198.18.0.2", "web"); err != nil || b.applied(b.a, "web") == "" {
		t.Errorf("attach gives %v", err)
	}
}

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

func TestName(t *testing.T) {
	b := newBench(t, "198.18.0.0/24")
	b.allocate(b.a, 2)
	b.allocate(b.b, 1)
	if err := b.fips.Name(t.Context(), b.a, "198.18.0.2", "shop"); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		a         account.Ref
		fip, name string
		is        func(error) bool
	}{
		"taken":                       {b.a, "198.18.0.3", "shop", errdefs.IsConflict},
		"its own":                     {b.a, "shop", "shop", isNil},
		"in another account":          {b.b, "198.18.0.4", "shop", isNil},
		"like an address":             {b.a, "198.18.0.3", "10.0.0.1", errdefs.IsInvalidArgument},
		"like a broken address":       {b.a, "198.18.0.3", "10.0.0.999", errdefs.IsInvalidArgument},
		"like an IPv6 address":        {b.a, "198.18.0.3", "fe80::1", errdefs.IsInvalidArgument},
		"with a slash":                {b.a, "198.18.0.3", "a/b", errdefs.IsInvalidArgument},
		"too long":                    {b.a, "198.18.0.3", strings.Repeat("x", 49), errdefs.IsInvalidArgument},
		"as long as can be":           {b.a, "198.18.0.3", strings.Repeat("x", 48), isNil},
		"of an address of somebody's": {b.a, "198.18.0.4", "mine", errdefs.IsNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			if err := b.fips.Name(t.Context(), tc.a, tc.fip, tc.name); !tc.is(err) {
				t.Errorf("error is %v", err)
			}
		})
	}
	if err := b.fips.Name(t.Context(), b.a, "shop", ""); err != nil {
		t.Fatal(err)
	}
	if err := b.fips.Name(t.Context(), b.a, "198.18.0.3", "shop"); err != nil {
		t.Errorf("a cleared name is not free: %v", err)
	}
}

func isNil(err error) bool { return err == nil }

func TestList(t *testing.T) {
	b := newBench(t, "198.18.0.0/24")
	b.allocate(b.a, 2)
	b.allocate(b.b, 1)
	if err := b.fips.Attach(t.Context(), b.a, "198.18.0.2", "web"); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		filters map[string][]string
		want    string // "!" is ErrInvalidArgument
	}{
		"no filter":         {nil, "198.18.0.2 198.18.0.3"},
		"dangling":          {map[string][]string{"dangling": {"true"}}, "198.18.0.3"},
		"dangling as a 1":   {map[string][]string{"dangling": {"1"}}, "198.18.0.3"},
		"not only dangling": {map[string][]string{"dangling": {"false"}}, "198.18.0.2 198.18.0.3"},
		"a bad value":       {map[string][]string{"dangling": {"maybe"}}, "!"},
		"a contradiction":   {map[string][]string{"dangling": {"true", "false"}}, "!"},
		"an unknown filter": {map[string][]string{"colour": {"red"}}, "!"},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := b.fips.List(b.a, tc.filters)
			var got []string
			for _, f := range list {
				got = append(got, f.Address.String())
			}
			if tc.want == "!" {
				if !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), "Invalid filter") {
					t.Errorf("error is %v", err)
				}
			} else if strings.Join(got, " ") != tc.want || err != nil {
				t.Errorf("List = %v, %v, want %s", got, err, tc.want)
			}
		})
	}
}
