package hyper

import (
	"context"
	"net/http"

	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/accounts"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/server/rest"
	"github.com/hypercloud/hyper/internal/store"
)

// The calls of this file are the operator's. They name the account in the path; the one that the operator acts as does
// not matter.

func accountOf(a store.Account) types.Account {
	return types.Account{Name: a.Name, ID: a.Ref.ID(), State: string(a.State), Created: a.CreatedAt}
}

func quotasOf(uses []accounts.Use) []types.Quota {
	out := make([]types.Quota, 0, len(uses))
	for _, u := range uses {
		out = append(out, types.Quota{Resource: u.Resource, Limit: u.Limit, Used: u.Used})
	}
	return out
}

func (api *API) listAccounts(_ context.Context, _ account.Ref, w http.ResponseWriter, _ *http.Request) error {
	out := []types.Account{}
	for _, a := range api.Accounts.List() {
		out = append(out, accountOf(a))
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

func (api *API) createAccount(ctx context.Context, _ account.Ref, w http.ResponseWriter, r *http.Request) error {
	var in types.AccountCreate
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	a, c, err := api.Accounts.Create(ctx, in.Name, quota.Limits(in.Quotas))
	if err != nil {
		return err
	}
	return writeSecret(w, types.AccountCreated{Account: accountOf(a), Credential: newCredentialOf(c)})
}

func (api *API) inspectAccount(_ context.Context, _ account.Ref, w http.ResponseWriter, r *http.Request) error {
	d, err := api.Accounts.Inspect(r.PathValue("name"))
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusOK, types.AccountDetail{
		Account: accountOf(d.Account), Quotas: quotasOf(d.Quotas),
		Credentials: d.Credentials, Tokens: d.Tokens, Certificates: d.Certificates,
	})
}

func (api *API) removeAccount(ctx context.Context, _ account.Ref, w http.ResponseWriter, r *http.Request) error {
	if err := api.Accounts.Remove(ctx, r.PathValue("name"), rest.Bool(r, "force")); err != nil {
		return err
	}
	return rest.NoContent(w)
}

func (api *API) disableAccount(ctx context.Context, _ account.Ref, w http.ResponseWriter, r *http.Request) error {
	if err := api.Accounts.Disable(ctx, r.PathValue("name")); err != nil {
		return err
	}
	return rest.NoContent(w)
}

func (api *API) enableAccount(ctx context.Context, _ account.Ref, w http.ResponseWriter, r *http.Request) error {
	if err := api.Accounts.Enable(ctx, r.PathValue("name")); err != nil {
		return err
	}
	return rest.NoContent(w)
}

func (api *API) accountQuotas(_ context.Context, _ account.Ref, w http.ResponseWriter, r *http.Request) error {
	named, err := api.Accounts.Named(r.PathValue("name"))
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusOK, quotasOf(api.Accounts.Quotas(named)))
}

func (api *API) setAccountQuotas(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	var in map[string]int64
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	if err := api.Accounts.SetQuotas(ctx, r.PathValue("name"), in); err != nil {
		return err
	}
	return api.accountQuotas(ctx, a, w, r)
}

func (api *API) createAccountCredential(ctx context.Context, _ account.Ref, w http.ResponseWriter, r *http.Request) error {
	named, err := api.Accounts.Named(r.PathValue("name"))
	if err != nil {
		return err
	}
	return api.createCredential(ctx, named, w, r)
}
