package docker

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"

	"github.com/moby/moby/api/types/container"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// pathStat is the header that describes a file.
const pathStat = "X-Docker-Container-Path-Stat"

func setPathStat(w http.ResponseWriter, st engine.FileStat) error {
	raw, err := json.Marshal(container.PathStat{Name: st.Name, Size: st.Size, Mode: st.Mode, Mtime: st.ModTime, LinkTarget: st.LinkTarget})
	if err != nil {
		return err
	}
	// Base64: a name of the container's is whatever it is.
	w.Header().Set(pathStat, base64.StdEncoding.EncodeToString(raw))
	return nil
}

func (api *API) statFile(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	st, err := api.Containers.StatFile(ctx, a, r.PathValue("name"), r.Form.Get("path"))
	if err != nil {
		return err
	}
	if err := setPathStat(w, st); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (api *API) readFiles(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	begun := false
	out, done := rest.PatientWriter(w, rest.Patience)
	defer done()
	err := api.Containers.ReadFiles(ctx, a, r.PathValue("name"), r.Form.Get("path"), func(st engine.FileStat) {
		begun = true
		_ = setPathStat(w, st)
		rest.Begin(w, tarType)
	}, out)
	return rest.BrokenOff(begun, err)
}

func (api *API) writeFiles(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	req := cloud.WriteRequest{Path: r.Form.Get("path"), KeepKinds: rest.Bool(r, "noOverwriteDirNonDir"), Own: rest.Bool(r, "copyUIDGID")}
	if err := api.Containers.WriteFiles(ctx, a, r.PathValue("name"), req, r.Body); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (api *API) export(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	begun := false
	out, done := rest.PatientWriter(w, rest.Patience)
	defer done()
	err := api.Containers.Export(ctx, a, r.PathValue("name"), func() {
		begun = true
		rest.Begin(w, "application/octet-stream")
	}, out)
	return rest.BrokenOff(begun, err)
}

// changes tells what differs from the image; null if nothing does, as Docker.
func (api *API) changes(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	list, err := api.Containers.Changes(ctx, a, r.PathValue("name"))
	if err != nil {
		return err
	}
	var out []container.FilesystemChange
	for _, c := range list {
		out = append(out, container.FilesystemChange{Kind: container.ChangeType(c.Kind), Path: c.Path})
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}
