package docker

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/containerd/platforms"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/api/types/storage"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
	"github.com/hypercloud/hyper/internal/store"
)

// oldImage is the answer for versions before 1.50: it has fields that are empty in every image of today.
type oldImage struct {
	image.InspectResponse
	Parent          string
	Comment         string
	Author          string
	Container       string
	DockerVersion   string
	VirtualSize     int64 `json:",omitempty"`
	ContainerConfig *container.Config
	Config          *container.Config
}

func (api *API) inspectImage(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	img, err := api.Images.Find(a, r.PathValue("name"))
	if err != nil {
		return err
	}
	if err := madeFor(img, r); err != nil {
		return err
	}
	tags, digests := api.Images.Names(a, img.ID)
	out := image.InspectResponse{
		ID: img.ID, RepoTags: list(tags), RepoDigests: list(digests),
		Comment: comment(img), Author: img.Config.Author,
		Architecture: img.Config.Architecture, Variant: img.Config.Variant, Os: img.Config.OS, OsVersion: img.Config.OSVersion,
		Size:        img.Size,
		GraphDriver: &storage.DriverData{Name: storageDriver, Data: map[string]string{}},
		RootFS:      image.RootFS{Type: "layers", Layers: img.DiffIDs},
		Metadata:    image.Metadata{LastTagTime: img.PulledAt.UTC()},
		Config:      ociConfig(img),
	}
	if !img.Created.IsZero() {
		out.Created = img.Created.UTC().Format(time.RFC3339Nano)
	}
	if !rest.Before(ctx, 50) {
		return rest.WriteJSON(w, http.StatusOK, out)
	}
	old := oldImage{InspectResponse: out, Comment: out.Comment, Author: out.Author, Config: oldConfig(img), ContainerConfig: &container.Config{}}
	if rest.Before(ctx, 44) {
		old.VirtualSize = img.Size
	}
	return rest.WriteJSON(w, http.StatusOK, old)
}

// comment is that of the image's last step.
func comment(img *store.Image) string {
	if n := len(img.Config.History); n > 0 {
		return img.Config.History[n-1].Comment
	}
	return ""
}

func ociConfig(img *store.Image) *dockerspec.DockerOCIImageConfig {
	c := img.Config.Config
	return &dockerspec.DockerOCIImageConfig{
		ImageConfig: ocispec.ImageConfig{
			User: c.User, ExposedPorts: c.ExposedPorts, Env: c.Env, Entrypoint: c.Entrypoint, Cmd: c.Cmd, Volumes: c.Volumes,
			WorkingDir: c.WorkingDir, Labels: c.Labels, StopSignal: c.StopSignal,
		},
		DockerOCIImageConfigExt: dockerspec.DockerOCIImageConfigExt{
			Healthcheck: healthConfig(img.Docker.Healthcheck), OnBuild: img.Docker.OnBuild, Shell: img.Docker.Shell,
		},
	}
}

func oldConfig(img *store.Image) *container.Config {
	c := img.Config.Config
	out := &container.Config{
		User: c.User, Env: list(c.Env), Entrypoint: c.Entrypoint, Cmd: c.Cmd, Volumes: c.Volumes, WorkingDir: c.WorkingDir,
		Labels: c.Labels, StopSignal: c.StopSignal,
		Healthcheck: healthConfig(img.Docker.Healthcheck), OnBuild: img.Docker.OnBuild, Shell: img.Docker.Shell,
	}
	for e := range c.ExposedPorts {
		if p, err := network.ParsePort(e); err == nil {
			if out.ExposedPorts == nil {
				out.ExposedPorts = network.PortSet{}
			}
			out.ExposedPorts[p] = struct{}{}
		}
	}
	return out
}

// imageHistory tells the steps that an image was made in, newest first, and how many bytes each added.
func (api *API) imageHistory(_ context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	img, err := api.Images.Find(a, r.PathValue("name"))
	if err != nil {
		return err
	}
	if err := madeFor(img, r); err != nil {
		return err
	}
	tags, _ := api.Images.Names(a, img.ID)
	steps := img.Config.History
	sizes := stepSizes(img)
	out := make([]image.HistoryResponseItem, 0, len(steps)+1)
	for i := len(steps) - 1; i >= 0; i-- {
		item := image.HistoryResponseItem{ID: "<missing>", CreatedBy: steps[i].CreatedBy, Comment: steps[i].Comment, Size: sizes[i]}
		if t := steps[i].Created; t != nil {
			item.Created = unixOrZero(*t)
		}
		out = append(out, item)
	}
	if len(out) == 0 {
		out = append(out, image.HistoryResponseItem{Created: unixOrZero(img.Created), Size: img.Size})
	}
	out[0].ID, out[0].Tags = img.ID, tags
	return rest.WriteJSON(w, http.StatusOK, out)
}

// stepSizes are the bytes that each step of an image's history added. Not every step made a layer, and who wrote the history may have left
// some out: what no step accounts for is the last one's.
func stepSizes(img *store.Image) []int64 {
	steps := img.Config.History
	sizes := make([]int64, len(steps))
	layers := img.LayerSizes
	if len(steps) == 0 || len(layers) == 0 { // kept before sizes were noted
		return sizes
	}
	for i := range steps {
		if !steps[i].EmptyLayer && len(layers) > 0 {
			sizes[i], layers = layers[0], layers[1:]
		}
	}
	for _, n := range layers {
		sizes[len(sizes)-1] += n
	}
	return sizes
}

// madeFor refuses to tell of an image as it is for another platform than the one it was pulled for.
func madeFor(img *store.Image, r *http.Request) error {
	text := r.Form.Get("platform")
	if text == "" {
		return nil
	}
	var p ocispec.Platform
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return oops.Invalid("%q is not a platform", text)
	}
	is := ocispec.Platform{OS: img.Config.OS, Architecture: img.Config.Architecture, Variant: img.Config.Variant}
	if !platforms.Only(p).Match(is) {
		return oops.NotFound("image with reference %s was found but does not provide the specified platform (%s)", r.PathValue("name"), platforms.Format(p))
	}
	return nil
}
