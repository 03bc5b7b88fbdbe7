package docker

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/hypercloud/hyper/internal/account"
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

// timeout reads the seconds that a stop may take; absent is nil, the container's own.
func timeout(r *http.Request) (*int, error) {
	if r.Form.Get("t") == "" {
		return nil, nil
	}
	n, err := rest.Int(r, "t", 0)
	return &n, err
}

// otherSignal refuses to stop a container by another signal than its own.
func otherSignal(r *http.Request) error {
	if s := r.Form.Get("signal"); s != "" {
		return oops.NotImplemented("a container is stopped by its own stop signal: send %s by kill, or create the container with --stop-signal", s)
	}
	return nil
}

func (api *API) stopContainer(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	t, err := timeout(r)
	if err != nil {
		return err
	}
	if err := otherSignal(r); err != nil {
		return err
	}
	if err := api.Containers.Stop(ctx, a, r.PathValue("name"), t); err != nil {
		return err
	}
	return rest.NoContent(w)
}

func (api *API) restartContainer(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	t, err := timeout(r)
	if err != nil {
		return err
	}
	if err := otherSignal(r); err != nil {
		return err
	}
	if err := api.Containers.Restart(ctx, a, r.PathValue("name"), t); err != nil {
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
