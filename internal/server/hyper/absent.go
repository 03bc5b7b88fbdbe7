package hyper

import (
	"context"
	"net/http"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// Of these resources an account has none yet, and cannot make any: a list is empty, one by name is not found, and who wants to make one
// is told so. The shapes are those of api 12 to 14.

const (
	noServices  = "services are not offered yet: run containers"
	noCrons     = "cron jobs are not offered yet: run a container that waits for the hour itself"
	noFunctions = "functions are not offered yet: run a container that answers HTTP, with a floating IP"
)

func (api *API) absentRoutes() []rest.Route {
	type nameless = []any
	routes := []rest.Route{
		{Method: http.MethodGet, Pattern: "/services", Handle: servicesOfOld, Absent: noServices},
		{Method: http.MethodGet, Pattern: "/crons", Handle: always(nameless{})},
		{Method: http.MethodPost, Pattern: "/crons/create", Handle: notYet(noCrons), Absent: noCrons},
		{Method: http.MethodGet, Pattern: "/crons/{name}/history", Handle: none("cron job")},
		{Method: http.MethodGet, Pattern: "/funcs", Handle: always(nameless{})},
		{Method: http.MethodPost, Pattern: "/funcs/create", Handle: notYet(noFunctions), Absent: noFunctions},
		{Method: http.MethodPut, Pattern: "/funcs/{name}", Handle: none("function")},
		{Method: http.MethodGet, Pattern: "/funcs/call/{name}", Handle: none("call id")},
	}
	for pattern, what := range map[string]string{
		"/services/{name}": "service", "/crons/{name}": "cron job", "/funcs/{name}": "function",
	} {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			routes = append(routes, rest.Route{Method: method, Pattern: pattern, Handle: none(what)})
		}
	}
	return routes
}

func always(answer any) rest.Handler {
	return func(_ context.Context, _ account.Ref, w http.ResponseWriter, _ *http.Request) error {
		return rest.WriteJSON(w, http.StatusOK, answer)
	}
}

func notYet(why string) rest.Handler {
	return func(context.Context, account.Ref, http.ResponseWriter, *http.Request) error {
		return oops.NotImplemented("%s", why)
	}
}

func none(what string) rest.Handler {
	return func(_ context.Context, _ account.Ref, _ http.ResponseWriter, r *http.Request) error {
		return oops.NotFound("No such %s: %s", what, r.PathValue("name"))
	}
}

// servicesOfOld lists services. For Docker's clients they are Swarm's, which there is no list of.
func servicesOfOld(ctx context.Context, _ account.Ref, w http.ResponseWriter, _ *http.Request) error {
	if rest.Before(ctx, 24) {
		return rest.WriteJSON(w, http.StatusOK, []any{})
	}
	return oops.NotImplemented("%s", noServices)
}
