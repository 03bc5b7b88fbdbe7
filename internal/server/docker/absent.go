package docker

import (
	"context"
	"net/http"
	"strings"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// absent are the calls of Docker's API that Hyper does not offer, and what to do instead.
var absent = []struct{ method, pattern, why string }{
	{"GET POST", "/swarm", noSwarm}, {"GET POST", "/swarm/{rest...}", noSwarm},
	{"GET", "/nodes", noSwarm}, {"GET POST DELETE", "/nodes/{rest...}", noSwarm},
	{"GET", "/tasks", noSwarm}, {"GET", "/tasks/{rest...}", noSwarm},
	{"GET", "/secrets", noSwarm}, {"GET POST DELETE", "/secrets/{rest...}", noSwarm},
	{"GET", "/configs", noSwarm}, {"GET POST DELETE", "/configs/{rest...}", noSwarm},
	{"POST", "/services/create", noServices}, {"POST", "/services/{name}/update", noServices},
	{"GET", "/services/{name}/logs", noServices},
	{"GET", "/plugins", noPlugins}, {"GET POST DELETE", "/plugins/{rest...}", noPlugins}, // but see absentRoutes
	{"POST", "/build/cancel", "a build ends when its client goes: there is nothing to cancel by name"},
	{"GET", "/containers/{name...}/checkpoints", noCheckpoints}, {"POST", "/containers/{name...}/checkpoints", noCheckpoints},
	{"DELETE", "/containers/{name...}/checkpoints/{id}", noCheckpoints},
	{"POST", "/containers/{name...}/copy", "this call has gone out of use: GET /containers/{name}/archive does its work"},
	{"GET", "/containers/{name...}/attach/ws", "attaching by websocket is not offered: use POST /containers/{name}/attach"},
	{"GET", "/images/{name...}/attestations", "attestations of images are not kept: ask the registry"},
	{"PUT", "/volumes/{name...}", "a volume cannot be changed"},
}

const (
	noSwarm       = "Swarm is not offered: the containers of an account share its private network already, and services run as containers"
	noServices    = "services are not offered yet: run containers"
	noPlugins     = "plugins are not offered: volumes, networks and logs are the platform's"
	noCheckpoints = "checkpoints are not offered: keep what must last in a volume"
)

func absentRoutes() []rest.Route {
	var routes []rest.Route
	for _, a := range absent {
		for _, method := range strings.Fields(a.method) {
			routes = append(routes, rest.Route{Method: method, Pattern: a.pattern, Handle: notOffered(a.why), Absent: a.why})
		}
	}
	return append(routes,
		rest.Route{Method: http.MethodGet, Pattern: "/plugins/{name...}/json", Handle: inspectPlugin},
	)
}

func notOffered(why string) rest.Handler {
	return func(context.Context, account.Ref, http.ResponseWriter, *http.Request) error {
		return oops.NotImplemented("%s", why)
	}
}

// inspectPlugin finds nothing: `docker inspect` asks for a plugin when there is nothing else of the name, and says of that whatever it is
// told.
func inspectPlugin(_ context.Context, _ account.Ref, _ http.ResponseWriter, r *http.Request) error {
	return oops.NotFound("plugin %q not found", r.PathValue("name"))
}
