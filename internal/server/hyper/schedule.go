package hyper

import (
	"context"
	"net/http"
	"time"

	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/server/rest"
	"github.com/hypercloud/hyper/internal/store"
)

func (api *API) listSchedules(_ context.Context, a account.Ref, w http.ResponseWriter, _ *http.Request) error {
	out := []types.Schedule{}
	for _, p := range api.Snapshots.Schedules(a) {
		out = append(out, types.Schedule{
			Volume: p.Volume, Name: p.Name, Every: int64(p.Every / time.Second), Keep: p.Keep, Snapshots: p.Have, Next: p.Next.UTC().Format(time.RFC3339),
		})
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

func (api *API) createSchedule(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	var in types.Schedule
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	plan := store.Schedule{Name: in.Name, Every: seconds(in.Every), Keep: in.Keep}
	if err := api.Snapshots.AddSchedule(ctx, a, r.PathValue("name"), plan); err != nil {
		return err
	}
	w.WriteHeader(http.StatusCreated)
	return nil
}

// seconds is a duration, with what does not fit one cut to what the rules refuse.
func seconds(n int64) time.Duration {
	const most = int64(1 << 40 / time.Microsecond)
	return time.Duration(max(min(n, most), -1)) * time.Second
}

func (api *API) removeSchedule(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if err := api.Snapshots.RemoveSchedule(ctx, a, r.PathValue("name"), r.PathValue("schedule")); err != nil {
		return err
	}
	return rest.NoContent(w)
}
