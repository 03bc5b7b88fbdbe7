package docker

import (
	"context"
	"io"
	"net/http"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
	"github.com/hypercloud/hyper/internal/store"
)

// attach connects a client with a container's streams. After the connection is taken over an error can only be
// told in the stream, so what can be known is checked before.
func (api *API) attach(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	c, err := api.Containers.Get(a, r.PathValue("name"))
	if err != nil {
		return err
	}
	if c.State.Status == store.StatusPaused {
		return oops.Conflict("container %s is paused, unpause the container before attach", c.Name)
	}
	if c.State.Status == store.StatusRestarting {
		return oops.Conflict("container %s is restarting, wait until the container is running", c.Name)
	}
	opts := cloud.AttachOptions{Stream: rest.Bool(r, "stream"), Logs: rest.Bool(r, "logs"), DetachKeys: r.Form.Get("detachKeys")}
	stdin, stdout, stderr := rest.Bool(r, "stdin"), rest.Bool(r, "stdout"), rest.Bool(r, "stderr")

	ctx, conn, err := rest.Hijack(ctx, w, r, streamType(ctx, c.Spec.Tty))
	if err != nil {
		return err
	}
	defer conn.Finish()
	out, errs := outputs(conn, c.Spec.Tty)
	if stdin {
		opts.Stdin = conn
	}
	if stdout {
		opts.Stdout = out
	}
	if stderr {
		opts.Stderr = errs
	}
	if err := api.Containers.Attach(ctx, a, c.ID, opts); err != nil && ctx.Err() == nil {
		_, _ = io.WriteString(errs, rest.Sentence(err)+"\r\n")
	}
	return nil
}
