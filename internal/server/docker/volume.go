package docker

import (
	"context"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/volume"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
	"github.com/hypercloud/hyper/internal/store"
)

// listVolumes answers, when it is asked for usage, with what each volume takes on the machine's disk, too: that is Hyper's own.
func (api *API) listVolumes(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	filters, err := rest.Filters(r, "dangling", "driver", "label", "name")
	if err != nil {
		return err
	}
	volumes, err := api.Volumes.List(a, filters)
	if err != nil {
		return err
	}
	out := volume.ListResponse{Volumes: make([]volume.Volume, 0, len(volumes))}
	for _, v := range volumes {
		shown := volumeAnswer(v)
		if rest.Bool(r, "usage") {
			bytes, err := api.Volumes.Usage(ctx, a, v)
			if errdefs.IsNotFound(err) {
				continue // removed meanwhile
			}
			if err != nil {
				return err
			}
			shown.UsageData = &volume.UsageData{Size: bytes}
			if v.Container != "" {
				shown.UsageData.RefCount = 1
			}
		}
		out.Volumes = append(out.Volumes, shown)
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

// volumeAnswer is api 8's volume object, which is Docker's too: what Hyper has to say is in the labels.
func volumeAnswer(v *store.Volume) volume.Volume {
	labels := maps.Clone(v.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels["size"] = strconv.Itoa(v.SizeGB)
	labels["container"] = v.Container
	labels["snapshot"] = v.Spec.Snapshot
	return volume.Volume{
		Name: v.Name, Driver: volumeDriver, Scope: "local", Labels: labels, Options: map[string]string{},
		CreatedAt: v.CreatedAt.UTC().Format(time.RFC3339),
	}
}

func (api *API) createVolume(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	var in volume.CreateRequest
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	if !knownVolumeDriver(in.Driver) {
		return oops.NotFound("there is no volume driver %q: leave the driver out", in.Driver)
	}
	if in.ClusterVolumeSpec != nil {
		return oops.NotImplemented("cluster volumes are not offered: leave the cluster options out")
	}
	req := cloud.CreateRequest{Name: in.Name, Labels: in.Labels}
	for key, value := range in.DriverOpts {
		switch {
		case value == "": // as the original's client sends what was not given
		case key == "size":
			gb, err := strconv.Atoi(value)
			if err != nil || gb <= 0 {
				return oops.Invalid("the size of a volume is a number of GB, not %q", value)
			}
			req.SizeGB = gb
		case key == "snapshot":
			req.Snapshot = value
		default:
			return oops.Invalid("a volume has no option %q: there are size, in GB, and snapshot", key)
		}
	}
	// Docker's clients expect a creation to be repeatable, the original's to be told that a name is taken.
	create := api.Volumes.Ensure
	if rest.Before(ctx, 24) || rest.Bool(r, "exclusive") {
		create = api.Volumes.Create
	}
	v, err := create(ctx, a, req)
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusCreated, volumeAnswer(v))
}

func (api *API) inspectVolume(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	v, err := api.Volumes.Find(a, r.PathValue("name"))
	if err != nil {
		return err
	}
	out := volumeAnswer(v)
	failed, err := api.Volumes.Failed(ctx, a, v)
	if err != nil {
		return err
	}
	if failed {
		out.Status = map[string]any{"State": "read-only after an error of the machine's disk"}
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

func (api *API) removeVolume(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if err := api.Volumes.Remove(ctx, a, r.PathValue("name"), rest.Bool(r, "force")); err != nil {
		return err
	}
	return rest.NoContent(w)
}

func (api *API) pruneVolumes(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	p, err := pruneFilters(r, false, "all")
	if err != nil {
		return err
	}
	all := rest.Before(ctx, 42)
	for _, v := range p.filters["all"] {
		yes, err := strconv.ParseBool(v)
		if err != nil {
			return oops.Invalid("invalid filter 'all=%s': use true or false", v)
		}
		all = yes
	}
	names, bytes, err := api.Volumes.Prune(ctx, a, func(v *store.Volume) bool { return p.takes(v.CreatedAt, v.Labels) }, all)
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusOK, volume.PruneReport{VolumesDeleted: list(names), SpaceReclaimed: uint64(max(bytes, 0))})
}
