package hyper

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/compose"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// readerPatience is how long one message may wait for a client that does not read. The command goes on without it.
const readerPatience = 10 * time.Second

// composeMessage is one line of a compose command's stream. Progress has details, which clients without a terminal do not show.
type composeMessage struct {
	Status   string           `json:"status,omitempty"`
	ID       string           `json:"id,omitempty"`
	Progress *composeProgress `json:"progressDetail,omitempty"`
	Detail   *composeError    `json:"errorDetail,omitempty"`
	Error    string           `json:"error,omitempty"`
}

type composeProgress struct {
	Current int64 `json:"current"`
	Total   int64 `json:"total"`
}

type composeError struct {
	Message string `json:"message"`
}

// narrate carries out a command whose lines are an answer's stream. An error before the first line is the answer's status, a later
// one a message. A client that goes away, or does not read, misses lines and stops nothing.
func narrate(w http.ResponseWriter, command func(out func(compose.Message)) error) error {
	stream := rest.NewMessages(w, "application/json", "")
	control := http.NewResponseController(w)
	gone := false
	send := func(m composeMessage) {
		if gone {
			return
		}
		_ = control.SetWriteDeadline(time.Now().Add(readerPatience))
		gone = stream.Send(m) != nil
	}
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }()
	err := command(func(m compose.Message) {
		line := composeMessage{Status: m.Status, ID: m.ID}
		if m.Total > 0 {
			line.Progress = &composeProgress{m.Current, m.Total}
		}
		send(line)
	})
	if err == nil || !stream.Started() {
		return err
	}
	send(composeMessage{Detail: &composeError{rest.Sentence(err)}, Error: rest.Sentence(err)})
	return nil
}

// named reads the services of a command: names joined by }{.
func named(r *http.Request) []string {
	var out []string
	for _, s := range strings.Split(r.Form.Get("services"), "}{") {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

func (api *API) composeUp(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	return api.define(ctx, a, w, r, api.Compose.Up)
}

func (api *API) composeCreate(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	return api.define(ctx, a, w, r, api.Compose.Create)
}

func (api *API) define(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request, command composeDefine) error {
	var in composeRequest
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	spec, err := in.spec()
	if err != nil {
		return err
	}
	o := compose.UpOptions{
		Services: named(r), ForceRecreate: rest.Bool(r, "forcerecreate"), NoRecreate: rest.Bool(r, "norecreate"), Auths: in.auths(),
	}
	return narrate(w, func(out func(compose.Message)) error {
		return command(ctx, a, r.Form.Get("project"), spec, o, out)
	})
}

func (api *API) composeStart(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	return narrate(w, func(out func(compose.Message)) error {
		return api.Compose.Start(ctx, a, r.Form.Get("project"), named(r), out)
	})
}

func (api *API) composeStop(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	var seconds *int
	if r.Form.Get("seconds") != "" {
		n, err := rest.Int(r, "seconds", 0)
		if err != nil {
			return err
		}
		seconds = &n
	}
	return narrate(w, func(out func(compose.Message)) error {
		return api.Compose.Stop(ctx, a, r.Form.Get("project"), named(r), seconds, out)
	})
}

func (api *API) composeKill(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	return narrate(w, func(out func(compose.Message)) error {
		return api.Compose.Kill(ctx, a, r.Form.Get("project"), named(r), r.Form.Get("signal"), out)
	})
}

func (api *API) composeRemove(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	return narrate(w, func(out func(compose.Message)) error {
		return api.Compose.Remove(ctx, a, r.Form.Get("project"), named(r), rest.Bool(r, "rmvol"), out)
	})
}

func (api *API) composeDown(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	o := compose.DownOptions{Services: named(r), Images: r.Form.Get("rmi"), Volumes: rest.Bool(r, "rmvol"), Orphans: rest.Bool(r, "rmorphans")}
	return narrate(w, func(out func(compose.Message)) error {
		return api.Compose.Down(ctx, a, r.Form.Get("project"), o, out)
	})
}
