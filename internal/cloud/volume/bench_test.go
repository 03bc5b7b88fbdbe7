package volume

import (
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/store"
)

type bench struct {
	*testing.T
	store   *store.Store
	engine  *fake.Engine
	events  *event.Bus
	volumes *Service
	a, b    account.Ref
}

func newBench(t *testing.T, change ...func(*Config)) *bench {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	b := &bench{T: t, store: st, engine: fake.New(), events: event.NewBus()}
	for name, ref := range map[string]*account.Ref{"mine": &b.a, "other": &b.b} {
		acc, err := st.CreateAccount(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		*ref = acc.Ref
	}
	c := Config{Store: st, Engine: b.engine, Events: b.events}
	for _, f := range change {
		f(&c)
	}
	b.volumes = New(c)
	return b
}

// limit sets a quota of account a.
func (b *bench) limit(resource string, n int64) {
	b.Helper()
	if err := b.store.Update(b.Context(), b.a, quota.Limits{resource: n}.Put); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) create(name string, labels map[string]string) *store.Volume {
	b.Helper()
	v, err := b.volumes.Create(b.Context(), b.a, CreateRequest{Name: name, Labels: labels})
	if err != nil {
		b.Fatal(err)
	}
	return v
}

func (b *bench) put(rows ...store.Volume) {
	b.Helper()
	err := b.store.Update(b.Context(), b.a, func(tx *store.Tx) error {
		for _, row := range rows {
			if err := tx.PutVolume(row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// attach gives a volume to a container that exists.
func (b *bench) attach(v *store.Volume) string {
	b.Helper()
	img := fake.MakeImage("web", time.Unix(0, 0))
	id := strings.Repeat("c", 64)
	err := b.store.Update(b.Context(), b.a, func(tx *store.Tx) error {
		if err := tx.PutImage(store.Image{Image: img}); err != nil {
			return err
		}
		c := store.Container{ID: id, Name: "web", ImageID: img.ID, Phase: store.Ready, Endpoints: []store.Endpoint{{Address: netip.MustParseAddr("172.16.0.10")}}}
		if err := tx.PutContainer(c); err != nil {
			return err
		}
		row := *v
		row.Container = id
		return tx.PutVolume(row)
	})
	if err != nil {
		b.Fatal(err)
	}
	return id
}
