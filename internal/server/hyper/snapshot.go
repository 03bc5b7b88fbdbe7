package hyper

import (
	"context"
	"net/http"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/snapshot"
	"github.com/hypercloud/hyper/internal/server/rest"
	"github.com/hypercloud/hyper/internal/store"
)

// snapshotAnswer is api 9's object. The fields after Size are for clients that came later than the original.
type snapshotAnswer struct {
	ID        string `json:"Id"`
	Name      string
	Volume    string
	Size      int    // GB, of the volume
	CreatedAt string `json:",omitempty"` // RFC 3339
	Schedule  string `json:",omitempty"`
}

func (api *API) shownSnapshot(ctx context.Context, a account.Ref, s *store.Snapshot) snapshotAnswer {
	out := snapshotAnswer{ID: s.ID, Name: s.Name, Volume: api.Snapshots.VolumeName(a, s), Size: s.SizeGB}
	if !rest.Before(ctx, 24) {
		out.CreatedAt, out.Schedule = s.CreatedAt.UTC().Format(time.RFC3339), s.Spec.Schedule
	}
	return out
}

func (api *API) listSnapshots(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	filters, err := rest.Filters(r, "dangling", "name", "volume")
	if err != nil {
		return err
	}
	rows, err := api.Snapshots.List(a, filters)
	if err != nil {
		return err
	}
	out := struct {
		Snapshots []snapshotAnswer
		Warnings  []string
	}{Snapshots: make([]snapshotAnswer, 0, len(rows))}
	for _, s := range rows {
		out.Snapshots = append(out.Snapshots, api.shownSnapshot(ctx, a, s))
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

// createSnapshot takes what is asked for from the query or from a body, which say the same; there may be no body.
func (api *API) createSnapshot(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	in := struct {
		Volume, Name string
		Force        bool
	}{r.Form.Get("volume"), r.Form.Get("name"), rest.Bool(r, "force")}
	if r.ContentLength != 0 {
		if err := rest.ReadJSON(w, r, &in); err != nil {
			return err
		}
	}
	if in.Volume == "" {
		in.Volume = r.Form.Get("volume")
	}
	s, err := api.Snapshots.Create(ctx, a, snapshot.CreateRequest{Volume: in.Volume, Name: in.Name, Force: in.Force})
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusCreated, api.shownSnapshot(ctx, a, s))
}

func (api *API) inspectSnapshot(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	s, err := api.Snapshots.Find(a, r.PathValue("name"))
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusOK, api.shownSnapshot(ctx, a, s))
}

func (api *API) removeSnapshot(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if err := api.Snapshots.Remove(ctx, a, r.PathValue("name")); err != nil {
		return err
	}
	return rest.NoContent(w)
}

// restoreSnapshot answers with the snapshot that keeps what the volume held before.
func (api *API) restoreSnapshot(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	safety, err := api.Snapshots.Restore(ctx, a, r.PathValue("name"))
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusOK, api.shownSnapshot(ctx, a, safety))
}
