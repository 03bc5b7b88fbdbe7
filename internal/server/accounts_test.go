package server_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	hyper "github.com/hypercloud/hyper/api/client"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/accounts"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/server"
	"github.com/hypercloud/hyper/internal/server/auth"
	"github.com/hypercloud/hyper/internal/store"
)

// byName authenticates whoever says a name, and takes it for the operator.
type byName struct{ *accounts.Service }

func (b byName) Authenticate(_ http.ResponseWriter, r *http.Request) (auth.Identity, error) {
	a, err := b.Named(r.Header.Get(types.HeaderAccount))
	return auth.Identity{Account: a, Operator: true}, err
}

// noBelongings is of accounts that never have anything.
type noBelongings struct{}

func (noBelongings) Empty(context.Context, account.Ref) error { return nil }
func (noBelongings) Clear(context.Context, account.Ref) error { return nil }

// accountsBench is a server with the rules of accounts behind it, and a client of any account.
func accountsBench(t *testing.T) (*accounts.Service, string, func(name string) *hyper.Client) {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "hyper.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	if _, err := st.CreateAccount(t.Context(), accounts.Default); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	rules, err := accounts.New(accounts.Config{Store: st, Dir: filepath.Join(t.TempDir(), "tls"), Log: log, Belongings: noBelongings{}})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(server.New(server.Config{Accounts: rules, Auth: byName{rules}, Events: event.NewBus(), Log: log}).Handler())
	t.Cleanup(srv.Close)
	return rules, srv.URL, func(name string) *hyper.Client {
		c, err := hyper.New(srv.URL, hyper.WithHeaders(map[string]string{types.HeaderAccount: name}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
}

func TestAccountsOverHTTP(t *testing.T) {
	rules, _, as := accountsBench(t)
	ctx, operator := t.Context(), as(accounts.Default)
	made, err := operator.AccountCreate(ctx, types.AccountCreate{Name: "ann@example.com", Quotas: map[string]int64{"containers": 20}})
	if err != nil {
		t.Fatal(err)
	}
	ref, secret, err := rules.Secret(made.Credential.Access)
	if err != nil || ref.ID() != made.ID || secret != made.Credential.Secret || made.State != "enabled" || made.Created.IsZero() {
		t.Errorf("made %+v, whose secret is %q: %v", made, secret, err)
	}
	second, err := operator.AccountCredentialCreate(ctx, "ann@example.com", types.CredentialCreate{Name: "desk"})
	if err != nil {
		t.Fatal(err)
	}
	if ref, _, err := rules.Secret(second.Access); err != nil || ref.ID() != made.ID {
		t.Errorf("the operator's credential is for %v: %v", ref, err)
	}
	list, err := operator.AccountList(ctx)
	if err != nil || len(list) != 2 || list[1] != made.Account {
		t.Errorf("accounts are %+v, %v", list, err)
	}
	quotas, err := operator.AccountSetQuotas(ctx, "ann@example.com", map[string]int64{"fips": -1, "memory": 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	detail, err := operator.AccountInspect(ctx, "ann@example.com")
	if err != nil || detail.Account != made.Account || detail.Credentials != 2 {
		t.Errorf("detail is %+v, %v", detail, err)
	}
	again, err := operator.AccountQuotas(ctx, "ann@example.com")
	if err != nil {
		t.Fatal(err)
	}
	own, err := as("ann@example.com").Quotas(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range [][]types.Quota{detail.Quotas, again, own} {
		same(t, "quotas", other, quotas)
	}
	same(t, "quotas", quotas[:5], []types.Quota{
		{Resource: "containers", Limit: 20}, {Resource: "images", Limit: 20}, {Resource: "volumes", Limit: 40},
		{Resource: "snapshots", Limit: 40}, {Resource: "fips", Limit: -1},
	})
	if err := operator.AccountDisable(ctx, "ann@example.com"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := rules.Secret(second.Access); !errdefs.IsNotFound(err) {
		t.Errorf("disabled: %v", err)
	}
	if err := operator.AccountEnable(ctx, "ann@example.com"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := rules.Secret(second.Access); err != nil {
		t.Errorf("enabled: %v", err)
	}

	_, duplicate := operator.AccountCreate(ctx, types.AccountCreate{Name: "ann@example.com"})
	_, unnamed := operator.AccountCreate(ctx, types.AccountCreate{})
	_, unlimited := operator.AccountSetQuotas(ctx, "ann@example.com", map[string]int64{"disks": 1})
	_, nobody := operator.AccountInspect(ctx, "bob")
	_, nobodys := operator.AccountCredentialCreate(ctx, "bob", types.CredentialCreate{})
	for what, wrong := range map[string]bool{
		"a name twice": !errdefs.IsConflict(duplicate), "no name": !errdefs.IsInvalidArgument(unnamed),
		"no such quota": !errdefs.IsInvalidArgument(unlimited), "nobody": !errdefs.IsNotFound(nobody), "nobody's": !errdefs.IsNotFound(nobodys),
		"the operator's own": !errdefs.IsInvalidArgument(operator.AccountRemove(ctx, accounts.Default, true)),
	} {
		if wrong {
			t.Errorf("%s: wrong class", what)
		}
	}
	if err := operator.AccountRemove(ctx, "ann@example.com", false); err != nil {
		t.Fatal(err)
	}
	if list, err := operator.AccountList(ctx); err != nil || len(list) != 1 {
		t.Errorf("accounts are %+v, %v", list, err)
	}
}

func TestAccessOverHTTP(t *testing.T) {
	rules, _, as := accountsBench(t)
	ctx := t.Context()
	for _, name := range []string{"ann", "bob"} {
		if _, _, err := rules.Create(ctx, name, nil); err != nil {
			t.Fatal(err)
		}
	}
	ref, _ := rules.Named("ann")
	ann, bob := as("ann"), as("bob")

	t.Run("credentials", func(t *testing.T) {
		made, err := ann.CredentialCreate(ctx, types.CredentialCreate{Name: "desk"})
		if err != nil {
			t.Fatal(err)
		}
		if got, secret, err := rules.Secret(made.Access); err != nil || got != ref || secret != made.Secret {
			t.Errorf("it is %v's, with %q: %v", got, secret, err)
		}
		list, err := ann.CredentialList(ctx)
		if err != nil || len(list) != 2 || list[1] != made.Credential {
			t.Errorf("list is %+v, %v", list, err)
		}
		if err := bob.CredentialRemove(ctx, made.Access); !errdefs.IsNotFound(err) {
			t.Errorf("removed by another account: %v", err)
		}
		if _, err := ann.CredentialCreate(ctx, types.CredentialCreate{}); err != nil {
			t.Fatal(err)
		}
		_, err = ann.CredentialCreate(ctx, types.CredentialCreate{})
		if !errdefs.IsPermissionDenied(err) || !strings.HasPrefix(err.Error(), "Error response from daemon: Exceeded quota, please either delete credentials") {
			t.Errorf("the fourth: %v", err)
		}
		if err := ann.CredentialRemove(ctx, made.Access); err != nil {
			t.Error(err)
		}
		if _, _, err := rules.Secret(made.Access); !errdefs.IsNotFound(err) {
			t.Errorf("removed: %v", err)
		}
	})
	t.Run("tokens", func(t *testing.T) {
		before := time.Now()
		made, err := ann.TokenCreate(ctx, types.TokenCreate{Name: "ci", Lifetime: 3600})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := rules.Token(made.Text); err != nil || got != ref || made.Expires.Before(before.Add(time.Hour)) {
			t.Errorf("it is %v's until %v: %v", got, made.Expires, err)
		}
		forever, err := ann.TokenCreate(ctx, types.TokenCreate{})
		if err != nil || !forever.Expires.IsZero() || forever.Name == "" {
			t.Errorf("made %+v, %v", forever, err)
		}
		list, err := ann.TokenList(ctx)
		if err != nil || len(list) != 2 || list[0] != made.Token {
			t.Errorf("list is %+v, %v", list, err)
		}
		if err := bob.TokenRevoke(ctx, "ci"); !errdefs.IsNotFound(err) {
			t.Errorf("revoked by another account: %v", err)
		}
		for _, life := range []int64{-1, 1 << 40, 1<<63 - 1} {
			if _, err := ann.TokenCreate(ctx, types.TokenCreate{Lifetime: life}); !errdefs.IsInvalidArgument(err) {
				t.Errorf("a lifetime of %d: %v", life, err)
			}
		}
		if err := ann.TokenRevoke(ctx, "ci"); err != nil {
			t.Error(err)
		}
		if _, err := rules.Token(made.Text); !errdefs.IsNotFound(err) {
			t.Errorf("revoked: %v", err)
		}
	})
	t.Run("certificates", func(t *testing.T) {
		made, err := ann.CertificateCreate(ctx, types.CertificateCreate{Name: "desk", Lifetime: 3600})
		if err != nil {
			t.Fatal(err)
		}
		pair, err := tls.X509KeyPair([]byte(made.CertificatePEM), []byte(made.KeyPEM))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := rules.Certificate(pair.Leaf); err != nil || got != ref {
			t.Errorf("it is %v's: %v", got, err)
		}
		authority, err := ann.Authority(ctx)
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode([]byte(authority.CertificatePEM))
		ca, err := x509.ParseCertificate(block.Bytes)
		if err != nil || pair.Leaf.CheckSignatureFrom(ca) != nil {
			t.Errorf("its authority is %v, %v", ca, err)
		}
		list, err := ann.CertificateList(ctx)
		if err != nil || len(list) != 1 || list[0] != made.Certificate {
			t.Errorf("list is %+v, %v", list, err)
		}
		if err := bob.CertificateRevoke(ctx, made.Serial); !errdefs.IsNotFound(err) {
			t.Errorf("revoked by another account: %v", err)
		}
		if err := ann.CertificateRevoke(ctx, made.Serial); err != nil {
			t.Error(err)
		}
		if _, err := rules.Certificate(pair.Leaf); !errdefs.IsNotFound(err) {
			t.Errorf("revoked: %v", err)
		}
	})
}

// What is shown once is shown in no other answer, and kept by nothing on its way.
func TestSecretsAreShownOnce(t *testing.T) {
	_, url, _ := accountsBench(t)
	ask := func(method, path, body string) (http.Header, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(types.HeaderAccount, accounts.Default)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode >= 300 {
			t.Fatalf("%s %s: %s %s %v", method, path, resp.Status, text, err)
		}
		return resp.Header, string(text)
	}
	for _, call := range [][2]string{
		{"/accounts", `{"Name":"ann"}`}, {"/accounts/ann/credentials", `{}`}, {"/credentials", `{}`}, {"/tokens", `{"Name":"t"}`}, {"/certificates", `{}`},
	} {
		header, text := ask(http.MethodPost, call[0], call[1])
		if header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept", call[0])
		}
		if !strings.Contains(text, `"Secret":"`) && !strings.Contains(text, `"Token":"hyper_`) && !strings.Contains(text, `"KeyPEM":"-----BEGIN EC`) {
			t.Errorf("%s answers %s", call[0], text)
		}
	}
	for _, path := range []string{"/accounts", "/accounts/ann", "/credentials", "/tokens", "/certificates", "/certificates/authority", "/quotas"} {
		_, text := ask(http.MethodGet, path, "")
		for _, word := range []string{"Secret", "Sealed", "hyper_", "Hash", "PRIVATE", "Fingerprint"} {
			if strings.Contains(text, word) {
				t.Errorf("%s tells of %s: %s", path, word, text)
			}
		}
	}
}
