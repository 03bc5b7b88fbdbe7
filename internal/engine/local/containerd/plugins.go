package containerd

// The parts of containerd that Hyper uses. There is no CRI, no NRI, no restart monitor, no transfer service: what they
// do is Hyper's own business, and each costs memory.
import (
	_ "github.com/containerd/containerd/api/types/runc/options"              // the shim's options
	_ "github.com/containerd/containerd/v2/core/metrics/cgroups"             // OOM events of cgroup v1
	_ "github.com/containerd/containerd/v2/core/metrics/cgroups/v2"          // and of v2
	_ "github.com/containerd/containerd/v2/core/runtime/v2"                  // shims
	_ "github.com/containerd/containerd/v2/plugins/content/local/plugin"     // blobs
	_ "github.com/containerd/containerd/v2/plugins/diff/walking/plugin"      // unpacking layers
	_ "github.com/containerd/containerd/v2/plugins/events"                   // events of shims
	_ "github.com/containerd/containerd/v2/plugins/gc"                       // garbage collection
	_ "github.com/containerd/containerd/v2/plugins/leases"                   // what is in use
	_ "github.com/containerd/containerd/v2/plugins/metadata"                 // bolt
	_ "github.com/containerd/containerd/v2/plugins/mount"                    // mounts
	_ "github.com/containerd/containerd/v2/plugins/sandbox"                  // needed by the task service
	_ "github.com/containerd/containerd/v2/plugins/server/grpc"              // the client's socket
	_ "github.com/containerd/containerd/v2/plugins/server/ttrpc"             // the shims' socket
	_ "github.com/containerd/containerd/v2/plugins/services/containers"      // service
	_ "github.com/containerd/containerd/v2/plugins/services/content"         // service
	_ "github.com/containerd/containerd/v2/plugins/services/diff"            // service
	_ "github.com/containerd/containerd/v2/plugins/services/events"          // service
	_ "github.com/containerd/containerd/v2/plugins/services/images"          // service
	_ "github.com/containerd/containerd/v2/plugins/services/introspection"   // service
	_ "github.com/containerd/containerd/v2/plugins/services/leases"          // service
	_ "github.com/containerd/containerd/v2/plugins/services/mounts"          // service
	_ "github.com/containerd/containerd/v2/plugins/services/namespaces"      // service
	_ "github.com/containerd/containerd/v2/plugins/services/sandbox"         // service
	_ "github.com/containerd/containerd/v2/plugins/services/snapshots"       // service
	_ "github.com/containerd/containerd/v2/plugins/services/tasks"           // service
	_ "github.com/containerd/containerd/v2/plugins/services/version"         // service
	_ "github.com/containerd/containerd/v2/plugins/services/warning"         // deprecation notes
	_ "github.com/containerd/containerd/v2/plugins/snapshots/overlay/plugin" // root file systems
)
