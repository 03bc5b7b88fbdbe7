package docker

import (
	"context"
	"io"
	"net/http"

	"github.com/moby/moby/api/types/jsonstream"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/container"
	cloud "github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// createImage pulls an image, or makes one of a root file system.
func (api *API) createImage(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if r.Form.Get("fromSrc") != "" {
		return api.importImage(ctx, a, w, r)
	}
	return api.pull(ctx, a, w, r)
}

// importImage makes an image of a root file system, which is the body (fromSrc=-) or comes from a URL.
func (api *API) importImage(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if err := checkPlatform(r.Form.Get("platform")); err != nil {
		return err
	}
	config, docker, err := container.ImportConfig(r.Form["changes"])
	if err != nil {
		return err
	}
	req := cloud.ImportRequest{
		Repository: r.Form.Get("repo"), Tag: r.Form.Get("tag"), Comment: r.Form.Get("message"), Config: config, Docker: docker,
	}
	if _, err := cloud.CommitName(req.Repository, req.Tag); err != nil {
		return err
	}
	var archive io.ReadCloser
	if src := r.Form.Get("fromSrc"); src == "-" {
		if r.ContentLength > cloud.MaxArchive {
			return cloud.CheckSize(r.ContentLength)
		}
		archive = http.MaxBytesReader(w, r.Body, cloud.MaxArchive)
	} else if archive, _, err = api.Images.Download(ctx, a, src); err != nil {
		return err
	}
	defer archive.Close()
	req.Archive = archive
	id, err := api.Images.Import(ctx, a, req)
	if err != nil {
		return err
	}
	if id == "" {
		return oops.Invalid("the archive holds no root file system")
	}
	return rest.NewMessages(w, "application/json", "").Send(jsonstream.Message{Status: id})
}
