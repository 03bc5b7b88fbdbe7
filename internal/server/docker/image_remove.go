package docker

import (
	"context"
	"net/http"
	"strings"

	"github.com/moby/moby/api/types/image"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
	"github.com/hypercloud/hyper/internal/store"
)

func (api *API) removeImage(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if strings.TrimSpace(name) == "" {
		return oops.Invalid("Invalid empty image name")
	}
	removed, err := api.Images.Remove(ctx, a, name, rest.Bool(r, "force"))
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusOK, removals(removed))
}

func removals(removed []cloud.Removed) []image.DeleteResponse {
	out := make([]image.DeleteResponse, 0, len(removed))
	for _, r := range removed {
		out = append(out, image.DeleteResponse{Untagged: r.Untagged, Deleted: r.Deleted})
	}
	return out
}

func (api *API) pruneImages(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	p, err := pruneFilters(r, true, "dangling")
	if err != nil {
		return err
	}
	dangling := true
	for _, v := range p.filters["dangling"] {
		switch v {
		case "true", "1":
		case "false", "0":
			dangling = false
		default:
			return oops.Invalid("invalid filter 'dangling=%s': use true or false", v)
		}
	}
	removed, bytes, err := api.Images.Prune(ctx, a, func(img *store.Image) bool {
		return p.takes(img.Created, img.Config.Config.Labels)
	}, dangling)
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusOK, image.PruneReport{ImagesDeleted: removals(removed), SpaceReclaimed: uint64(max(bytes, 0))})
}

func (api *API) tagImage(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if err := api.Images.Tag(ctx, a, r.PathValue("name"), r.Form.Get("repo"), r.Form.Get("tag")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusCreated)
	return nil
}
