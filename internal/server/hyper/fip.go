package hyper

import (
	"context"
	"net/http"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// floatingIP is one entry of a list. All of its values are strings.
type floatingIP struct {
	FIP       string `json:"fip"`
	Name      string `json:"name"`
	Container string `json:"container"` // id, or ""
	Service   string `json:"service"`   // name, or ""
}

func (api *API) listFIPs(_ context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	filters, err := rest.Filters(r, "dangling", "container", "name", "fip", "service")
	if err != nil {
		return err
	}
	rows, err := api.FIPs.List(a, filters)
	if err != nil {
		return err
	}
	out := make([]floatingIP, 0, len(rows))
	for _, f := range rows {
		out = append(out, floatingIP{FIP: f.Address.String(), Name: f.Name, Container: f.Container})
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

func (api *API) allocateFIPs(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	count, err := rest.Int(r, "count", 1)
	if err != nil {
		return err
	}
	addrs, err := api.FIPs.Allocate(ctx, a, count)
	if err != nil {
		return err
	}
	out := make([]string, 0, len(addrs))
	for _, addr := range addrs {
		out = append(out, addr.String())
	}
	return rest.WriteJSON(w, http.StatusCreated, out)
}

// needed reads a query value that must be there.
func needed(r *http.Request, key, what string) (string, error) {
	v := r.Form.Get(key)
	if v == "" {
		return "", oops.Invalid("%s is missing: name it by the query value %s", what, key)
	}
	return v, nil
}

func (api *API) releaseFIP(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	ip, err := needed(r, "ip", "the floating IP")
	if err != nil {
		return err
	}
	if err := api.FIPs.Release(ctx, a, ip); err != nil {
		return err
	}
	return rest.NoContent(w)
}

func (api *API) attachFIP(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	ip, err := needed(r, "ip", "the floating IP")
	if err != nil {
		return err
	}
	container, err := needed(r, "container", "the container")
	if err != nil {
		return err
	}
	attach := api.FIPs.Attach
	if rest.Bool(r, "force") {
		attach = api.FIPs.Move
	}
	if err := attach(ctx, a, ip, container); err != nil {
		return err
	}
	return rest.NoContent(w)
}

func (api *API) detachFIP(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	container, err := needed(r, "container", "the container")
	if err != nil {
		return err
	}
	addr, err := api.FIPs.Detach(ctx, a, container)
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusOK, addr.String())
}

func (api *API) nameFIP(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	ip, err := needed(r, "ip", "the floating IP")
	if err != nil {
		return err
	}
	if err := api.FIPs.Name(ctx, a, ip, r.Form.Get("name")); err != nil {
		return err
	}
	return rest.NoContent(w)
}
