package docker

import (
	"context"
	"net/http"
	"time"

	"github.com/moby/moby/api/types/image"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// imageSummary adds what was in older versions.
type imageSummary struct {
	image.Summary
	VirtualSize int64 `json:",omitempty"`
}

func (api *API) listImages(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	filters, err := rest.Filters(r, "before", "dangling", "label", "reference", "since")
	if err != nil {
		return err
	}
	if err := api.Images.CheckFilters(a, filters); err != nil {
		return err
	}
	opts := cloud.ListOptions{All: rest.Bool(r, "all"), Filters: filters, Shared: rest.Bool(r, "shared-size")}
	if rest.Before(ctx, 41) {
		opts.Reference = r.Form.Get("filter")
	}
	return rest.WriteJSON(w, http.StatusOK, imageSummaries(ctx, api.Images.List(a, opts)))
}

func imageSummaries(ctx context.Context, images []cloud.Summary) []imageSummary {
	out := make([]imageSummary, 0, len(images))
	for _, s := range images {
		sum := imageSummary{Summary: image.Summary{
			ID: s.Image.ID, RepoTags: list(s.RepoTags), RepoDigests: list(s.RepoDigests),
			Created: unixOrZero(s.Image.Created), Size: s.Image.Size, SharedSize: s.Shared, Containers: -1,
			Labels: s.Image.Config.Config.Labels,
		}}
		if !rest.Before(ctx, 51) {
			sum.Containers = int64(s.Containers)
		}
		if rest.Before(ctx, 44) {
			sum.VirtualSize = s.Image.Size
		}
		if rest.Before(ctx, 43) && len(s.RepoTags) == 0 {
			sum.RepoTags = []string{"<none>:<none>"}
			if len(s.RepoDigests) == 0 {
				sum.RepoDigests = []string{"<none>@<none>"}
			}
		}
		out = append(out, sum)
	}
	return out
}

func unixOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
