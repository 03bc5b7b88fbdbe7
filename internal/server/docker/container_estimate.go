package docker

import (
	"context"
	"math/big"
	"net/http"

	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/metering"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// estimateContainer tells what a container would cost, and makes none. It is Hyper's own call, and here because what it is asked with is what a creation is.
func (api *API) estimateContainer(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	in, err := readCreate(w, r)
	if err != nil {
		return err
	}
	p, err := api.Containers.Estimate(ctx, a, in.domain(r.Form.Get("name")))
	if err != nil {
		return api.notTheImage(ctx, a, in.Image, err)
	}
	e, err := api.Usage.Estimate(a, p)
	if err != nil {
		return err
	}
	amount := func(r *big.Rat) types.Amount {
		if r == nil {
			return ""
		}
		return types.Amount(metering.Exact(r))
	}
	out := types.Estimate{Currency: e.Currency, Lines: []types.EstimateLine{}, PerHour: amount(e.PerHour), PerMonth: amount(e.PerMonth), Notes: e.Notes}
	for _, i := range e.Items {
		out.Lines = append(out.Lines, types.EstimateLine{
			Kind: string(i.Kind), Class: i.Class, Name: i.Name, Quantity: i.Quantity, There: i.There, PerHour: amount(i.PerHour), PerMonth: amount(i.PerMonth),
		})
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}
