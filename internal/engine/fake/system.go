package fake

import (
	"context"
	"maps"
	"slices"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

// SetInfo changes what Info tells.
func (e *Engine) SetInfo(info engine.Info) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.facts = info
}

// Info implements engine.System.
func (e *Engine) Info(ctx context.Context) (engine.Info, error) {
	e.mu.Lock()
	hook, facts := e.hooks["Info"], e.facts
	e.calls = append(e.calls, Call{Method: "Info"})
	e.mu.Unlock()
	if hook != nil {
		if err := hook(ctx, Call{Method: "Info"}); err != nil {
			return engine.Info{}, err
		}
	}
	return facts, ctx.Err()
}

// Reap implements engine.System.
func (e *Engine) Reap(ctx context.Context, keep []engine.Keep) error {
	e.mu.Lock()
	hook := e.hooks["Reap"]
	e.calls = append(e.calls, Call{Method: "Reap", Arg: keep})
	e.mu.Unlock()
	if hook != nil {
		if err := hook(ctx, Call{Method: "Reap", Arg: keep}); err != nil {
			return err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	kept := map[string]engine.Keep{}
	for _, k := range keep {
		kept[k.Account.ID()] = k
	}
	for id, t := range e.accounts {
		k, ok := kept[id]
		if !ok {
			delete(e.accounts, id)
			continue
		}
		maps.DeleteFunc(t.containers, func(id string, _ *container) bool { return !slices.Contains(k.Containers, id) })
		maps.DeleteFunc(t.volumes, func(id string, _ *volume) bool { return !slices.Contains(k.Volumes, id) })
		maps.DeleteFunc(t.snapshots, func(id string, _ *volume) bool { return !slices.Contains(k.Snapshots, id) })
		maps.DeleteFunc(t.images, func(id string, _ *engine.Image) bool { return !slices.Contains(k.Images, id) })
	}
	return ctx.Err()
}

// Close implements engine.System.
func (e *Engine) Close() error { return nil }

// Left lists what an account has on the machine: "container <id>", "volume <id>", "snapshot <id>", "image <id>" and "network", sorted.
func (e *Engine) Left(a account.Ref) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.of(a)
	var out []string
	for id := range t.containers {
		out = append(out, "container "+id)
	}
	for id := range t.volumes {
		out = append(out, "volume "+id)
	}
	for id := range t.snapshots {
		out = append(out, "snapshot "+id)
	}
	for id := range t.images {
		out = append(out, "image "+id)
	}
	if t.network != nil {
		out = append(out, "network")
	}
	slices.Sort(out)
	return out
}
