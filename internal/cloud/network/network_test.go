package network

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/store"
)

type bench struct {
	*testing.T
	store  *store.Store
	engine *fake.Engine
	net    *Service
	a      account.Ref
}

func newBench(t *testing.T) *bench {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	acc, err := st.CreateAccount(t.Context(), "mine")
	if err != nil {
		t.Fatal(err)
	}
	e := fake.New()
	return &bench{T: t, store: st, engine: e, net: New(Config{Store: st, Engine: e}), a: acc.Ref}
}

func (b *bench) update(fn func(tx *store.Tx) error) {
	b.Helper()
	if err := b.store.Update(b.Context(), b.a, fn); err != nil {
		b.Fatal(err)
	}
}

func id(n int) string { return fmt.Sprintf("%012x%052x", n+0xabc000, n) }

var image = fake.MakeImage("web", time.Unix(0, 0))

func put(tx *store.Tx, list ...store.Container) error {
	if err := tx.PutImage(store.Image{Image: image}); err != nil {
		return err
	}
	for _, c := range list {
		c.ImageID = image.ID
		if err := tx.PutContainer(c); err != nil {
			return err
		}
	}
	return nil
}

func TestState(t *testing.T) {
	b := newBench(t)
	b.update(func(tx *store.Tx) error {
		err := put(tx,
			store.Container{
				ID: id(1), Name: "Web", Phase: store.Ready, Address: netip.MustParseAddr("172.16.0.20"),
				Spec: store.ContainerSpec{
					Hostname: "WWW", Domainname: "example.org",
					Published: []store.PublishedPort{
						{Port: store.Port{Number: 80, Proto: "tcp"}, Public: 8080},
						{Port: store.Port{Number: 53, Proto: "udp"}, Public: 53},
						{Port: store.Port{Number: 9, Proto: "sctp"}, Public: 9},
					},
				},
			},
			// Its hostname is the name of another container, which wins.
			store.Container{ID: id(2), Name: "db", Phase: store.Creating, Address: netip.MustParseAddr("172.16.0.11"), Spec: store.ContainerSpec{Hostname: "web"}},
			store.Container{ID: id(3), Name: "going", Phase: store.Removing, Address: netip.MustParseAddr("172.16.0.12")},
			store.Container{ID: id(4), Name: "nowhere", Phase: store.Creating},
		)
		if err != nil {
			return err
		}
		return tx.PutFloatingIP(store.FloatingIP{Address: netip.MustParseAddr("198.18.0.2"), Container: id(1)})
	})
	want := engine.NetworkState{Endpoints: []engine.Endpoint{
		{ContainerID: id(2), Address: netip.MustParseAddr("172.16.0.11"), MAC: "02:42:ac:10:00:0b", Names: []string{"db", id(2)[:12]}},
		{
			ContainerID: id(1), Address: netip.MustParseAddr("172.16.0.20"), MAC: "02:42:ac:10:00:14",
			Names:      []string{"web", "www", "www.example.org", id(1)[:12]},
			FloatingIP: netip.MustParseAddr("198.18.0.2"),
			Ports:      []engine.PublishedPort{{Proto: "tcp", Public: 8080, Private: 80}, {Proto: "udp", Public: 53, Private: 53}},
		},
	}}
	if got := State(b.store.View(b.a)); !reflect.DeepEqual(got, want) {
		t.Errorf("State =\n%+v\nwant\n%+v", got, want)
	}
}

func TestApplyJoinsCallersAndShowsEachItsOwnChange(t *testing.T) {
	b := newBench(t)
	b.update(func(tx *store.Tx) error { return put(tx) })
	gate := make(chan struct{})
	b.engine.On("ApplyNetwork", func(context.Context, fake.Call) error { <-gate; return nil })
	var wg sync.WaitGroup
	const callers = 20
	for n := range callers {
		b.update(func(tx *store.Tx) error {
			addr, err := b.net.AllocateAddress(tx)
			if err != nil {
				return err
			}
			return put(tx, store.Container{ID: id(n), Name: fmt.Sprint("c", n), Phase: store.Ready, Address: addr})
		})
		r := b.net.enqueue(t.Context(), b.a) // in this order, before the gate opens
		wg.Go(func() {
			<-r.done
			if r.err != nil {
				t.Error(r.err)
			}
		})
	}
	close(gate)
	wg.Wait()
	if got := len(b.engine.Network(b.a).Endpoints); got != callers {
		t.Errorf("the last state has %d endpoints, want %d", got, callers)
	}
	if calls := len(b.engine.Calls("ApplyNetwork")); calls > 2 {
		t.Errorf("%d callers took %d applications, want at most 2", callers, calls)
	}
}

func TestApply(t *testing.T) {
	t.Run("concerns one account", func(t *testing.T) {
		b := newBench(t)
		other, err := b.store.CreateAccount(t.Context(), "other")
		if err != nil {
			t.Fatal(err)
		}
		if err := b.net.Apply(t.Context(), b.a); err != nil {
			t.Fatal(err)
		}
		if b.engine.Network(b.a) == nil || b.engine.Network(other.Ref) != nil {
			t.Error("not exactly the caller's network was applied")
		}
	})
	t.Run("tells of the engine's failure and works again later", func(t *testing.T) {
		b := newBench(t)
		b.engine.FailOnce("ApplyNetwork", errdefs.ErrUnavailable)
		if err := b.net.Apply(t.Context(), b.a); !errdefs.IsUnavailable(err) {
			t.Errorf("error is %v", err)
		}
		if err := b.net.Apply(t.Context(), b.a); err != nil {
			t.Errorf("the second time: %v", err)
		}
	})
	t.Run("goes on when its caller leaves", func(t *testing.T) {
		b := newBench(t)
		begun, gate := make(chan struct{}), make(chan struct{})
		b.engine.On("ApplyNetwork", func(context.Context, fake.Call) error { close(begun); <-gate; return nil })
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-begun; cancel() }()
		if err := b.net.Apply(ctx, b.a); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v", err)
		}
		b.engine.On("ApplyNetwork", nil)
		close(gate)
		if err := b.net.Apply(t.Context(), b.a); err != nil || b.engine.Network(b.a) == nil {
			t.Errorf("afterwards: %v", err)
		}
	})
	t.Run("needs an account", func(t *testing.T) {
		if err := newBench(t).net.Apply(t.Context(), account.Ref{}); !errors.Is(err, account.ErrNone) {
			t.Errorf("error is %v", err)
		}
	})
}

func TestAllocateAddress(t *testing.T) {
	b := newBench(t)
	give := func(n int) (addr netip.Addr) {
		t.Helper()
		b.update(func(tx *store.Tx) (err error) {
			if addr, err = b.net.AllocateAddress(tx); err != nil {
				return err
			}
			return put(tx, store.Container{ID: id(n), Name: fmt.Sprint("c", n), Phase: store.Ready, Address: addr})
		})
		return addr
	}
	take := func(n int) { b.update(func(tx *store.Tx) error { return tx.DeleteContainer(id(n)) }) }
	check := func(what string, got netip.Addr, want string) {
		t.Helper()
		if got.String() != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	check("the first one", give(1), "172.16.0.10")
	check("the next one", give(2), "172.16.0.11")
	take(2)
	check("a released one rests", give(3), "172.16.0.12")
	take(1)
	b.net = New(Config{Store: b.store, Engine: b.engine})
	check("after a restart it goes on from the highest", give(4), "172.16.0.13")

	b.net.boundary.last = netip.MustParseAddr("172.16.0.14")
	check("the last one", give(5), "172.16.0.14")
	check("round again, to the first that is free", give(6), "172.16.0.10")
	check("and on", give(7), "172.16.0.11")
	err := b.store.Update(t.Context(), b.a, func(tx *store.Tx) error { _, err := b.net.AllocateAddress(tx); return err })
	if !errdefs.IsResourceExhausted(err) {
		t.Errorf("a full network gives %v", err)
	}
}

func TestPrivateRangeLeavesReservedAddressesOut(t *testing.T) {
	nothing := func(netip.Addr) bool { return false }
	for name, tc := range map[string]struct{ last, want string }{
		"before the first":  {"172.16.0.3", "172.16.0.10"},
		"in the middle":     {"172.16.0.255", "172.16.1.0"},
		"before the last":   {"172.16.255.253", "172.16.255.254"},
		"after the last":    {"172.16.255.254", "172.16.0.10"},
		"after the network": {"172.17.0.1", "172.16.0.10"},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := privateRange.after(netip.MustParseAddr(tc.last), nothing)
			if !ok || got.String() != tc.want {
				t.Errorf("after %s comes %s, want %s", tc.last, got, tc.want)
			}
		})
	}
}
