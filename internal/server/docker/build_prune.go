package docker

import (
	"context"
	"net/http"
	"strconv"
	"time"

	buildtypes "github.com/moby/moby/api/types/build"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/build"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// pruneBuilds empties the cache of the account's builder.
func (api *API) pruneBuilds(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	filters, err := rest.Filters(r, "until", "unused-for", "label", "label!")
	if err != nil {
		return err
	}
	if len(filters["label"]) > 0 { // `docker system prune` hands on its own: no step of a build has one
		return rest.WriteJSON(w, http.StatusOK, buildtypes.CachePruneReport{CachesDeleted: []string{}})
	}
	req := build.PruneRequest{All: rest.Bool(r, "all")}
	for _, name := range []string{"until", "unused-for"} {
		for _, v := range filters[name] {
			if req.Unused, err = time.ParseDuration(v); err != nil || req.Unused < 0 {
				return oops.Invalid("the filter %s=%s is not a duration such as 24h", name, v)
			}
		}
	}
	for _, name := range []string{"keep-storage", "reserved-space"} {
		if v := r.Form.Get(name); v != "" {
			if req.Keep, err = strconv.ParseInt(v, 10, 64); err != nil || req.Keep < 0 {
				return oops.Invalid("%s %q is not a number of bytes", name, v)
			}
		}
	}
	gone, err := api.Builds.Prune(ctx, a, req)
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusOK, buildtypes.CachePruneReport{CachesDeleted: list(gone.IDs), SpaceReclaimed: uint64(gone.Bytes)})
}
