// Package docker answers the calls of Docker's Engine API, from the version of the original Hyper client (1.23) to
// today's, in the words and shapes that docker, docker compose and the Docker SDKs expect.
//
// One file holds one group of calls. A handler decodes, calls one of the narrow interfaces in backend.go, and encodes
// with the types of github.com/moby/moby/api. What is decided here is only how things look in HTTP: which shape
// an API version has, what a status line says, which parts of a request Hyper does not honour and how the client is
// told so. Every other rule lives in internal/cloud.
package docker

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/hypercloud/hyper/internal/cloud/event"
	cloud "github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// Build says what this hyperd is.
type Build struct {
	Version string    // 0.1.0
	Commit  string    // "" if not known
	Time    time.Time // zero if not known
}

// API answers Docker's calls. Logins may be nil.
type API struct {
	Containers Containers
	Images     Images
	Volumes    Volumes
	Networks   Networks
	System     System
	Usage      Usage
	Events     *event.Bus
	Logins     Logins
	Builds     Builds
	Build      Build
	Log        *slog.Logger
}

// Routes lists the calls.
func (api *API) Routes() []rest.Route {
	var routes []rest.Route
	for _, group := range [][]rest.Route{
		api.systemRoutes(), api.containerRoutes(), api.execRoutes(), api.imageRoutes(), api.volumeRoutes(),
		api.networkRoutes(), absentRoutes(),
	} {
		routes = append(routes, group...)
	}
	return routes
}

func (api *API) systemRoutes() []rest.Route {
	return []rest.Route{
		{Method: http.MethodGet, Pattern: "/_ping", Open: ping},
		{Method: http.MethodHead, Pattern: "/_ping", Open: ping},
		{Method: http.MethodGet, Pattern: "/version", Open: api.version},
		{Method: http.MethodGet, Pattern: "/info", Handle: api.info},
		{Method: http.MethodGet, Pattern: "/system/df", Handle: api.diskUsage},
		{Method: http.MethodGet, Pattern: "/events", Handle: api.events, Endless: true},
		{Method: http.MethodPost, Pattern: "/auth", Handle: api.login},
	}
}

func (api *API) containerRoutes() []rest.Route {
	return []rest.Route{
		{Method: http.MethodGet, Pattern: "/containers/json", Handle: api.listContainers},
		{Method: http.MethodPost, Pattern: "/containers/create", Handle: api.createContainer},
		{Method: http.MethodPost, Pattern: "/containers/estimate", Handle: api.estimateContainer},
		{Method: http.MethodPost, Pattern: "/containers/prune", Handle: api.pruneContainers},
		{Method: http.MethodGet, Pattern: "/containers/{name...}/json", Handle: api.inspectContainer},
		{Method: http.MethodGet, Pattern: "/containers/{name...}/top", Handle: api.top},
		{Method: http.MethodGet, Pattern: "/containers/{name...}/logs", Handle: api.logs, Endless: true},
		{Method: http.MethodGet, Pattern: "/containers/{name...}/stats", Handle: api.stats, Endless: true},
		{Method: http.MethodPost, Pattern: "/containers/{name...}/start", Handle: api.startContainer},
		{Method: http.MethodPost, Pattern: "/containers/{name...}/stop", Handle: api.stopContainer},
		{Method: http.MethodPost, Pattern: "/containers/{name...}/restart", Handle: api.restartContainer},
		{Method: http.MethodPost, Pattern: "/containers/{name...}/kill", Handle: api.killContainer},
		{Method: http.MethodPost, Pattern: "/containers/{name...}/pause", Handle: api.pauseContainer},
		{Method: http.MethodPost, Pattern: "/containers/{name...}/unpause", Handle: api.unpauseContainer},
		{Method: http.MethodPost, Pattern: "/containers/{name...}/wait", Handle: api.wait, Endless: true},
		{Method: http.MethodPost, Pattern: "/containers/{name...}/rename", Handle: api.renameContainer},
		{Method: http.MethodPost, Pattern: "/containers/{name...}/resize", Handle: api.resizeContainer},
		{Method: http.MethodPost, Pattern: "/containers/{name...}/update", Handle: api.updateContainer},
		{Method: http.MethodPost, Pattern: "/containers/{name...}/attach", Handle: api.attach, Endless: true},
		{Method: http.MethodDelete, Pattern: "/containers/{name...}", Handle: api.removeContainer},
		{Method: http.MethodPost, Pattern: "/commit", Handle: api.commit},
		{Method: http.MethodHead, Pattern: "/containers/{name...}/archive", Handle: api.statFile},
		{Method: http.MethodGet, Pattern: "/containers/{name...}/archive", Handle: api.readFiles},
		{Method: http.MethodPut, Pattern: "/containers/{name...}/archive", Handle: api.writeFiles, Upload: cloud.MaxArchive},
		{Method: http.MethodGet, Pattern: "/containers/{name...}/export", Handle: api.export},
		{Method: http.MethodGet, Pattern: "/containers/{name...}/changes", Handle: api.changes},
	}
}

func (api *API) execRoutes() []rest.Route {
	return []rest.Route{
		{Method: http.MethodPost, Pattern: "/containers/{name...}/exec", Handle: api.createExec},
		{Method: http.MethodPost, Pattern: "/exec/{id}/start", Handle: api.startExec, Endless: true},
		{Method: http.MethodPost, Pattern: "/exec/{id}/resize", Handle: api.resizeExec},
		{Method: http.MethodGet, Pattern: "/exec/{id}/json", Handle: api.inspectExec},
	}
}

func (api *API) imageRoutes() []rest.Route {
	return []rest.Route{
		{Method: http.MethodGet, Pattern: "/images/json", Handle: api.listImages},
		{Method: http.MethodPost, Pattern: "/images/create", Handle: api.createImage, Upload: cloud.MaxArchive},
		{Method: http.MethodPost, Pattern: "/images/prune", Handle: api.pruneImages},
		{Method: http.MethodPost, Pattern: "/images/load", Handle: api.loadImages, Upload: cloud.MaxArchive},
		{Method: http.MethodPost, Pattern: "/build", Handle: api.buildImage, Upload: cloud.MaxArchive, Endless: true},
		{Method: http.MethodPost, Pattern: "/grpc", Handle: api.buildControl, Endless: true},
		{Method: http.MethodPost, Pattern: "/session", Handle: api.buildSession, Endless: true},
		{Method: http.MethodPost, Pattern: "/build/prune", Handle: api.pruneBuilds},
		{Method: http.MethodPost, Pattern: "/images/diff", Handle: api.diffImage},
		{Method: http.MethodGet, Pattern: "/images/search", Handle: api.searchImages},
		{Method: http.MethodGet, Pattern: "/distribution/{name...}/json", Handle: api.inspectDistribution},
		{Method: http.MethodGet, Pattern: "/images/get", Handle: api.saveImages},
		{Method: http.MethodGet, Pattern: "/images/{name...}/get", Handle: api.saveImages},
		{Method: http.MethodPost, Pattern: "/images/{name...}/push", Handle: api.push},
		{Method: http.MethodGet, Pattern: "/images/{name...}/json", Handle: api.inspectImage},
		{Method: http.MethodGet, Pattern: "/images/{name...}/history", Handle: api.imageHistory},
		{Method: http.MethodPost, Pattern: "/images/{name...}/tag", Handle: api.tagImage},
		{Method: http.MethodDelete, Pattern: "/images/{name...}", Handle: api.removeImage},
		{Method: http.MethodDelete, Pattern: "/images", Handle: api.removeImage}, // the name is empty: say so
	}
}

func (api *API) volumeRoutes() []rest.Route {
	return []rest.Route{
		{Method: http.MethodGet, Pattern: "/volumes", Handle: api.listVolumes},
		{Method: http.MethodPost, Pattern: "/volumes/create", Handle: api.createVolume},
		{Method: http.MethodPost, Pattern: "/volumes/prune", Handle: api.pruneVolumes},
		{Method: http.MethodGet, Pattern: "/volumes/{name...}", Handle: api.inspectVolume},
		{Method: http.MethodDelete, Pattern: "/volumes/{name...}", Handle: api.removeVolume},
	}
}

func (api *API) networkRoutes() []rest.Route {
	return []rest.Route{
		{Method: http.MethodGet, Pattern: "/networks", Handle: api.listNetworks},
		{Method: http.MethodGet, Pattern: "/networks/{name...}", Handle: api.inspectNetwork},
		{Method: http.MethodDelete, Pattern: "/networks/{name...}", Handle: api.removeNetwork},
		{Method: http.MethodPost, Pattern: "/networks/create", Handle: api.createNetwork},
		{Method: http.MethodPost, Pattern: "/networks/{name}/connect", Handle: api.connectNetwork},
		{Method: http.MethodPost, Pattern: "/networks/{name}/disconnect", Handle: api.disconnectNetwork},
		{Method: http.MethodPost, Pattern: "/networks/prune", Handle: api.pruneNetworks},
	}
}
