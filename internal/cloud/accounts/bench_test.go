package accounts

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/store"
)

// bench is a service with a database and a directory of its own, and a clock that the test turns.
type bench struct {
	*testing.T
	*Service
	store *store.Store
	db    string
	dir   string
	now   time.Time
}

func newBench(t *testing.T, options ...func(*Config)) *bench {
	t.Helper()
	root := t.TempDir()
	b := &bench{T: t, db: filepath.Join(root, "hyper.db"), dir: filepath.Join(root, "tls"), now: time.Now()}
	b.start(options...)
	t.Cleanup(func() { b.store.Close() })
	return b
}

// start opens everything, as a start of hyperd does.
func (b *bench) start(options ...func(*Config)) {
	b.Helper()
	var err error
	if b.store, err = store.Open(b.db); err != nil {
		b.Fatal(err)
	}
	c := Config{Store: b.store, Dir: b.dir, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return b.now }}
	for _, o := range options {
		o(&c)
	}
	if b.Service, err = New(c); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) restart() {
	b.Helper()
	if err := b.store.Close(); err != nil {
		b.Fatal(err)
	}
	b.start()
}

// tenant makes an account and returns its first credential too.
func (b *bench) tenant(name string) (account.Ref, Credential) {
	b.Helper()
	acc, c, err := b.Create(b.Context(), name, nil)
	if err != nil {
		b.Fatal(err)
	}
	return acc.Ref, c
}

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
