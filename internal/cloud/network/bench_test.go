package network

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/account"
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
