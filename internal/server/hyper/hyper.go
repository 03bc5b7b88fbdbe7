// Package hyper answers the calls of Hyper's own resources: floating IPs, and the properties of containers that Docker's
// API has no call for.
//
// The shapes are those of the original's API (api 10 and 6.5), which its client and scripts rely on. Rules live in
// internal/cloud.
package hyper

import (
	"net/http"

	"github.com/hypercloud/hyper/internal/server/rest"
)

// API answers Hyper's calls.
type API struct {
	Containers Containers
	FIPs       FIPs
}

// Routes lists the calls.
func (api *API) Routes() []rest.Route {
	return []rest.Route{
		{Method: http.MethodGet, Pattern: "/fips", Handle: api.listFIPs},
		{Method: http.MethodPost, Pattern: "/fips/allocate", Handle: api.allocateFIPs},
		{Method: http.MethodPost, Pattern: "/fips/release", Handle: api.releaseFIP},
		{Method: http.MethodPost, Pattern: "/fips/attach", Handle: api.attachFIP},
		{Method: http.MethodPost, Pattern: "/fips/associate", Handle: api.attachFIP}, // the older name
		{Method: http.MethodPost, Pattern: "/fips/detach", Handle: api.detachFIP},
		{Method: http.MethodPost, Pattern: "/fips/disassociate", Handle: api.detachFIP}, // the older name
		{Method: http.MethodPost, Pattern: "/fips/name", Handle: api.nameFIP},
		{Method: http.MethodPut, Pattern: "/containers/{name...}", Handle: api.updateContainer},
	}
}
