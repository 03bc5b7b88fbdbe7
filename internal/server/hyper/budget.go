package hyper

import (
	"context"
	"net/http"

	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/budget"
	"github.com/hypercloud/hyper/internal/server/rest"
	"github.com/hypercloud/hyper/internal/store"
)

func (api *API) budgetRoutes() []rest.Route {
	return []rest.Route{
		{Method: http.MethodGet, Pattern: "/budget", Handle: api.budget(store.ByAccount)},
		{Method: http.MethodPut, Pattern: "/budget", Handle: api.setBudget(store.ByAccount)},
		{Method: http.MethodDelete, Pattern: "/budget", Handle: api.removeBudget(store.ByAccount)},
		{Method: http.MethodGet, Pattern: "/accounts/{name}/budget", Handle: api.inAccount(api.budget(store.ByOperator)), Operator: true},
		{Method: http.MethodPut, Pattern: "/accounts/{name}/budget", Handle: api.inAccount(api.setBudget(store.ByOperator)), Operator: true},
		{Method: http.MethodDelete, Pattern: "/accounts/{name}/budget", Handle: api.inAccount(api.removeBudget(store.ByOperator)), Operator: true},
	}
}

// inAccount makes a call one for the account that the path names.
func (api *API) inAccount(fn rest.Handler) rest.Handler {
	return func(ctx context.Context, _ account.Ref, w http.ResponseWriter, r *http.Request) error {
		named, err := api.Accounts.Named(r.PathValue("name"))
		if err != nil {
			return err
		}
		return fn(ctx, named, w, r)
	}
}

func budgetOf(b *store.Budget) *types.Budget {
	if b == nil {
		return nil
	}
	return &types.Budget{Amount: types.Amount(b.Amount), Mail: b.Mail, Stop: b.Stop}
}

// budget tells where an account is. Whom the operator has written to is no business of the account's.
func (api *API) budget(by store.BudgetBy) rest.Handler {
	return func(ctx context.Context, a account.Ref, w http.ResponseWriter, _ *http.Request) error {
		st, err := api.Budgets.State(ctx, a)
		if err != nil {
			return err
		}
		out := types.BudgetState{
			Currency: st.Currency, Month: st.Month.Format("2006-01"), Spent: amount(st.Spent), Own: budgetOf(st.Own), Operator: budgetOf(st.Operator), Percent: st.Percent,
		}
		if by == store.ByAccount && out.Operator != nil {
			out.Operator.Mail = ""
		}
		return rest.WriteJSON(w, http.StatusOK, out)
	}
}

func (api *API) setBudget(by store.BudgetBy) rest.Handler {
	return func(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
		var in types.Budget
		if err := rest.ReadJSON(w, r, &in); err != nil {
			return err
		}
		if err := api.Budgets.Set(ctx, a, by, budget.Request{Amount: string(in.Amount), Mail: in.Mail, Stop: in.Stop}); err != nil {
			return err
		}
		return api.budget(by)(ctx, a, w, r)
	}
}

func (api *API) removeBudget(by store.BudgetBy) rest.Handler {
	return func(ctx context.Context, a account.Ref, w http.ResponseWriter, _ *http.Request) error {
		if err := api.Budgets.Remove(ctx, a, by); err != nil {
			return err
		}
		return rest.NoContent(w)
	}
}
