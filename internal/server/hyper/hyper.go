// Package hyper answers the calls of Hyper's own resources: floating IPs, security groups, the filling of volumes, compose projects, the event socket, the properties of
// containers that Docker's API has no call for, accounts and what they are entered with, what is used and what that costs.
//
// The shapes are those of the original's API (api 6.5, 10, 11, 15 and 16), which its client and scripts rely on. Those of accounts and of use, which it had no calls for, are in api/types. Rules live in internal/cloud.
package hyper

import (
	"net/http"
	"slices"

	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// API answers Hyper's calls.
type API struct {
	Containers Containers
	FIPs       FIPs
	Snapshots  Snapshots
	SecGroups  SecGroups
	Volumes    Volumes
	Accounts   Accounts
	Compose    Compose
	Doctor     Doctor
	Usage      Usage
	Budgets    Budgets
	Events     *event.Bus
	// UploadPort is that of the listener for uploads in clear; "": there is none.
	UploadPort string
	sockets    sockets
}

// Routes lists the calls.
func (api *API) Routes() []rest.Route {
	routes := slices.Concat(api.accountRoutes(), api.doctorRoutes(), api.usageRoutes(), api.budgetRoutes(), api.composeRoutes(), api.volumeRoutes(), api.absentRoutes())
	return append(routes, []rest.Route{
		{Method: http.MethodGet, Pattern: "/fips", Handle: api.listFIPs},
		{Method: http.MethodPost, Pattern: "/fips/allocate", Handle: api.allocateFIPs},
		{Method: http.MethodPost, Pattern: "/fips/release", Handle: api.releaseFIP},
		{Method: http.MethodPost, Pattern: "/fips/attach", Handle: api.attachFIP},
		{Method: http.MethodPost, Pattern: "/fips/associate", Handle: api.attachFIP}, // the older name
		{Method: http.MethodPost, Pattern: "/fips/detach", Handle: api.detachFIP},
		{Method: http.MethodPost, Pattern: "/fips/disassociate", Handle: api.detachFIP}, // the older name
		{Method: http.MethodPost, Pattern: "/fips/name", Handle: api.nameFIP},
		{Method: http.MethodPost, Pattern: "/volumes/{name}/resize", Handle: api.resizeVolume},
		{Method: http.MethodGet, Pattern: "/schedules", Handle: api.listSchedules},
		{Method: http.MethodPost, Pattern: "/volumes/{name}/schedules", Handle: api.createSchedule},
		{Method: http.MethodDelete, Pattern: "/volumes/{name}/schedules/{schedule}", Handle: api.removeSchedule},
		{Method: http.MethodGet, Pattern: "/snapshots", Handle: api.listSnapshots},
		{Method: http.MethodPost, Pattern: "/snapshots/create", Handle: api.createSnapshot},
		{Method: http.MethodGet, Pattern: "/snapshots/{name}", Handle: api.inspectSnapshot},
		{Method: http.MethodDelete, Pattern: "/snapshots/{name}", Handle: api.removeSnapshot},
		{Method: http.MethodPost, Pattern: "/snapshots/{name}/restore", Handle: api.restoreSnapshot},
		{Method: http.MethodGet, Pattern: "/sg", Handle: api.listGroups},
		{Method: http.MethodPost, Pattern: "/sg/{name}", Handle: api.createGroup},
		{Method: http.MethodPut, Pattern: "/sg/{name}", Handle: api.updateGroup},
		{Method: http.MethodGet, Pattern: "/sg/{name}", Handle: api.inspectGroup},
		{Method: http.MethodDelete, Pattern: "/sg/{name}", Handle: api.removeGroup},
		{Method: http.MethodGet, Pattern: "/events/ws", Handle: api.eventSocket, Endless: true, Original: true},
		{Method: http.MethodPut, Pattern: "/containers/{name...}", Handle: api.updateContainer},
	}...)
}

func (api *API) composeRoutes() []rest.Route {
	return []rest.Route{
		{Method: http.MethodPost, Pattern: "/compose/up", Handle: api.composeUp},
		{Method: http.MethodPost, Pattern: "/compose/create", Handle: api.composeCreate},
		{Method: http.MethodPost, Pattern: "/compose/start", Handle: api.composeStart},
		{Method: http.MethodPost, Pattern: "/compose/stop", Handle: api.composeStop},
		{Method: http.MethodPost, Pattern: "/compose/kill", Handle: api.composeKill},
		{Method: http.MethodPost, Pattern: "/compose/rm", Handle: api.composeRemove},
		{Method: http.MethodPost, Pattern: "/compose/down", Handle: api.composeDown},
	}
}

// accountRoutes lists the calls of accounts: first those of the operator, then those of everybody for the account that
// is acted for.
func (api *API) accountRoutes() []rest.Route {
	return []rest.Route{
		{Method: http.MethodGet, Pattern: "/accounts", Handle: api.listAccounts, Operator: true},
		{Method: http.MethodPost, Pattern: "/accounts", Handle: api.createAccount, Operator: true},
		{Method: http.MethodGet, Pattern: "/accounts/{name}", Handle: api.inspectAccount, Operator: true},
		{Method: http.MethodDelete, Pattern: "/accounts/{name}", Handle: api.removeAccount, Operator: true},
		{Method: http.MethodPost, Pattern: "/accounts/{name}/disable", Handle: api.disableAccount, Operator: true},
		{Method: http.MethodPost, Pattern: "/accounts/{name}/enable", Handle: api.enableAccount, Operator: true},
		{Method: http.MethodGet, Pattern: "/accounts/{name}/quotas", Handle: api.accountQuotas, Operator: true},
		{Method: http.MethodPut, Pattern: "/accounts/{name}/quotas", Handle: api.setAccountQuotas, Operator: true},
		{Method: http.MethodPost, Pattern: "/accounts/{name}/credentials", Handle: api.createAccountCredential, Operator: true},

		{Method: http.MethodGet, Pattern: "/credentials", Handle: api.listCredentials},
		{Method: http.MethodPost, Pattern: "/credentials", Handle: api.createCredential},
		{Method: http.MethodDelete, Pattern: "/credentials/{access}", Handle: api.removeCredential},
		{Method: http.MethodGet, Pattern: "/tokens", Handle: api.listTokens},
		{Method: http.MethodPost, Pattern: "/tokens", Handle: api.createToken},
		{Method: http.MethodDelete, Pattern: "/tokens/{name}", Handle: api.revokeToken},
		{Method: http.MethodGet, Pattern: "/certificates", Handle: api.listCertificates},
		{Method: http.MethodPost, Pattern: "/certificates", Handle: api.createCertificate},
		{Method: http.MethodGet, Pattern: "/certificates/authority", Handle: api.authority},
		{Method: http.MethodDelete, Pattern: "/certificates/{serial}", Handle: api.revokeCertificate},
		{Method: http.MethodGet, Pattern: "/quotas", Handle: api.quotas},
	}
}
