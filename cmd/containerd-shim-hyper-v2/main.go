// Command containerd-shim-hyper-v2 holds a container's processes while hyperd comes and goes. It is containerd's shim for
// runc with one thing more: a container's pipes are kept open until its task is deleted, so that what the container wrote
// last waits for a hyperd that is away.
package main

import (
	"context"
	"runtime/debug"

	"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2/manager"
	"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2/task"
	"github.com/containerd/containerd/v2/pkg/shim"
	"github.com/containerd/containerd/v2/pkg/shutdown"
	"github.com/containerd/containerd/v2/plugins"
	"github.com/containerd/plugin"
	"github.com/containerd/plugin/registry"
)

func init() {
	registry.Register(&plugin.Registration{
		Type:     plugins.TTRPCPlugin,
		ID:       "task",
		Requires: []plugin.Type{plugins.EventPlugin, plugins.InternalPlugin},
		InitFn: func(ic *plugin.InitContext) (any, error) {
			publisher, err := ic.GetByID(plugins.EventPlugin, "publisher")
			if err != nil {
				return nil, err
			}
			end, err := ic.GetByID(plugins.InternalPlugin, "shutdown")
			if err != nil {
				return nil, err
			}
			tasks, err := task.NewTaskService(ending{ic.Context}, publisher.(shim.Publisher), end.(shutdown.Service))
			if err != nil {
				return nil, err
			}
			return newKeeper(tasks), nil
		},
	})
}

// ending is a context that says the usual thing when the shim ends. The watcher for want of memory goes on at any other
// error, without a pause and with a line in the log each time.
type ending struct{ context.Context }

func (c ending) Err() error {
	if c.Context.Err() == nil {
		return nil
	}
	return context.Canceled
}

func main() {
	debug.SetGCPercent(100) // hyperd turns collection off, for the sake of runc
	shim.RunShim(context.Background(), manager.NewShimManager("io.containerd.runc.v2"))
}
