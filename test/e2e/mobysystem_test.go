package e2e

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/api/types/swarm"
	"github.com/moby/moby/client"
)

// mobySystemRows are the server itself, and what the client does without one.
var mobySystemRows = map[string]mobyRow{
	"Ping": func(t *testing.T, m moby) {
		p, err := m.Ping(within(t), client.PingOptions{NegotiateAPIVersion: true})
		must(t, p, err)
		want(t, "the version", p.APIVersion, client.MaxAPIVersion)
		want(t, "the system", p.OSType, "linux")
		want(t, "experimental", p.Experimental, false)
		want(t, "the builder", p.BuilderVersion, build.BuilderBuildKit)
		if p.SwarmStatus == nil || p.SwarmStatus.NodeState != swarm.LocalNodeStateInactive {
			t.Errorf("the swarm is %+v", p.SwarmStatus)
		}
	},
	"ClientVersion": func(t *testing.T, m moby) {
		want(t, "the version agreed on", m.ClientVersion(), client.MaxAPIVersion)
	},
	"DaemonHost": func(t *testing.T, m moby) { want(t, "the host", m.DaemonHost(), m.lab.Host()) },
	"Dialer": func(t *testing.T, m moby) {
		conn, err := m.Dialer()(within(t))
		must(t, conn, err)
		defer conn.Close()
		fmt.Fprint(conn, "GET /_ping HTTP/1.0\r\n\r\n")
		text, err := io.ReadAll(conn)
		wantIn(t, "the answer", string(must(t, text, err)), "\r\n\r\nOK")
	},
	"Close": func(t *testing.T, m moby) {
		c, err := client.New(client.WithHost(m.lab.Host()))
		must(t, c, err)
		if _, err := c.Info(within(t), client.InfoOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	},
	"ServerVersion": func(t *testing.T, m moby) {
		v, err := m.ServerVersion(within(t), client.ServerVersionOptions{})
		must(t, v, err)
		if v.APIVersion != client.MaxAPIVersion || v.MinAPIVersion != "1.12" || v.Os != "linux" || v.Arch != runtime.GOARCH || v.Version == "" || v.Platform.Name != "Hyper" ||
			len(v.Components) == 0 || v.Components[0].Name != "Engine" || v.Components[0].Details["KernelVersion"] == "" {
			t.Errorf("%+v", v)
		}
	},
	"Info": func(t *testing.T, m moby) {
		before, err := m.Info(within(t), client.InfoOptions{})
		must(t, before, err)
		m.idle(t)
		r, err := m.Info(within(t), client.InfoOptions{})
		in := must(t, r, err).Info
		want(t, "containers that run", in.ContainersRunning, before.Info.ContainersRunning+1)
		if in.ID == "" || in.Name == "" || in.Images == 0 || in.OSType != "linux" || in.NCPU == 0 || in.MemTotal == 0 || in.KernelVersion == "" || in.Driver == "" ||
			in.CgroupVersion == "" || in.DefaultRuntime == "" || in.Swarm.LocalNodeState != swarm.LocalNodeStateInactive || in.ServerVersion == "" {
			t.Errorf("%+v", in)
		}
	},
	"RegistryLogin": func(t *testing.T, m moby) {
		r, err := m.RegistryLogin(within(t), client.RegistryLoginOptions{Username: "u", Password: "p", ServerAddress: ownRegistry})
		want(t, "what is told", must(t, r, err).Auth.Status, "Login Succeeded")
		if _, err := m.RegistryLogin(within(t), client.RegistryLoginOptions{Username: "u", Password: "p", ServerAddress: "127.0.0.1:1"}); err == nil {
			t.Error("it is logged in where nobody is")
		}
	},
	"DiskUsage": func(t *testing.T, m moby) {
		id := m.idle(t)
		m.volume(t, client.VolumeCreateOptions{Name: "counted"})
		r, err := m.DiskUsage(within(t), client.DiskUsageOptions{Containers: true, Images: true, Volumes: true, BuildCache: true, Verbose: true})
		must(t, r, err)
		if r.Containers.TotalCount != 1 || r.Containers.ActiveCount != 1 || len(r.Containers.Items) != 1 || r.Containers.Items[0].ID != id {
			t.Errorf("containers: %+v", r.Containers)
		}
		if r.Images.TotalCount == 0 || r.Images.TotalSize == 0 || len(r.Images.Items) == 0 {
			t.Errorf("images: %+v", r.Images)
		}
		if r.Volumes.TotalCount != 1 || len(r.Volumes.Items) != 1 || r.Volumes.Items[0].UsageData == nil {
			t.Errorf("volumes: %+v", r.Volumes)
		}
		want(t, "the builds", r.BuildCache.TotalCount, 0)
	},
	"Events": func(t *testing.T, m moby) {
		since := time.Now()
		live := m.Events(within(t), client.EventsListOptions{Filters: client.Filters{}.Add("type", "container").Add("event", "die")})
		id, _ := m.ended(t, "exit 9")
		select {
		case e := <-live.Messages:
			if e.Type != events.ContainerEventType || e.Action != events.ActionDie || e.Actor.ID != id || e.Actor.Attributes["exitCode"] != "9" || e.TimeNano == 0 {
				t.Errorf("%+v", e)
			}
		case err := <-live.Err:
			t.Error(err)
		}
		eventually(t, "all is told afterwards", func() string {
			past := m.Events(within(t), client.EventsListOptions{
				Since: fmt.Sprintf("%d.%09d", since.Unix(), since.Nanosecond()), Until: time.Now().Format(time.RFC3339Nano), Filters: client.Filters{}.Add("container", id),
			})
			var seen []string
			for {
				select {
				case e := <-past.Messages:
					seen = append(seen, string(e.Action))
				case err := <-past.Err:
					if !errors.Is(err, io.EOF) {
						t.Fatal(err)
					}
					return missing(strings.Join(seen, " "), "create start die")
				}
			}
		})
	},
}
