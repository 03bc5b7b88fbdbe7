package docker

import (
	"context"
	"net/http"
	"slices"

	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/api/types/volume"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	cloudimage "github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// usageAnswer holds both shapes: the fields of before 1.53 are left out when they are nil.
type usageAnswer struct {
	LayersSize *int64               `json:",omitempty"`
	Images     *[]imageSummary      `json:",omitempty"`
	Containers *[]container.Summary `json:",omitempty"`
	Volumes    *[]volume.Volume     `json:",omitempty"`
	BuildCache *[]build.CacheRecord `json:",omitempty"`
	system.DiskUsage
}

// diskUsage tells how many bytes the account's things take. A volume counts with its size, which is what it was promised.
func (api *API) diskUsage(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	want := func(kind system.DiskUsageObject) bool {
		return !r.Form.Has("type") || slices.Contains(r.Form["type"], string(kind))
	}
	verbose := rest.Bool(r, "verbose")
	old := rest.Before(ctx, 52) || rest.Before(ctx, 53) && !verbose
	recent := !rest.Before(ctx, 52)
	var out usageAnswer
	if want(system.ImageObject) {
		images := api.Images.List(a, cloudimage.ListOptions{All: true, Shared: true})
		items, usage := imageUsage(ctx, images)
		if old {
			out.Images, out.LayersSize = &items, &usage.TotalSize
		}
		if recent {
			if verbose {
				for _, i := range items {
					usage.Items = append(usage.Items, i.Summary)
				}
			}
			out.ImageUsage = usage
		}
	}
	if want(system.ContainerObject) {
		list, err := api.Containers.List(ctx, a, cloud.ListOptions{All: true})
		if err != nil {
			return err
		}
		items, err := api.summaries(ctx, a, list, true)
		if err != nil {
			return err
		}
		if old {
			out.Containers = &items
		}
		if recent {
			out.ContainerUsage = containerUsage(items, verbose)
		}
	}
	if want(system.VolumeObject) {
		usage, err := api.volumeUsage(a)
		if err != nil {
			return err
		}
		if old {
			items := usage.Items
			out.Volumes = &items
		}
		if recent {
			if !verbose {
				usage.Items = nil
			}
			out.VolumeUsage = usage
		}
	}
	if want(system.BuildCacheObject) {
		if old {
			out.BuildCache = &[]build.CacheRecord{}
		}
		if recent {
			out.BuildCacheUsage = &build.DiskUsage{}
		}
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

func imageUsage(ctx context.Context, images []cloudimage.Summary) ([]imageSummary, *image.DiskUsage) {
	items := imageSummaries(ctx, images)
	usage := &image.DiskUsage{TotalCount: int64(len(images))}
	for i, s := range images {
		items[i].SharedSize, items[i].Containers = max(s.Shared, 0), int64(s.Containers)
		usage.TotalSize += s.Image.Size
		if s.Containers > 0 {
			usage.ActiveCount++
		} else {
			usage.Reclaimable += s.Image.Size
		}
	}
	return items, usage
}

func containerUsage(items []container.Summary, verbose bool) *container.DiskUsage {
	usage := &container.DiskUsage{TotalCount: int64(len(items))}
	for _, c := range items {
		usage.TotalSize += c.SizeRw
		switch c.State {
		case container.StateRunning, container.StatePaused, container.StateRestarting:
			usage.ActiveCount++
		default:
			usage.Reclaimable += c.SizeRw
		}
	}
	if verbose {
		usage.Items = items
	}
	return usage
}

func (api *API) volumeUsage(a account.Ref) (*volume.DiskUsage, error) {
	volumes, err := api.Volumes.List(a, nil)
	if err != nil {
		return nil, err
	}
	usage := &volume.DiskUsage{TotalCount: int64(len(volumes)), Items: []volume.Volume{}}
	for _, v := range volumes {
		item := volumeAnswer(v)
		item.UsageData = &volume.UsageData{Size: int64(v.SizeGB) << 30}
		usage.TotalSize += item.UsageData.Size
		if v.Container != "" {
			item.UsageData.RefCount = 1
			usage.ActiveCount++
		} else {
			usage.Reclaimable += item.UsageData.Size
		}
		usage.Items = append(usage.Items, item)
	}
	return usage, nil
}
