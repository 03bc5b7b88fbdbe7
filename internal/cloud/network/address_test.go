package network

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/store"
)

func TestAllocateAddress(t *testing.T) {
	b := newBench(t)
	give := func(n int) (addr netip.Addr) {
		t.Helper()
		b.update(func(tx *store.Tx) (err error) {
			if addr, err = b.net.allocate(tx, Own(b.a)); err != nil {
				return err
			}
			return put(tx, store.Container{ID: id(n), Name: fmt.Sprint("c", n), Phase: store.Ready, Endpoints: []store.Endpoint{{Address: addr}}})
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
	err := b.store.Update(t.Context(), b.a, func(tx *store.Tx) error { _, err := b.net.allocate(tx, Own(b.a)); return err })
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
