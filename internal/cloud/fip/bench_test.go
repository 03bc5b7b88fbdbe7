package fip

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/cloud/quota"
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
	c := Config{Store: st, Network: network.New(network.Config{Store: st, Engine: e}), Events: b.events, Pool: mustPool(t, pool, "")}
	for _, f := range change {
		f(&c)
	}
	b.fips = New(c)
	return b
}

// limit sets a quota of account a.
func (b *bench) limit(resource string, n int64) {
	b.Helper()
	if err := b.store.Update(b.Context(), b.a, quota.Limits{resource: n}.Put); err != nil {
		b.Fatal(err)
	}
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
			c := store.Container{ID: id(name), Name: name, ImageID: img.ID, Endpoints: []store.Endpoint{{Address: addr}}, Phase: store.Ready}
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
