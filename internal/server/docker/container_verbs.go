package docker

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

func (api *API) startContainer(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if r.Form.Get("checkpoint") != "" { // the original's client sends an empty one
		return oops.NotImplemented("a container cannot be started from a checkpoint: checkpoints are not offered")
	}
	if err := api.Containers.Start(ctx, a, r.PathValue("name")); err != nil {
		return err
	}
	return rest.NoContent(w)
}

// stopOptions reads the signal and the seconds that a stop may take; absent is the container's own.
func stopOptions(r *http.Request) (container.StopOptions, error) {
	opts := container.StopOptions{Signal: r.Form.Get("signal")}
	if r.Form.Get("t") == "" {
		return opts, nil
	}
	n, err := rest.Int(r, "t", 0)
	opts.Timeout = &n
	return opts, err
}

func (api *API) stopContainer(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	opts, err := stopOptions(r)
	if err != nil {
		return err
	}
	if err := api.Containers.Stop(ctx, a, r.PathValue("name"), opts); err != nil {
		return err
	}
	return rest.NoContent(w)
}

func (api *API) restartContainer(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	opts, err := stopOptions(r)
	if err != nil {
		return err
	}
	if err := api.Containers.Restart(ctx, a, r.PathValue("name"), opts); err != nil {
		return err
	}
	return rest.NoContent(w)
}

// strays are signals that builds of the original's client get from their runtime and pass on (api 6.7).
var strays = []string{"URG", "SIGURG", "PIPE", "SIGPIPE"}

func (api *API) killContainer(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	name, sig := r.PathValue("name"), r.Form.Get("signal")
	if rest.Before(ctx, 24) && slices.Contains(strays, strings.ToUpper(sig)) {
		if _, err := api.Containers.Get(a, name); err != nil {
			return err
		}
		return rest.NoContent(w)
	}
	if err := api.Containers.Kill(ctx, a, name, sig); err != nil {
		return err
	}
	return rest.NoContent(w)
}

func (api *API) pauseContainer(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if err := api.Containers.Pause(ctx, a, r.PathValue("name")); err != nil {
		return err
	}
	return rest.NoContent(w)
}

func (api *API) unpauseContainer(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if err := api.Containers.Unpause(ctx, a, r.PathValue("name")); err != nil {
		return err
	}
	return rest.NoContent(w)
}

func (api *API) renameContainer(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if err := api.Containers.Rename(ctx, a, r.PathValue("name"), r.Form.Get("name")); err != nil {
		return err
	}
	return rest.NoContent(w)
}

// consoleSize reads the size of a terminal.
func consoleSize(r *http.Request) (rows, cols uint16, err error) {
	h, err := rest.Int(r, "h", 0)
	if err != nil {
		return 0, 0, err
	}
	w, err := rest.Int(r, "w", 0)
	if err != nil {
		return 0, 0, err
	}
	if h < 0 || h > math.MaxUint16 || w < 0 || w > math.MaxUint16 {
		return 0, 0, oops.Invalid("a terminal cannot have %d rows and %d columns", h, w)
	}
	return uint16(h), uint16(w), nil
}

func (api *API) resizeContainer(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if _, err := api.Containers.Get(a, r.PathValue("name")); err != nil {
		return err
	}
	rows, cols, err := consoleSize(r)
	if err != nil {
		return err
	}
	if err := api.Containers.Resize(ctx, a, r.PathValue("name"), rows, cols); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}
