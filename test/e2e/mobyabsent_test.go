package e2e

import (
	"context"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// notOffered is the row of a method that hyperd answers by 501 and a sentence.
func notOffered(sentence string, call func(ctx context.Context, c *client.Client) error) mobyRow {
	return func(t *testing.T, m moby) {
		err := call(within(t), m.Client)
		if err == nil || !strings.Contains(err.Error(), sentence) {
			t.Fatalf("the answer is %v, without %q", err, sentence)
		}
		if !errdefs.IsNotImplemented(err) && !strings.Contains(err.Error(), "501") {
			t.Errorf("it is an error of another class: %v", err)
		}
	}
}

// none is the row of a method that finds nothing, since there never is such a thing.
func none(call func(ctx context.Context, c *client.Client) error) mobyRow {
	return func(t *testing.T, m moby) {
		if err := call(within(t), m.Client); !errdefs.IsNotFound(err) {
			t.Errorf("the answer is %v", err)
		}
	}
}

// fails drops what a call returns besides its error.
func fails[T any](_ T, err error) error { return err }

const (
	saysSwarm       = "Swarm is not offered"
	saysServices    = "services are not offered"
	saysPlugins     = "plugins are not offered"
	saysCheckpoints = "checkpoints are not offered"
)

// mobyAbsentRows are what Hyper does not offer.
var mobyAbsentRows = map[string]mobyRow{
	"SwarmInit": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.SwarmInit(ctx, client.SwarmInitOptions{}))
	}),
	"SwarmJoin": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.SwarmJoin(ctx, client.SwarmJoinOptions{}))
	}),
	"SwarmInspect": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.SwarmInspect(ctx, client.SwarmInspectOptions{}))
	}),
	"SwarmUpdate": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.SwarmUpdate(ctx, client.SwarmUpdateOptions{}))
	}),
	"SwarmLeave": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.SwarmLeave(ctx, client.SwarmLeaveOptions{}))
	}),
	"SwarmGetUnlockKey": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error { return fails(c.SwarmGetUnlockKey(ctx)) }),
	"SwarmUnlock": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.SwarmUnlock(ctx, client.SwarmUnlockOptions{}))
	}),

	"NodeList": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.NodeList(ctx, client.NodeListOptions{}))
	}),
	"NodeInspect": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.NodeInspect(ctx, "n", client.NodeInspectOptions{}))
	}),
	"NodeUpdate": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.NodeUpdate(ctx, "n", client.NodeUpdateOptions{}))
	}),
	"NodeRemove": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.NodeRemove(ctx, "n", client.NodeRemoveOptions{}))
	}),

	"TaskList": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.TaskList(ctx, client.TaskListOptions{}))
	}),
	"TaskInspect": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.TaskInspect(ctx, "n", client.TaskInspectOptions{}))
	}),
	"TaskLogs": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.TaskLogs(ctx, "n", client.TaskLogsOptions{ShowStdout: true}))
	}),

	"SecretList": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.SecretList(ctx, client.SecretListOptions{}))
	}),
	"SecretCreate": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.SecretCreate(ctx, client.SecretCreateOptions{}))
	}),
	"SecretInspect": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.SecretInspect(ctx, "n", client.SecretInspectOptions{}))
	}),
	"SecretUpdate": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.SecretUpdate(ctx, "n", client.SecretUpdateOptions{}))
	}),
	"SecretRemove": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.SecretRemove(ctx, "n", client.SecretRemoveOptions{}))
	}),

	"ConfigList": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.ConfigList(ctx, client.ConfigListOptions{}))
	}),
	"ConfigCreate": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.ConfigCreate(ctx, client.ConfigCreateOptions{}))
	}),
	"ConfigInspect": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.ConfigInspect(ctx, "n", client.ConfigInspectOptions{}))
	}),
	"ConfigUpdate": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.ConfigUpdate(ctx, "n", client.ConfigUpdateOptions{}))
	}),
	"ConfigRemove": notOffered(saysSwarm, func(ctx context.Context, c *client.Client) error {
		return fails(c.ConfigRemove(ctx, "n", client.ConfigRemoveOptions{}))
	}),

	"ServiceCreate": notOffered(saysServices, func(ctx context.Context, c *client.Client) error {
		return fails(c.ServiceCreate(ctx, client.ServiceCreateOptions{}))
	}),
	"ServiceUpdate": notOffered(saysServices, func(ctx context.Context, c *client.Client) error {
		return fails(c.ServiceUpdate(ctx, "n", client.ServiceUpdateOptions{}))
	}),
	"ServiceLogs": notOffered(saysServices, func(ctx context.Context, c *client.Client) error {
		return fails(c.ServiceLogs(ctx, "n", client.ServiceLogsOptions{ShowStdout: true}))
	}),
	"ServiceInspect": none(func(ctx context.Context, c *client.Client) error {
		return fails(c.ServiceInspect(ctx, "n", client.ServiceInspectOptions{}))
	}),
	"ServiceRemove": none(func(ctx context.Context, c *client.Client) error {
		return fails(c.ServiceRemove(ctx, "n", client.ServiceRemoveOptions{}))
	}),
	"ServiceList": notOffered(saysServices, func(ctx context.Context, c *client.Client) error {
		return fails(c.ServiceList(ctx, client.ServiceListOptions{}))
	}),

	"PluginList": notOffered(saysPlugins, func(ctx context.Context, c *client.Client) error {
		return fails(c.PluginList(ctx, client.PluginListOptions{}))
	}),
	"PluginInspect": none(func(ctx context.Context, c *client.Client) error {
		return fails(c.PluginInspect(ctx, "n", client.PluginInspectOptions{}))
	}),
	"PluginCreate": notOffered(saysPlugins, func(ctx context.Context, c *client.Client) error {
		return fails(c.PluginCreate(ctx, strings.NewReader(""), client.PluginCreateOptions{RepoName: "n"}))
	}),
	"PluginInstall": notOffered(saysPlugins, func(ctx context.Context, c *client.Client) error {
		return fails(c.PluginInstall(ctx, "n", client.PluginInstallOptions{RemoteRef: "example.com/n:1", AcceptAllPermissions: true}))
	}),
	"PluginUpgrade": notOffered(saysPlugins, func(ctx context.Context, c *client.Client) error {
		return fails(c.PluginUpgrade(ctx, "n", client.PluginUpgradeOptions{RemoteRef: "example.com/n:1", AcceptAllPermissions: true}))
	}),
	"PluginPush": notOffered(saysPlugins, func(ctx context.Context, c *client.Client) error {
		return fails(c.PluginPush(ctx, "n", client.PluginPushOptions{}))
	}),
	"PluginEnable": notOffered(saysPlugins, func(ctx context.Context, c *client.Client) error {
		return fails(c.PluginEnable(ctx, "n", client.PluginEnableOptions{}))
	}),
	"PluginDisable": notOffered(saysPlugins, func(ctx context.Context, c *client.Client) error {
		return fails(c.PluginDisable(ctx, "n", client.PluginDisableOptions{}))
	}),
	"PluginSet": notOffered(saysPlugins, func(ctx context.Context, c *client.Client) error {
		return fails(c.PluginSet(ctx, "n", client.PluginSetOptions{Args: []string{"a=b"}}))
	}),
	"PluginRemove": notOffered(saysPlugins, func(ctx context.Context, c *client.Client) error {
		return fails(c.PluginRemove(ctx, "n", client.PluginRemoveOptions{}))
	}),

	"CheckpointCreate": notOffered(saysCheckpoints, func(ctx context.Context, c *client.Client) error {
		return fails(c.CheckpointCreate(ctx, "n", client.CheckpointCreateOptions{CheckpointID: "c"}))
	}),
	"CheckpointList": notOffered(saysCheckpoints, func(ctx context.Context, c *client.Client) error {
		return fails(c.CheckpointList(ctx, "n", client.CheckpointListOptions{}))
	}),
	"CheckpointRemove": notOffered(saysCheckpoints, func(ctx context.Context, c *client.Client) error {
		return fails(c.CheckpointRemove(ctx, "n", client.CheckpointRemoveOptions{CheckpointID: "c"}))
	}),

	"BuildCancel": notOffered("a build ends when its client goes", func(ctx context.Context, c *client.Client) error {
		return fails(c.BuildCancel(ctx, "n", client.BuildCancelOptions{}))
	}),
	"ImageAttestations": notOffered("attestations of images are not kept", func(ctx context.Context, c *client.Client) error {
		return fails(c.ImageAttestations(ctx, "busybox"))
	}),
	"VolumeUpdate": notOffered("a volume cannot be changed", func(ctx context.Context, c *client.Client) error {
		return fails(c.VolumeUpdate(ctx, "v", client.VolumeUpdateOptions{}))
	}),
}
