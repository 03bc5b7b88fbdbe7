package hyper

import (
	"context"
	"net"
	"net/http"
	"net/url"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// Volumes are filled in up to three steps (api 8.2, 8.4): a call that says from where, which is all if the server gets the content by itself; an
// upload for each volume whose content is the client's, without a signature and by whoever has the cookie, since the client's files are too large to be
// hashed before they are sent; and a call that puts them in their place.

func (api *API) volumeRoutes() []rest.Route {
	return []rest.Route{
		{Method: http.MethodPost, Pattern: "/volumes/initialize", Handle: api.initializeVolumes},
		{Method: http.MethodPut, Pattern: "/volumes/uploadfinish", Handle: api.finishUpload},
		{Method: http.MethodPost, Pattern: UploadPattern, Open: api.upload},
		{Method: http.MethodGet, Pattern: "/volumes/{name}/export", Handle: api.exportVolume},
	}
}

// UploadPattern is the call that takes the files for a volume.
const UploadPattern = "/volumes/upload/{session}/{name}"

func (api *API) initializeVolumes(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Reload bool
		Volume []struct{ Name, Source string }
	}
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	req := volume.InitializeRequest{Reload: in.Reload}
	for _, v := range in.Volume {
		req.Volumes = append(req.Volumes, volume.Item{Volume: v.Name, Source: v.Source})
	}
	up, err := api.Volumes.Initialize(ctx, a, req)
	if err != nil {
		return err
	}
	out := struct {
		Session   string
		Cookie    string
		Uploaders map[string]string
	}{Session: up.Session, Cookie: up.Cookie}
	for _, name := range up.Volumes {
		if out.Uploaders == nil {
			out.Uploaders = map[string]string{}
		}
		out.Uploaders[name] = api.uploader(r, up.Session, name)
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

// uploader is where the files for a volume are sent. The original's client asks it without a certificate authority of its own, so that it is the listener
// for uploads if there is one.
func (api *API) uploader(r *http.Request, session, name string) string {
	u := url.URL{Scheme: "http", Host: r.Host, Path: "/volumes/upload/" + session + "/" + name}
	switch {
	case r.TLS != nil && api.UploadPort != "":
		host := r.Host
		if h, _, err := net.SplitHostPort(r.Host); err == nil {
			host = h
		}
		u.Host = net.JoinHostPort(host, api.UploadPort)
	case r.TLS != nil:
		u.Scheme = "https"
	}
	return u.String()
}

func (api *API) upload(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	if err := api.Volumes.Upload(ctx, r.PathValue("session"), r.Form.Get("cookie"), r.PathValue("name"), r.Body); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (api *API) finishUpload(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	session := r.Form.Get("session")
	if session == "" {
		return oops.Invalid("the session that is to be finished is missing")
	}
	if err := api.Volumes.FinishUpload(ctx, a, session); err != nil {
		return err
	}
	return rest.NoContent(w)
}

func (api *API) resizeVolume(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	gb, err := rest.Int(r, "size", 0)
	if err != nil {
		return err
	}
	if err := api.Volumes.Resize(ctx, a, r.PathValue("name"), gb); err != nil {
		return err
	}
	return rest.NoContent(w)
}

func (api *API) exportVolume(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	begun := false
	out, done := rest.PatientWriter(w, rest.Patience)
	defer done()
	err := api.Containers.ExportVolume(ctx, a, r.PathValue("name"), func() {
		begun = true
		rest.Begin(w, "application/x-tar")
	}, out)
	return rest.BrokenOff(begun, err)
}
