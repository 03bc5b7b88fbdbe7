package containerd

// The parts of containerd that Hyper uses. There is no CRI, no NRI, no restart monitor, no transfer service, no mount
// manager and no metrics: what they do is Hyper's own business or nobody's, and each costs memory.
import (
	_ "github.com/containerd/containerd/api/types/runc/options"              // the shim's options
	_ "github.com/containerd/containerd/v2/core/runtime/v2"                  // shims and tasks
	_ "github.com/containerd/containerd/v2/plugins/content/local/plugin"     // blobs
	_ "github.com/containerd/containerd/v2/plugins/diff/walking/plugin"      // comparing and applying layers
	_ "github.com/containerd/containerd/v2/plugins/events"                   // events of shims
	_ "github.com/containerd/containerd/v2/plugins/gc"                       // garbage collection
	_ "github.com/containerd/containerd/v2/plugins/leases"                   // what is in use
	_ "github.com/containerd/containerd/v2/plugins/metadata"                 // bolt
	_ "github.com/containerd/containerd/v2/plugins/server/grpc"              // the socket for an operator's ctr
	_ "github.com/containerd/containerd/v2/plugins/server/ttrpc"             // the shims' socket
	_ "github.com/containerd/containerd/v2/plugins/services/containers"      // service
	_ "github.com/containerd/containerd/v2/plugins/services/content"         // service
	_ "github.com/containerd/containerd/v2/plugins/services/diff"            // service
	_ "github.com/containerd/containerd/v2/plugins/services/events"          // service
	_ "github.com/containerd/containerd/v2/plugins/services/images"          // service
	_ "github.com/containerd/containerd/v2/plugins/services/introspection"   // service
	_ "github.com/containerd/containerd/v2/plugins/services/leases"          // service
	_ "github.com/containerd/containerd/v2/plugins/services/namespaces"      // service
	_ "github.com/containerd/containerd/v2/plugins/services/snapshots"       // service
	_ "github.com/containerd/containerd/v2/plugins/services/tasks"           // service
	_ "github.com/containerd/containerd/v2/plugins/services/version"         // service
	_ "github.com/containerd/containerd/v2/plugins/services/warning"         // deprecation notes, which tasks demand
	_ "github.com/containerd/containerd/v2/plugins/snapshots/overlay/plugin" // root file systems
)

// disabled are plugins that come along with a package above. The counters of grpc's calls would register themselves with the
// process a second time when a test starts a second containerd.
var disabled = []string{"io.containerd.metrics.v1.grpc-prometheus", "io.containerd.metrics.v1.grpc-otel"}

// required are plugins without which there is no use in going on.
var required = []string{
	"io.containerd.content.v1.content",
	"io.containerd.snapshotter.v1.overlayfs",
	"io.containerd.metadata.v1.bolt",
	"io.containerd.gc.v1.scheduler",
	"io.containerd.runtime.v2.task",
	"io.containerd.server.v1.ttrpc",
	insideType + "." + insideID,
}
