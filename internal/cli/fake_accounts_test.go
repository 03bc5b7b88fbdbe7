package cli

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/accounts"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/server"
	"github.com/hypercloud/hyper/internal/server/auth"
	"github.com/hypercloud/hyper/internal/store"
)

// accountsPath are the calls that the pretended server has hyperd's own rules for.
var accountsPath = regexp.MustCompile(`^/(accounts|credentials|tokens|certificates|quotas)(/|$)`)

// operator is whom everybody is taken for.
type operator struct{ *accounts.Service }

func (o operator) Authenticate(_ http.ResponseWriter, r *http.Request) (auth.Identity, error) {
	a, err := o.Named(cmp.Or(r.Header.Get(types.HeaderAccount), accounts.Default))
	return auth.Identity{Account: a, Operator: true}, err
}

type nothing struct{}

func (nothing) Empty(context.Context, account.Ref) error { return nil }
func (nothing) Clear(context.Context, account.Ref) error { return nil }

// newAccounts answers the calls of accounts. The account "full" has a volume.
func newAccounts(t testing.TB) http.Handler {
	t.Helper()
	dir := t.TempDir()
	st, err := store.Open(filepath.Join(dir, "hyper.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	if _, err := st.CreateAccount(t.Context(), accounts.Default); err != nil {
		t.Fatal(err)
	}
	if _, err := st.CreateAccount(t.Context(), "full", func(tx *store.Tx) error {
		return tx.PutVolume(store.Volume{ID: "v", Name: "pgdata"})
	}); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	rules, err := accounts.New(accounts.Config{Store: st, Dir: filepath.Join(dir, "tls"), Log: log, Belongings: nothing{}})
	if err != nil {
		t.Fatal(err)
	}
	return server.New(server.Config{Accounts: rules, Auth: operator{rules}, Events: event.NewBus(), Log: log}).Handler()
}
