package docker

import (
	"context"
	"net/http"

	"github.com/moby/moby/api/types/container"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// wait sends the head as soon as the wait is registered: clients start the container only then.
func (api *API) wait(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	condition := cloud.WaitNotRunning
	if c := r.Form.Get("condition"); c != "" && !rest.Before(ctx, 30) {
		condition = cloud.WaitCondition(c)
	}
	result, err := api.Containers.Wait(ctx, a, r.PathValue("name"), condition)
	if err != nil {
		return err
	}
	out := rest.NewMessages(w, "application/json", "")
	out.Start()
	select {
	case <-ctx.Done():
		return nil
	case res := <-result:
		if ctx.Err() != nil {
			return nil
		}
		answer := container.WaitResponse{StatusCode: int64(res.ExitCode)}
		if res.Err != nil {
			answer.Error = &container.WaitExitError{Message: res.Err.Error()}
		}
		return out.Send(answer)
	}
}
