package hyper

import (
	"context"
	"net/http"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/server/rest"
	"github.com/hypercloud/hyper/internal/store"
)

// groupAnswer is api 11's object, with all its fields at all times.
type groupAnswer struct {
	Name        string       `json:"name"`
	Description string       `json:"description"`
	Rules       []ruleAnswer `json:"rules"`
}

type ruleAnswer struct {
	Direction string `json:"direction"`
	PortMin   int    `json:"port_range_min"`
	PortMax   int    `json:"port_range_max"`
	Protocol  string `json:"protocol"`
	Prefix    string `json:"remote_ip_prefix"`
	Group     string `json:"remote_group_name"`
}

func shownGroup(g *store.SecurityGroup) groupAnswer {
	out := groupAnswer{Name: g.Name, Description: g.Spec.Description, Rules: make([]ruleAnswer, 0, len(g.Spec.Rules))}
	for _, r := range g.Spec.Rules {
		out.Rules = append(out.Rules, ruleAnswer{r.Direction, r.PortMin, r.PortMax, r.Protocol, r.Prefix, r.Group})
	}
	return out
}

func (api *API) listGroups(_ context.Context, a account.Ref, w http.ResponseWriter, _ *http.Request) error {
	rows := api.SecGroups.List(a)
	out := make([]groupAnswer, 0, len(rows))
	for _, g := range rows {
		out = append(out, shownGroup(g))
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

func (api *API) inspectGroup(_ context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	g, err := api.SecGroups.Get(a, r.PathValue("name"))
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusOK, shownGroup(g))
}

// createGroup takes the user's file as it is, whatever its content type is said to be.
func (api *API) createGroup(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	file, err := rest.ReadBody(w, r)
	if err != nil {
		return err
	}
	name := r.PathValue("name")
	if name == "create" { // the older call, whose name is in the file
		name = ""
	}
	if err := api.SecGroups.Create(ctx, a, name, file); err != nil {
		return err
	}
	w.WriteHeader(http.StatusCreated)
	return nil
}

func (api *API) updateGroup(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	file, err := rest.ReadBody(w, r)
	if err != nil {
		return err
	}
	if err := api.SecGroups.Update(ctx, a, r.PathValue("name"), file); err != nil {
		return err
	}
	return rest.NoContent(w)
}

func (api *API) removeGroup(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if err := api.SecGroups.Remove(ctx, a, r.PathValue("name")); err != nil {
		return err
	}
	return rest.NoContent(w)
}
