package docker

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/moby/moby/api/types/container"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

type execRequest struct {
	container.ExecCreateRequest
	Cmd    words
	Detach bool // from clients of old
}

// errMisconfigured is the original's answer to an exec of the wrong content type (api 6.4).
var errMisconfigured = errors.New("The server encountered an internal error or misconfiguration: the content type must be application/json")

func (api *API) createExec(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if ct, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); rest.Before(ctx, 24) && ct != "application/json" {
		return errMisconfigured
	}
	var in execRequest
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	cfg := cloud.ExecConfig{
		User: in.User, Tty: in.Tty, AttachStdin: in.AttachStdin, AttachStdout: in.AttachStdout, AttachStderr: in.AttachStderr,
		Detach: in.Detach, DetachKeys: in.DetachKeys, Env: in.Env, WorkingDir: in.WorkingDir, Cmd: in.Cmd, Privileged: in.Privileged,
	}
	if in.ConsoleSize != nil {
		cfg.ConsoleSize = [2]uint16{clamp(in.ConsoleSize[0]), clamp(in.ConsoleSize[1])}
	}
	if len(cfg.Cmd) == 0 {
		return oops.Invalid("No exec command specified")
	}
	id, err := api.Containers.ExecCreate(ctx, a, r.PathValue("name"), cfg)
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusCreated, container.ExecCreateResponse{ID: id})
}

// startExec runs an exec: detached, or with the connection taken over for its streams.
func (api *API) startExec(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	var in container.ExecStartRequest
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	x, err := api.Containers.ExecInspect(a, r.PathValue("id"))
	if err != nil {
		return err
	}
	var size [2]uint16
	if in.ConsoleSize != nil {
		size = [2]uint16{clamp(in.ConsoleSize[0]), clamp(in.ConsoleSize[1])}
	}
	if in.Detach {
		if err := api.Containers.ExecStart(ctx, a, x.ID, engine.Streams{}, true, size); err != nil {
			return err
		}
		w.WriteHeader(http.StatusOK)
		return nil
	}
	if err := api.execable(a, x); err != nil {
		return err
	}
	tty := x.Config.Tty
	ctx, conn, err := rest.Hijack(ctx, w, r, streamType(ctx, tty))
	if err != nil {
		return err
	}
	defer conn.Finish()
	out, errs := outputs(conn, tty)
	var streams engine.Streams
	if x.Config.AttachStdin {
		streams.Stdin = conn
	}
	if x.Config.AttachStdout {
		streams.Stdout = out
	}
	if x.Config.AttachStderr {
		streams.Stderr = errs
	}
	if err := api.Containers.ExecStart(ctx, a, x.ID, streams, false, size); err != nil && ctx.Err() == nil {
		_, _ = io.WriteString(errs, rest.Sentence(err)+"\r\n")
	}
	return nil
}

// execable says what can be known to be wrong before the connection is taken over.
func (api *API) execable(a account.Ref, x cloud.Exec) error {
	if x.Started {
		return oops.Conflict("exec %s has already run", x.ID)
	}
	c, err := api.Containers.Get(a, x.ContainerID)
	if err != nil {
		return err
	}
	if !c.State.Status.Live() {
		return oops.Conflict("container %s is not running", c.ID)
	}
	return nil
}

func (api *API) resizeExec(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if _, err := api.Containers.ExecInspect(a, r.PathValue("id")); err != nil {
		return err
	}
	rows, cols, err := consoleSize(r)
	if err != nil {
		return err
	}
	if err := api.Containers.ExecResize(ctx, a, r.PathValue("id"), rows, cols); err != nil {
		return err
	}
	status := http.StatusOK
	if rest.Before(ctx, 24) {
		status = http.StatusCreated
	}
	w.WriteHeader(status)
	return nil
}

func (api *API) inspectExec(_ context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	x, err := api.Containers.ExecInspect(a, r.PathValue("id"))
	if err != nil {
		return err
	}
	no := false
	out := container.ExecInspectResponse{
		ID: x.ID, ContainerID: x.ContainerID, Running: x.Running, ExitCode: x.ExitCode, Pid: x.Pid,
		OpenStdin: x.Config.AttachStdin, OpenStdout: x.Config.AttachStdout, OpenStderr: x.Config.AttachStderr,
		CanRemove: x.ExitCode != nil, DetachKeys: []byte(x.Config.DetachKeys),
		ProcessConfig: &container.ExecProcessConfig{Tty: x.Config.Tty, Privileged: &no, User: x.Config.User, Arguments: []string{}},
	}
	if len(x.Config.Cmd) > 0 {
		out.ProcessConfig.Entrypoint, out.ProcessConfig.Arguments = x.Config.Cmd[0], list(x.Config.Cmd[1:])
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}
