// Command containerd-shim-hyper-v2 holds a container's processes while hyperd comes and goes. It is containerd's shim for
// runc with two things more: a container's pipes are kept open until its task is deleted, so that what the container wrote
// last waits for a hyperd that is away; and when its process began and ended is noted, by a clock that nobody can set.
package main

import (
	"context"
	"runtime/debug"

	"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2/manager"
	"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2/task"
	"github.com/containerd/containerd/v2/pkg/shim"
	"github.com/containerd/containerd/v2/pkg/shutdown"
	"github.com/containerd/containerd/v2/pkg/sys/reaper"
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
			times := newTimekeeper(publisher.(shim.Publisher))
			exits := reaper.Default.Subscribe()
			go func() {
				for e := range exits {
					times.exited(e.Pid, e.Timestamp)
				}
			}()
			tasks, err := task.NewTaskService(ending{ic.Context}, times, end.(shutdown.Service))
			if err != nil {
				return nil, err
			}
			return newKeeper(tasks, times), nil
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
