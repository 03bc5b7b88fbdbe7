package containerd

import (
	"context"
	"fmt"

	containersapi "github.com/containerd/containerd/api/services/containers/v1"
	diffapi "github.com/containerd/containerd/api/services/diff/v1"
	imagesapi "github.com/containerd/containerd/api/services/images/v1"
	namespacesapi "github.com/containerd/containerd/api/services/namespaces/v1"
	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/introspection"
	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/plugins"
	"github.com/containerd/containerd/v2/plugins/services"
	"github.com/containerd/plugin"
	"github.com/containerd/plugin/registry"
)

// A client inside the process calls containerd's services as functions: nothing is encoded, no socket is in between. A plugin
// of our own sees the others as they are made and builds that client; Start finds it through the context that
// every plugin is made with.
const (
	insideType = "sh.hyper.client.v1"
	insideID   = "inside"
)

type handKey struct{}

// hand is where the plugin puts the client, and what sweeps the snapshots' directory.
type hand struct {
	client *containerd.Client
	sweep  snapshots.Cleaner
}

func init() {
	registry.Register(&plugin.Registration{
		Type:     insideType,
		ID:       insideID,
		Requires: []plugin.Type{plugins.EventPlugin, plugins.LeasePlugin, plugins.ServicePlugin, plugins.SnapshotPlugin},
		InitFn: func(ic *plugin.InitContext) (any, error) {
			h, ok := ic.Context.Value(handKey{}).(*hand)
			if !ok {
				return nil, plugin.ErrSkipPlugin
			}
			sn, err := ic.GetByID(plugins.SnapshotPlugin, "overlayfs")
			if err != nil {
				return nil, err
			}
			if h.sweep, ok = sn.(snapshots.Cleaner); !ok {
				return nil, fmt.Errorf("the snapshotter cannot sweep its directory")
			}
			h.client, err = inside(ic)
			return h.client, err
		},
	})
}

func withHand(ctx context.Context, h *hand) context.Context {
	return context.WithValue(ctx, handKey{}, h)
}

// inside makes a client of the services that ic knows.
func inside(ic *plugin.InitContext) (*containerd.Client, error) {
	events, err := ic.GetSingle(plugins.EventPlugin)
	if err != nil {
		return nil, err
	}
	lm, err := ic.GetSingle(plugins.LeasePlugin)
	if err != nil {
		return nil, err
	}
	opts := []containerd.ServicesOpt{
		containerd.WithEventService(events.(containerd.EventService)),
		containerd.WithLeasesService(lm.(leases.Manager)),
	}
	for id, use := range map[string]func(any) containerd.ServicesOpt{
		services.ContentService: func(s any) containerd.ServicesOpt { return containerd.WithContentStore(s.(content.Store)) },
		services.ImagesService:  func(s any) containerd.ServicesOpt { return containerd.WithImageClient(s.(imagesapi.ImagesClient)) },
		services.ContainersService: func(s any) containerd.ServicesOpt {
			return containerd.WithContainerClient(s.(containersapi.ContainersClient))
		},
		services.NamespacesService: func(s any) containerd.ServicesOpt {
			return containerd.WithNamespaceClient(s.(namespacesapi.NamespacesClient))
		},
		services.TasksService: func(s any) containerd.ServicesOpt { return containerd.WithTaskClient(s.(tasksapi.TasksClient)) },
		services.DiffService:  func(s any) containerd.ServicesOpt { return containerd.WithDiffClient(s.(diffapi.DiffClient)) },
		services.SnapshotsService: func(s any) containerd.ServicesOpt {
			return containerd.WithSnapshotters(s.(map[string]snapshots.Snapshotter))
		},
		services.IntrospectionService: func(s any) containerd.ServicesOpt {
			return containerd.WithIntrospectionService(s.(introspection.Service))
		},
	} {
		s, err := ic.GetByID(plugins.ServicePlugin, id)
		if err != nil {
			return nil, fmt.Errorf("service %s: %w", id, err)
		}
		opts = append(opts, use(s))
	}
	return containerd.New("", containerd.WithServices(opts...))
}
