//go:build !nodeps

// Package deps pins modules while their users are being written.
package deps

import (
	_ "github.com/chromedp/chromedp"
	_ "github.com/containerd/cgroups/v3/cgroup1/stats"
	_ "github.com/containerd/containerd/v2/client"
	_ "github.com/containerd/containerd/v2/cmd/containerd/server"
	_ "github.com/containerd/containerd/v2/core/metadata"
	_ "github.com/containerd/containerd/v2/core/remotes/docker"
	_ "github.com/containerd/containerd/v2/core/runtime/v2"
	_ "github.com/containerd/containerd/v2/plugins/content/local/plugin"
	_ "github.com/containerd/containerd/v2/plugins/services/tasks"
	_ "github.com/containerd/containerd/v2/plugins/snapshots/overlay/plugin"
	_ "github.com/creack/pty"
	_ "github.com/docker/cli/cli/command"
	_ "github.com/docker/cli/cli/command/commands"
	_ "github.com/goccy/go-yaml"
	_ "github.com/google/go-containerregistry/pkg/v1/tarball"
	_ "github.com/miekg/dns"
	_ "github.com/moby/go-archive"
	_ "github.com/moby/moby/api/types/container"
	_ "github.com/moby/moby/client"
	_ "github.com/moby/profiles/seccomp"
	_ "github.com/rogpeppe/go-internal/testscript"
	_ "github.com/vishvananda/netlink"
	_ "github.com/vishvananda/netns"
	_ "golang.org/x/sync/errgroup"
	_ "modernc.org/sqlite"
)
