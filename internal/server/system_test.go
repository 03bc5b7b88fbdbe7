package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"github.com/hypercloud/hyper/internal/cloud/event"
)

func TestNegotiation(t *testing.T) {
	b := newBench(t)
	got, err := b.docker("").Ping(context.Background(), client.PingOptions{NegotiateAPIVersion: true})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "ping", fmt.Sprint(got.APIVersion, " ", got.OSType, " ", got.Experimental), "1.56 linux false")
}

func TestVersion(t *testing.T) {
	b := newBench(t)
	got, err := b.docker("").ServerVersion(context.Background(), client.ServerVersionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "version", fmt.Sprint(got.Version, " ", got.APIVersion, " ", got.MinAPIVersion, " ", got.Os), "0.1.0 1.56 1.12 linux")
	_, body := b.get("/v1.23/version")
	if !strings.Contains(body, `"BuildTime":"2027-01-15T08:00:00Z"`) || strings.Contains(body, "Components") {
		t.Error(body)
	}
}

func TestInfo(t *testing.T) {
	b := newBench(t)
	got, err := b.docker("").Info(context.Background(), client.InfoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "counts", fmt.Sprint(got.Info.Containers, got.Info.ContainersRunning, got.Info.ContainersStopped, got.Info.Images), "2 1 1 1")
	_, body := b.get("/v1.23/info")
	var m map[string]any
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatal(err)
	}
	for _, key := range strings.Fields("ID Containers ContainersRunning ContainersPaused ContainersStopped Images ExecutionDriver LoggingDriver " +
		"OperatingSystem NCPU OSType Architecture MemTotal KernelVersion Driver ServerVersion Plugins Name IndexServerAddress") {
		if _, ok := m[key]; !ok {
			t.Errorf("%s is missing", key)
		}
	}
}

func TestDiskUsage(t *testing.T) {
	b := newBench(t)
	for _, version := range []string{"1.44", "1.52", "1.56"} {
		t.Run(version, func(t *testing.T) {
			got, err := b.docker(version).DiskUsage(context.Background(), client.DiskUsageOptions{Verbose: true})
			if err != nil {
				t.Fatal(err)
			}
			same(t, "images", fmt.Sprint(got.Images.TotalCount, got.Images.ActiveCount, got.Images.TotalSize, len(got.Images.Items)), "2 1 10000 2")
			same(t, "containers", fmt.Sprint(got.Containers.TotalCount, got.Containers.ActiveCount, got.Containers.Reclaimable), "2 1 1000")
			same(t, "volumes", fmt.Sprint(got.Volumes.TotalCount, got.Volumes.ActiveCount, got.Volumes.TotalSize>>30), "1 1 10")
		})
	}
}

func TestEvents(t *testing.T) {
	b := newBench(t)
	begin := time.Now()
	b.events.Publish(theAccount, event.Event{Type: "container", Action: "create", ID: webID, Attributes: map[string]string{"name": "web", "image": "mysql"}, Time: begin})
	b.events.Publish(theAccount, event.Event{Type: "volume", Action: "create", ID: "data", Time: begin})
	for _, version := range []string{"1.44", "1.52", "1.56"} {
		t.Run(version, func(t *testing.T) {
			got := b.docker(version).Events(t.Context(), client.EventsListOptions{
				Since: fmt.Sprint(begin.Unix() - 1), Filters: client.Filters{}.Add("type", "container").Add("container", "web"),
			})
			b.events.Publish(theAccount, event.Event{Type: "container", Action: "health_status: healthy", ID: webID, Attributes: map[string]string{"name": "web"}})
			for _, want := range []string{"create", "health_status: healthy"} {
				select {
				case m := <-got.Messages:
					same(t, "event", fmt.Sprint(m.Action, " ", m.Actor.ID, " ", m.Scope), want+" "+webID+" local")
				case err := <-got.Err:
					t.Fatal(err)
				}
			}
		})
	}
	status, body := b.get(fmt.Sprintf("/v1.23/events?since=%d&until=%d.999999999", begin.Unix()-1, begin.Unix()-1))
	same(t, "nothing that long ago", fmt.Sprint(status, body), "200")
	_, body = b.get(fmt.Sprintf("/v1.23/events?since=%d&until=%d.%09d&filters=%%7B%%22event%%22%%3A%%5B%%22create%%22%%5D%%7D", begin.Unix()-1, begin.Unix(), begin.Nanosecond()))
	if lines := strings.Split(strings.TrimSpace(body), "\n"); len(lines) != 2 || !strings.HasPrefix(lines[0], `{"status":"create","id":"`+webID+`","from":"mysql","Type":"container"`) {
		t.Error(body)
	}
}

func TestLoginIsNotOffered(t *testing.T) {
	b := newBench(t)
	status, body := b.send("POST", "/v1.23/auth", `{"username":"u","password":"p"}`)
	if status != 501 || !strings.Contains(body, "not offered") {
		t.Errorf("%d %s", status, body)
	}
}
