package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// mobyContainerRows are the life of containers, and what is told of them.
var mobyContainerRows = map[string]mobyRow{
	"ContainerCreate": func(t *testing.T, m moby) {
		no := false
		id := m.create(t, client.ContainerCreateOptions{
			Name: "made",
			Config: &container.Config{
				Cmd: []string{"env"}, Env: []string{"A=1"}, Labels: map[string]string{"l": "v"}, WorkingDir: "/tmp", User: "7", StopSignal: "SIGUSR1",
				Hostname: "there", Volumes: map[string]struct{}{"/data": {}},
			},
			HostConfig: &container.HostConfig{
				RestartPolicy: container.RestartPolicy{Name: "on-failure", MaximumRetryCount: 2}, CapDrop: []string{"NET_RAW"}, Init: &no,
				Tmpfs: map[string]string{"/scratch": "size=1m"}, ReadonlyRootfs: true,
			},
		})
		in := m.inspect(t, id)
		want(t, "the name", in.Name, "/made")
		want(t, "the command", strings.Join(in.Config.Cmd, " "), "env")
		want(t, "the host name", in.Config.Hostname, "there")
		want(t, "the restart policy", in.HostConfig.RestartPolicy.MaximumRetryCount, 2)
		want(t, "its root file system being read-only", in.HostConfig.ReadonlyRootfs, true)
		want(t, "the state", in.State.Status, container.StateCreated)
		if len(in.Mounts) != 1 || in.Mounts[0].Destination != "/data" {
			t.Errorf("the mounts are %+v", in.Mounts)
		}
		warned, err := m.ContainerCreate(within(t), client.ContainerCreateOptions{
			Config: &container.Config{Image: "busybox"}, HostConfig: &container.HostConfig{Resources: container.Resources{Memory: 64 << 20}},
		})
		must(t, warned, err)
		defer m.remove(t, warned.ID)
		wantIn(t, "the warning", strings.Join(warned.Warnings, "\n"), "memory")
		if _, err := m.ContainerCreate(within(t), client.ContainerCreateOptions{Name: "made", Config: &container.Config{Image: "busybox"}}); !errdefs.IsConflict(err) {
			t.Errorf("a name that is in use: %v", err)
		}
		if _, err := m.ContainerCreate(within(t), client.ContainerCreateOptions{Config: &container.Config{Image: "no/such:1"}}); !errdefs.IsNotFound(err) {
			t.Errorf("an image that is not there: %v", err)
		}
		if _, err := m.ContainerCreate(within(t), client.ContainerCreateOptions{
			Config: &container.Config{Image: "busybox"}, HostConfig: &container.HostConfig{Privileged: true},
		}); !errdefs.IsInvalidArgument(err) && !errdefs.IsPermissionDenied(err) && !errdefs.IsNotImplemented(err) {
			t.Errorf("a privileged one: %v", err)
		}
	},
	"ContainerInspect": func(t *testing.T, m moby) {
		id := m.start(t, "sh", "-c", "echo 12345 >/file; sleep 1000")
		in := m.inspect(t, id)
		if in.ID != id || !in.State.Running || in.State.Pid == 0 || in.State.StartedAt == "" || in.Image == "" || in.Path != "sh" || in.Driver == "" || in.Platform != "linux" {
			t.Errorf("%+v", in)
		}
		nw := in.NetworkSettings.Networks["bridge"]
		if nw == nil || !nw.IPAddress.IsValid() || nw.NetworkID == "" || nw.EndpointID == "" || len(nw.MacAddress) == 0 {
			t.Errorf("its place in the network is %+v", nw)
		}
		eventually(t, "the size is told", func() string {
			r, err := m.ContainerInspect(within(t), id[:12], client.ContainerInspectOptions{Size: true})
			must(t, r, err)
			switch {
			case r.Container.SizeRw == nil || *r.Container.SizeRw <= 0:
				return "nothing is written"
			case r.Container.SizeRootFs == nil || *r.Container.SizeRootFs < *r.Container.SizeRw:
				return "the root file system has no size"
			}
			return ""
		})
		if _, err := m.ContainerInspect(within(t), "nothing", client.ContainerInspectOptions{}); !errdefs.IsNotFound(err) {
			t.Errorf("what is not there: %v", err)
		}
	},
	"ContainerList": func(t *testing.T, m moby) {
		first := m.create(t, client.ContainerCreateOptions{Name: "listed", Config: &container.Config{Cmd: []string{"true"}, Labels: map[string]string{"k": "v"}}})
		second := m.idle(t)
		ids := func(opts client.ContainerListOptions) string {
			r, err := m.ContainerList(within(t), opts)
			var out []string
			for _, c := range must(t, r, err).Items {
				out = append(out, c.ID)
			}
			return strings.Join(out, " ")
		}
		f := func(pairs ...string) client.Filters {
			out := client.Filters{}
			for i := 0; i < len(pairs); i += 2 {
				out.Add(pairs[i], pairs[i+1])
			}
			return out
		}
		want(t, "what runs", ids(client.ContainerListOptions{}), second)
		want(t, "all", ids(client.ContainerListOptions{All: true}), second+" "+first)
		want(t, "the last one", ids(client.ContainerListOptions{Limit: 1}), second)
		want(t, "the latest", ids(client.ContainerListOptions{Latest: true}), second)
		for _, filters := range []client.Filters{f("name", "listed"), f("label", "k=v"), f("status", "created"), f("before", second), f("id", first)} {
			want(t, "what is found", ids(client.ContainerListOptions{All: true, Filters: filters}), first)
		}
		want(t, "what came later", ids(client.ContainerListOptions{All: true, Filters: f("since", first)}), second)
		r, err := m.ContainerList(within(t), client.ContainerListOptions{Size: true})
		c := must(t, r, err).Items[0]
		if c.SizeRootFs == 0 || c.ImageID == "" || c.Image != "busybox" || c.State != container.StateRunning || !strings.HasPrefix(c.Status, "Up ") ||
			c.NetworkSettings.Networks["bridge"] == nil || c.HostConfig.NetworkMode == "" {
			t.Errorf("%+v", c)
		}
		if _, err := m.ContainerList(within(t), client.ContainerListOptions{Filters: f("bogus", "x")}); !errdefs.IsInvalidArgument(err) {
			t.Errorf("a filter that there is not: %v", err)
		}
	},
	"ContainerStart": func(t *testing.T, m moby) {
		id := m.made(t, "sleep", "1000")
		for range 2 { // the second time it is no error
			if _, err := m.ContainerStart(within(t), id, client.ContainerStartOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		want(t, "running", m.inspect(t, id).State.Running, true)
		bad := m.made(t, "/no/such")
		if _, err := m.ContainerStart(within(t), bad, client.ContainerStartOptions{}); err == nil || !strings.Contains(err.Error(), "/no/such") {
			t.Errorf("a command that is not there: %v", err)
		}
		want(t, "its exit code", m.inspect(t, bad).State.ExitCode, 127)
		if _, err := m.ContainerStart(within(t), id, client.ContainerStartOptions{CheckpointID: "c"}); err == nil {
			t.Error("it starts from a checkpoint")
		}
	},
	"ContainerStop": func(t *testing.T, m moby) {
		id := m.idle(t)
		if _, err := m.ContainerStop(within(t), id, client.ContainerStopOptions{}); err != nil {
			t.Fatal(err)
		}
		want(t, "the state", m.inspect(t, id).State.Status, container.StateExited)
		deaf := m.start(t, "sh", "-c", "trap '' TERM; trap 'exit 5' USR1; while :; do sleep 0.1; done")
		long := 30
		eventually(t, "it can hear", func() string { return hears(m, t, deaf, "SIGUSR1") })
		if _, err := m.ContainerStop(within(t), deaf, client.ContainerStopOptions{Signal: "SIGUSR1", Timeout: &long}); err != nil {
			t.Fatal(err)
		}
		want(t, "the exit code after the signal that was named", m.inspect(t, deaf).State.ExitCode, 5)
		stubborn, none := m.start(t, "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"), 0
		if _, err := m.ContainerStop(within(t), stubborn, client.ContainerStopOptions{Timeout: &none}); err != nil {
			t.Fatal(err)
		}
		want(t, "the exit code of who does not listen", m.inspect(t, stubborn).State.ExitCode, 137)
		if _, err := m.ContainerStop(within(t), stubborn, client.ContainerStopOptions{}); err != nil {
			t.Errorf("what is stopped already: %v", err)
		}
	},
	"ContainerRestart": func(t *testing.T, m moby) {
		id, short := m.idle(t), 1
		before := m.inspect(t, id).State.StartedAt
		if _, err := m.ContainerRestart(within(t), id, client.ContainerRestartOptions{Timeout: &short}); err != nil {
			t.Fatal(err)
		}
		in := m.inspect(t, id)
		if !in.State.Running || in.State.StartedAt == before {
			t.Errorf("%+v", in.State)
		}
		by := m.start(t, "sh", "-c", "[ -e /asked ] && exec sleep 1000; trap '' TERM; trap 'touch /asked; exit 0' USR1; while :; do sleep 0.1; done")
		eventually(t, "it can hear", func() string { return hears(m, t, by, "SIGUSR1") })
		long := 30
		if _, err := m.ContainerRestart(within(t), by, client.ContainerRestartOptions{Signal: "SIGUSR1", Timeout: &long}); err != nil {
			t.Fatal(err)
		}
		want(t, "what the signal that was named left", m.output(t, by, "ls", "/asked"), "/asked\n")
	},
	"ContainerKill": func(t *testing.T, m moby) {
		id := m.start(t, "sh", "-c", "trap 'echo heard' USR1; while :; do sleep 0.1; done")
		eventually(t, "it can hear", func() string { return hears(m, t, id, "SIGUSR1") })
		if _, err := m.ContainerKill(within(t), id, client.ContainerKillOptions{Signal: "USR1"}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it hears", func() string { return missing(m.log(t, id), "heard") })
		if _, err := m.ContainerKill(within(t), id, client.ContainerKillOptions{}); err != nil {
			t.Fatal(err)
		}
		want(t, "the exit code", m.exit(t, id), 137)
		if _, err := m.ContainerKill(within(t), id, client.ContainerKillOptions{}); !errdefs.IsConflict(err) {
			t.Errorf("what does not run: %v", err)
		}
		if _, err := m.ContainerKill(within(t), m.idle(t), client.ContainerKillOptions{Signal: "BOGUS"}); !errdefs.IsInvalidArgument(err) {
			t.Errorf("a signal that there is not: %v", err)
		}
	},
	"ContainerPause": func(t *testing.T, m moby) {
		id := m.idle(t)
		if _, err := m.ContainerPause(within(t), id, client.ContainerPauseOptions{}); err != nil {
			t.Fatal(err)
		}
		want(t, "paused", m.inspect(t, id).State.Paused, true)
		if _, err := m.ContainerPause(within(t), id, client.ContainerPauseOptions{}); !errdefs.IsConflict(err) {
			t.Errorf("a second time: %v", err)
		}
	},
	"ContainerUnpause": func(t *testing.T, m moby) {
		id := m.idle(t)
		if _, err := m.ContainerUnpause(within(t), id, client.ContainerUnpauseOptions{}); err == nil {
			t.Error("what is not paused goes on")
		}
		if _, err := m.ContainerPause(within(t), id, client.ContainerPauseOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := m.ContainerUnpause(within(t), id, client.ContainerUnpauseOptions{}); err != nil {
			t.Fatal(err)
		}
		want(t, "the state", m.inspect(t, id).State.Status, container.StateRunning)
	},
	"ContainerWait": func(t *testing.T, m moby) {
		over, code := m.ended(t, "exit 3")
		want(t, "the exit code", code, 3)
		// Who does not run is not running; its next exit is another.
		want(t, "the exit code of who has ended", waited(t, m.ContainerWait(within(t), over, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})), 3)
		id := m.made(t, "sh", "-c", "exit 4")
		next := m.ContainerWait(within(t), id, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
		if _, err := m.ContainerStart(within(t), id, client.ContainerStartOptions{}); err != nil {
			t.Fatal(err)
		}
		want(t, "the next exit code", waited(t, next), 4)
		gone := m.ContainerWait(within(t), id, client.ContainerWaitOptions{Condition: container.WaitConditionRemoved})
		select {
		case <-gone.Result:
			t.Error("it counts as removed while it is there")
		case err := <-gone.Error:
			t.Error(err)
		case <-time.After(200 * time.Millisecond):
		}
		m.remove(t, id)
		want(t, "the exit code of who is removed", waited(t, gone), 4)
		if err := <-m.ContainerWait(within(t), "nothing", client.ContainerWaitOptions{}).Error; !errdefs.IsNotFound(err) {
			t.Errorf("what is not there: %v", err)
		}
	},
	"ContainerRename": func(t *testing.T, m moby) {
		id := m.made(t, "true")
		if _, err := m.ContainerRename(within(t), id, client.ContainerRenameOptions{NewName: "renamed"}); err != nil {
			t.Fatal(err)
		}
		want(t, "the id behind the new name", m.inspect(t, "renamed").ID, id)
		if _, err := m.ContainerRename(within(t), m.made(t, "true"), client.ContainerRenameOptions{NewName: "renamed"}); !errdefs.IsConflict(err) {
			t.Errorf("a name that is in use: %v", err)
		}
	},
	"ContainerUpdate": func(t *testing.T, m moby) {
		id := m.made(t, "true")
		if _, err := m.ContainerUpdate(within(t), id, client.ContainerUpdateOptions{RestartPolicy: &container.RestartPolicy{Name: "always"}}); err != nil {
			t.Fatal(err)
		}
		want(t, "the restart policy", m.inspect(t, id).HostConfig.RestartPolicy.Name, "always")
		if _, err := m.ContainerUpdate(within(t), id, client.ContainerUpdateOptions{Resources: &container.Resources{Memory: 64 << 20}}); err == nil || !strings.Contains(err.Error(), "size") {
			t.Errorf("resources: %v", err)
		}
	},
	"ContainerRemove": func(t *testing.T, m moby) {
		id := m.create(t, client.ContainerCreateOptions{Config: &container.Config{Cmd: []string{"sleep", "1000"}, Volumes: map[string]struct{}{"/data": {}}}})
		volume := m.inspect(t, id).Mounts[0].Name
		if _, err := m.ContainerStart(within(t), id, client.ContainerStartOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := m.ContainerRemove(within(t), id, client.ContainerRemoveOptions{}); !errdefs.IsConflict(err) {
			t.Errorf("while it runs: %v", err)
		}
		if _, err := m.ContainerRemove(within(t), id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := m.ContainerInspect(within(t), id, client.ContainerInspectOptions{}); !errdefs.IsNotFound(err) {
			t.Errorf("afterwards: %v", err)
		}
		if _, err := m.VolumeInspect(within(t), volume, client.VolumeInspectOptions{}); !errdefs.IsNotFound(err) {
			t.Errorf("its volume: %v", err)
		}
		if _, err := m.ContainerRemove(within(t), id, client.ContainerRemoveOptions{}); !errdefs.IsNotFound(err) {
			t.Errorf("a second time: %v", err)
		}
	},
	"ContainerPrune": func(t *testing.T, m moby) {
		kept := m.create(t, client.ContainerCreateOptions{Config: &container.Config{Cmd: []string{"true"}, Labels: map[string]string{"keep": "me"}}})
		gone, _ := m.ended(t, "true")
		r, err := m.ContainerPrune(within(t), client.ContainerPruneOptions{Filters: client.Filters{}.Add("label!", "keep=me")})
		want(t, "what is gone", strings.Join(must(t, r, err).Report.ContainersDeleted, " "), gone)
		m.inspect(t, kept)
	},
	"ContainerTop": func(t *testing.T, m moby) {
		id := m.start(t, "sleep", "1234")
		r, err := m.ContainerTop(within(t), id, client.ContainerTopOptions{})
		must(t, r, err)
		if !slices.Contains(r.Titles, "PID") || len(r.Processes) == 0 || !strings.Contains(strings.Join(r.Processes[0], " "), "sleep 1234") {
			t.Errorf("%+v", r)
		}
		r, err = m.ContainerTop(within(t), id, client.ContainerTopOptions{Arguments: []string{"-o", "pid,comm"}})
		want(t, "the titles that were asked for", len(must(t, r, err).Titles), 2)
		if _, err := m.ContainerTop(within(t), m.made(t, "true"), client.ContainerTopOptions{}); !errdefs.IsConflict(err) {
			t.Errorf("what does not run: %v", err)
		}
	},
	"ContainerCommit": func(t *testing.T, m moby) {
		id, _ := m.ended(t, "echo kept >/kept")
		r, err := m.ContainerCommit(within(t), id, client.ContainerCommitOptions{
			Reference: "committed:1", Author: "somebody", Comment: "as it was", Changes: []string{`CMD ["cat", "/kept"]`, "LABEL made=so"},
		})
		must(t, r, err)
		defer m.removeImage(t, "committed:1")
		img, err := m.ImageInspect(within(t), "committed:1")
		must(t, img, err)
		want(t, "the image's id", img.ID, r.ID)
		want(t, "the author", img.Author, "somebody")
		want(t, "the comment", img.Comment, "as it was")
		want(t, "the label", img.Config.Labels["made"], "so")
		again := m.startWith(t, client.ContainerCreateOptions{Config: &container.Config{Image: "committed:1"}})
		want(t, "the exit code", m.exit(t, again), 0)
		want(t, "what the image's command prints", m.log(t, again), "kept\n")
		m.remove(t, again)
	},
}

// hears says that a container's first process catches a signal yet, or "" if it does.
func hears(m moby, t *testing.T, id, signal string) string {
	t.Helper()
	bits := map[string]string{"SIGUSR1": "512"} // 1 << (10 - 1)
	out := m.output(t, id, "sh", "-c", "echo $(( 0x$(sed -n 's/SigCgt:\\t//p' /proc/1/status | tail -c 9) & "+bits[signal]+" ))")
	if strings.TrimSpace(out) == bits[signal] {
		return ""
	}
	return "the mask is " + out
}

func missing(text, part string) string {
	if strings.Contains(text, part) {
		return ""
	}
	return "there is only " + text
}

// remove removes a container before the row ends.
func (m moby) remove(t *testing.T, id string) {
	t.Helper()
	if _, err := m.ContainerRemove(afterwards(t), id, client.ContainerRemoveOptions{Force: true}); err != nil {
		t.Error(err)
	}
}

func (m moby) removeImage(t *testing.T, name string) {
	t.Helper()
	if _, err := m.ImageRemove(afterwards(t), name, client.ImageRemoveOptions{Force: true}); err != nil {
		t.Error(err)
	}
}
