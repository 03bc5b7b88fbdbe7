package e2e

import (
	"archive/tar"
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/hypercloud/hyper/test/lab"
)

// TestMobyVersions has clients that speak an older version do what everybody does, and asks by hand what a version answers.
func TestMobyVersions(t *testing.T) {
	l := newLab(t, "e2emv")
	for _, version := range []string{client.MinAPIVersion, "1.41", "1.43", "1.44", "1.47", "1.50", "1.52", client.MaxAPIVersion} {
		t.Run("client "+version, func(t *testing.T) { everyday(t, newMoby(t, l, client.WithAPIVersion(version)), version) })
	}
	m := newMoby(t, l)
	id := m.create(t, client.ContainerCreateOptions{Name: "asked", Config: &container.Config{Cmd: []string{"true"}}})
	for _, version := range []string{"1.12", "1.18", "1.22", "1.23", "1.24", "1.30", "1.40", "1.44", "1.56"} {
		t.Run("by hand "+version, func(t *testing.T) { byHand(t, l, version, id) })
	}
	t.Run("ping", func(t *testing.T) {
		for _, path := range []string{"/_ping", "/v1.24/_ping"} {
			for method, body := range map[string]string{"GET": "OK", "HEAD": ""} {
				resp, out := rawCall(t, l, method, path)
				h := resp.Header
				if resp.StatusCode != 200 || out != body || h.Get("Api-Version") != client.MaxAPIVersion || h.Get("Ostype") != "linux" ||
					h.Get("Docker-Experimental") != "false" || !strings.HasPrefix(h.Get("Server"), "Hyper/") || h.Get("Swarm") != "inactive" || h.Get("Cache-Control") == "" {
					t.Errorf("%s %s: %d %q %v", method, path, resp.StatusCode, out, h)
				}
			}
		}
	})
	for path, says := range map[string]string{
		"/v1.57/info": "client version 1.57 is too new. Maximum supported API version is 1.56",
		"/v2.0/info":  "client version 2.0 is too new. Maximum supported API version is 1.56",
		"/v1.11/info": "client version 1.11 is too old. Minimum supported API version is 1.12, please upgrade your client to a newer version",
	} {
		resp, out := rawCall(t, l, "GET", path)
		if resp.StatusCode != 400 || !strings.Contains(out, says) || resp.Header.Get("Api-Version") != client.MaxAPIVersion {
			t.Errorf("%s: %d %s", path, resp.StatusCode, out)
		}
	}
}

// everyday is what each client does, whatever its version.
func everyday(t *testing.T, m moby, version string) {
	if got := m.ClientVersion(); got != version {
		t.Fatalf("the client speaks %s", got)
	}
	volume := m.volume(t, client.VolumeCreateOptions{})
	m.network(t, "everyday", client.NetworkCreateOptions{})
	id := m.create(t, client.ContainerCreateOptions{
		Config:     &container.Config{Cmd: []string{"sh", "-c", "echo out; echo err >&2; read x </v/word; echo $x; exit 3"}},
		HostConfig: &container.HostConfig{Binds: []string{volume + ":/v"}, NetworkMode: "everyday"}, NetworkingConfig: inNetwork("everyday", "me"),
	})
	if _, err := m.CopyToContainer(within(t), id, client.CopyToContainerOptions{DestinationPath: "/v", Content: packed(t, tar.Header{Name: "word", Mode: 0o644}, "word\n")}); err != nil {
		t.Fatal(err)
	}
	next := m.ContainerWait(within(t), id, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	if _, err := m.ContainerStart(within(t), id, client.ContainerStartOptions{}); err != nil {
		t.Fatal(err)
	}
	want(t, "the exit code", waited(t, next), 3)
	out, errs := m.logs(t, id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	want(t, "stdout", out, "out\nword\n")
	want(t, "stderr", errs, "err\n")
	if nw := m.inspect(t, id).NetworkSettings.Networks["everyday"]; nw == nil || !slices.Contains(nw.Aliases, "me") {
		t.Errorf("its place is %+v", nw)
	}
	r, err := m.ContainerList(within(t), client.ContainerListOptions{All: true, Size: true, Filters: client.Filters{}.Add("id", id)})
	want(t, "how many are listed", len(must(t, r, err).Items), 1)
	idle := m.idle(t)
	want(t, "what an exec says", m.output(t, idle, "echo", "here"), "here\n")
	s, err := m.ContainerStats(within(t), idle, client.ContainerStatsOptions{})
	wantIn(t, "the numbers", whole(t, must(t, s, err).Body), idle)
	if _, err := m.ContainerStop(within(t), idle, client.ContainerStopOptions{}); err != nil {
		t.Error(err)
	}
	images, err := m.ImageList(within(t), client.ImageListOptions{})
	if items := must(t, images, err).Items; len(items) == 0 || items[0].Size == 0 {
		t.Errorf("the images are %+v", items)
	}
	if _, err := m.ImageInspect(within(t), "busybox"); err != nil {
		t.Error(err)
	}
	du, err := m.DiskUsage(within(t), client.DiskUsageOptions{Containers: true, Images: true, Volumes: true})
	if must(t, du, err); du.Containers.TotalCount == 0 || du.Images.TotalCount == 0 {
		t.Errorf("the disk's use is %+v", du)
	}
	for _, id := range []string{id, idle} {
		m.remove(t, id)
	}
}

// byHand asks without a client, for what older versions have in another shape.
func byHand(t *testing.T, l *lab.Lab, version, id string) {
	minor := 0
	if _, err := fmt.Sscanf(version, "1.%d", &minor); err != nil {
		t.Fatal(err)
	}
	get := func(path string) (map[string]json.RawMessage, string) {
		t.Helper()
		resp, out := rawCall(t, l, "GET", "/v"+version+path)
		if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/json" {
			t.Fatalf("%s: %d %s %s", path, resp.StatusCode, resp.Header.Get("Content-Type"), out)
		}
		fields := map[string]json.RawMessage{}
		text := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(out), "["), "]")
		if err := json.Unmarshal([]byte(text), &fields); err != nil {
			t.Fatalf("%s: %v: %s", path, err, out)
		}
		return fields, out
	}
	has := func(what string, fields map[string]json.RawMessage, name string, should bool) {
		t.Helper()
		if _, is := fields[name]; is != should {
			t.Errorf("%s has %s: %v", what, name, is)
		}
	}
	images, _ := get("/images/json")
	has("an image in a list", images, "VirtualSize", minor < 44)
	image, _ := get("/images/busybox/json")
	has("an image", image, "VirtualSize", minor < 44)
	has("an image", image, "ContainerConfig", minor < 50)
	info, _ := get("/info")
	has("the server", info, "ExecutionDriver", minor < 24)
	has("the server", info, "BridgeNfIptables", minor < 50)
	said, _ := get("/version")
	has("the version", said, "Components", minor >= 35)
	c, _ := get("/containers/" + id + "/json")
	has("a container", c, "NetworkSettings", true)
	df, _ := get("/system/df")
	has("the disk's use", df, "LayersSize", minor < 53)
	has("the disk's use", df, "ImageUsage", minor >= 52)
	volumes, _ := get("/volumes")
	has("a list of volumes", volumes, "Volumes", true)

	resp, out := rawCall(t, l, "GET", "/v"+version+"/containers/nothing/json")
	kind, text := "application/json", `{"message":"No such container: nothing"}`+"\n"
	if minor < 24 {
		kind, text = "text/plain; charset=utf-8", "No such container: nothing\n"
	}
	if resp.StatusCode != 404 || resp.Header.Get("Content-Type") != kind || strings.TrimSpace(out) != strings.TrimSpace(text) {
		t.Errorf("an error is %d %s %q", resp.StatusCode, resp.Header.Get("Content-Type"), out)
	}
}

// rawCall sends a request as it is.
func rawCall(t *testing.T, l *lab.Lab, method, path string) (*http.Response, string) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(within(t), "unix", strings.TrimPrefix(l.Host(), "unix://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n", method, path)
	req, err := http.NewRequestWithContext(t.Context(), method, "http://docker"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	return resp, string(must(t, out, err))
}
