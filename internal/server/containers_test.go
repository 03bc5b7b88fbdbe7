package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// ages are the only part of an answer that depends on the clock.
var ages = regexp.MustCompile(`"(StartedAt|FinishedAt)":"[^"]*"`)

func indent(t *testing.T, body string) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, ages.ReplaceAll([]byte(body), []byte(`"$1":"then"`)), "", "  "); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return out.String()
}

func TestContainerShapes(t *testing.T) {
	b := newBench(t)
	b.containers.health = &cloud.Health{Status: "healthy", Log: []cloud.HealthResult{{ExitCode: 0, Output: "ok"}}}
	for _, tc := range []struct{ file, target string }{
		{"inspect-web.json", "/v1.56/containers/web/json"},
		{"inspect-web-size.json", "/v1.23/containers/web/json?size=1"},
		{"inspect-db.json", "/v1.44/containers/db/json"},
		{"list.json", "/v1.56/containers/json?all=1&size=1"},
		{"list-1.23.json", "/v1.23/containers/json?all=1"},
	} {
		t.Run(tc.file, func(t *testing.T) {
			status, body := b.get(tc.target)
			same(t, "status", status, 200)
			golden(t, tc.file, indent(t, body))
		})
	}
}

// Keys that the original's tests look for (api 6.3).
func TestInspectHasTheOriginalsKeys(t *testing.T) {
	b := newBench(t)
	_, body := b.get("/v1.23/containers/web/json")
	var got map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range strings.Fields("Id State Created Path Args Config Image NetworkSettings ResolvConfPath HostnamePath HostsPath LogPath Name " +
		"Driver MountLabel ProcessLabel GraphDriver Mounts HostConfig") {
		if _, ok := got[key]; !ok {
			t.Errorf("%s is missing", key)
		}
	}
}

func TestContainerList(t *testing.T) {
	b := newBench(t)
	got, err := b.docker("").ContainerList(context.Background(), client.ContainerListOptions{
		All: true, Limit: 5, Filters: client.Filters{}.Add("status", "exited", "running").Add("label", "k=v"),
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "call", b.containers.said(), "[list all=true limit=5 size=false map[label:[k=v] status:[exited running]]]")
	web, db := got.Items[0], got.Items[1]
	same(t, "names", web.Names, "[/web]")
	same(t, "status", []string{web.Status, db.Status}, "[Up 3 hours Exited (137) 2 hours ago]")
	same(t, "command", web.Command, "/entrypoint.sh 'apache2 -D' x")
	same(t, "ports of web", web.Ports, []container.PortSummary{{IP: netip.IPv4Unspecified(), PrivatePort: 80, PublicPort: 8080, Type: "tcp"}})
	same(t, "ports of what does not run", len(db.Ports), 0)
	same(t, "mount", web.Mounts[0].Name, "data")
	same(t, "address", web.NetworkSettings.Networks["bridge"].IPAddress.String(), "172.16.0.3")

	b.get(`/v1.23/containers/json?limit=0&filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%7D&before=db`)
	same(t, "filters of old", b.containers.said()[1], "list all=false limit=0 size=false map[before:[db] label:[a=b]]")
}

func TestVerbs(t *testing.T) {
	for _, tc := range []struct {
		method, target, body string
		status               int
		answer, call         string
	}{
		{"POST", "/v1.23/containers/web/start?checkpoint=", "", 204, "", "start web"},
		{"POST", "/v1.44/containers/web/start?checkpoint=c", "", 501, "checkpoints are not offered", ""},
		{"POST", "/v1.44/containers/web/stop", "", 204, "", "stop web own"},
		{"POST", "/v1.44/containers/web/stop?t=3", "", 204, "", "stop web 3"},
		{"POST", "/v1.44/containers/web/stop?t=-1", "", 204, "", "stop web -1"},
		{"POST", "/v1.44/containers/web/stop?t=soon", "", 400, "t must be a number", ""},
		{"POST", "/v1.44/containers/web/stop?signal=HUP", "", 204, "", "stop web ownHUP"},
		{"POST", "/v1.44/containers/web/restart?signal=HUP&t=4", "", 204, "", "restart web 4HUP"},
		{"POST", "/v1.44/containers/web/restart?t=0", "", 204, "", "restart web 0"},
		{"POST", "/v1.44/containers/web/kill", "", 204, "", `kill web ""`},
		{"POST", "/v1.44/containers/web/kill?signal=PIPE", "", 204, "", `kill web "PIPE"`},
		{"POST", "/v1.23/containers/web/kill?signal=PIPE", "", 204, "", ""},
		{"POST", "/v1.23/containers/x/kill?signal=URG", "", 404, "No such container: x", ""},
		{"POST", "/v1.44/containers/web/pause", "", 204, "", "pause web"},
		{"POST", "/v1.44/containers/web/unpause", "", 204, "", "unpause web"},
		{"POST", "/v1.44/containers/web/rename?name=front", "", 204, "", "rename web front"},
		{"POST", "/v1.44/containers/web/resize?h=24&w=80", "", 200, "", "resize web 24x80"},
		{"POST", "/v1.44/containers/web/resize?h=70000&w=80", "", 400, "70000 rows", ""},
		{"DELETE", "/v1.44/containers/web?v=1&force=1", "", 204, "", "remove web force=true volumes=true"},
		{"DELETE", "/v1.44/containers/web?notices=1", "", 200, `["attached volume(data) is not deleted"]`, "remove web force=false volumes=false"},
		{"DELETE", "/v1.23/containers/web?v=0", "", 200, `["attached volume(data) is not deleted"]`, "remove web force=false volumes=false"},
		{"DELETE", "/v1.44/containers/web?link=1", "", 501, "a link cannot be taken away", ""},
		{"POST", "/v1.44/containers/prune", "", 200, `{"ContainersDeleted":["` + dbID + `"],"SpaceReclaimed":0}`, "prune one of 2020: true"},
		{"POST", "/v1.44/containers/prune?filters=" + url.QueryEscape(`{"label":["k=w"]}`), "", 200, dbID, "prune one of 2020: false"},
		{"POST", "/v1.44/containers/prune?filters=" + url.QueryEscape(`{"label!":["k"]}`), "", 200, dbID, "prune one of 2020: false"},
		{"POST", "/v1.44/containers/prune?filters=" + url.QueryEscape(`{"until":["2019-12-31T00:00:00Z"]}`), "", 200, dbID, "prune one of 2020: false"},
		{"POST", "/v1.44/containers/prune?filters=" + url.QueryEscape(`{"until":["24h"],"label":["k"]}`), "", 200, dbID, "prune one of 2020: true"},
		{"POST", "/v1.44/containers/prune?filters=" + url.QueryEscape(`{"until":["soon"]}`), "", 400, "until must be", ""},
		{"POST", "/v1.44/containers/prune?filters=" + url.QueryEscape(`{"bogus":["1"]}`), "", 400, "invalid filter 'bogus'", ""},
		{"GET", "/v1.44/containers/db/top?ps_args=aux%20-w", "", 200, `{"Processes":[["1","mysqld"]],"Titles":["PID","CMD"]}`, "top db [aux -w]"},
		{
			"POST", "/v1.44/containers/web/update", `{"MemorySwappiness":-1,"RestartPolicy":{"Name":"on-failure","MaximumRetryCount":2}}`, 200,
			`"Warnings":[]`, "update web restart=on-failure:2 add=[] remove=[]",
		},
		{
			"POST", "/v1.44/containers/web/update", `{"Memory":5,"PidsLimit":3,"RestartPolicy":{"Name":"always"}}`, 501,
			"what a container has of the machine (memory, the number of processes) follows from its size", "",
		},
		{
			"PUT", "/v1.23/containers/web", `{"AddSecurityGroups":{"b":"yes","a":"yes"},"RemoveSecurityGroups":null,"SetContainerProtection":"false"}`, 204,
			"", "update web protection=false add=[a b] remove=[]",
		},
		{"PUT", "/v1.23/containers/web", `{"SetContainerProtection":"maybe"}`, 400, "true or false", ""},
	} {
		t.Run(tc.method+" "+tc.target, func(t *testing.T) {
			b := newBench(t)
			status, body := b.send(tc.method, tc.target, tc.body)
			if status != tc.status || !strings.Contains(body, tc.answer) {
				t.Errorf("%d %s", status, body)
			}
			same(t, "call", strings.Join(b.containers.said(), "; "), tc.call)
		})
	}
}

// create as today's client sends it, with resources that are not honoured.
func TestCreate(t *testing.T) {
	b := newBench(t)
	yes, ten := true, 10
	got, err := b.docker("").ContainerCreate(context.Background(), client.ContainerCreateOptions{
		Name: "web",
		Config: &container.Config{
			Image: "wordpress", Cmd: []string{"a"}, Env: []string{"A=b"}, Hostname: "h", Labels: map[string]string{"k": "v"}, Tty: true,
			ExposedPorts: network.PortSet{network.MustParsePort("80/tcp"): {}}, Volumes: map[string]struct{}{"/data": {}}, StopTimeout: &ten,
			Healthcheck: &container.HealthConfig{Test: []string{"CMD", "true"}, Interval: time.Second},
		},
		HostConfig: &container.HostConfig{
			Binds: []string{"v:/v:ro"}, Links: []string{"db:mysql"}, Init: &yes, ConsoleSize: [2]uint{24, 80},
			PortBindings:  network.PortMap{network.MustParsePort("80/tcp"): {{HostPort: "8080"}, {HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: "8081"}}},
			RestartPolicy: container.RestartPolicy{Name: "on-failure", MaximumRetryCount: 3},
			Resources:     container.Resources{Memory: 1 << 20, NanoCPUs: 5},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "id", got.ID, webID)
	same(t, "warnings", strings.Join(got.Warnings, "\n"), strings.Join([]string{
		"The setting of memory is ignored: the container's size decides (--size, label sh_hyper_instancetype).",
		"The setting of CPU time is ignored: the container's size decides (--size, label sh_hyper_instancetype).",
		"Addresses of published ports are ignored: a published port is open on the container's floating IP, when it has one.",
	}, "\n"))
	req := b.containers.created
	same(t, "ports", req.Ports, []cloud.PortRequest{{Private: "80/tcp", Public: "8080"}, {Private: "80/tcp", Public: "8081"}})
	same(t, "exposed", req.ExposedPorts, "[80/tcp]")
	same(t, "volumes", req.Volumes, "[/data]")
	same(t, "binds", req.Binds, "[v:/v:ro]")
	same(t, "links", req.Links, "[db:mysql]")
	same(t, "restart", req.Restart, store.RestartPolicy{Name: "on-failure", MaxRetries: 3})
	same(t, "health", req.Healthcheck.Test, "[CMD true]")
	same(t, "console", req.ConsoleSize, [2]uint16{24, 80})
	if !req.Init || !req.Tty || req.Entrypoint != nil || *req.StopTimeout != 10 {
		t.Errorf("%+v", req)
	}
}

// create as the original's client sends it: everything, zeros and nulls included.
func TestCreateOfTheOriginal(t *testing.T) {
	recorded, err := os.ReadFile("testdata/create-1.23.json")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	status, body := b.send("POST", "/v1.23/containers/create?name=x", string(recorded))
	same(t, "answer", status, 201)
	same(t, "body", body, `{"Id":"`+webID+`","Warnings":[]}`+"\n")
	req := b.containers.created
	same(t, "size", req.Labels, "map[sh_hyper_instancetype:s4]")
	same(t, "port", req.Ports, []cloud.PortRequest{{Private: "80/tcp", Public: "8000-8080"}})
	same(t, "command", req.Cmd, "[echo hello]")
	if req.Entrypoint != nil {
		t.Errorf("entrypoint %q, want none given", req.Entrypoint)
	}
	status, body = b.send("POST", "/v1.23/containers/create", `{"Image":"missing"}`)
	same(t, "missing image", text(status)+" "+body, "404 No such image: missing:latest\n")
}

func TestWait(t *testing.T) {
	b := newBench(t)
	res := b.docker("").ContainerWait(context.Background(), "web", client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	// The call has returned, so the head was there before the end was.
	b.containers.waiting <- cloud.WaitResult{ExitCode: 3}
	select {
	case got := <-res.Result:
		same(t, "status", got.StatusCode, 3)
	case err := <-res.Error:
		t.Fatal(err)
	}
	same(t, "call", b.containers.said(), "[wait web next-exit]")
	if status, body := b.send("POST", "/v1.44/containers/x/wait", ""); status != 404 {
		t.Errorf("unknown container: %d %s", status, body)
	}
}

func TestStartOfWhatRuns(t *testing.T) {
	b := newBench(t)
	b.containers.err = oops.NotModified("container web runs already")
	if _, err := b.docker("").ContainerStart(context.Background(), "web", client.ContainerStartOptions{}); err != nil {
		t.Error(err)
	}
}

func TestStopServing(t *testing.T) {
	b := newBench(t)
	for _, target := range []string{"/v1.44/events", "/v1.44/containers/web/logs?stdout=1&follow=1"} {
		if _, err := io.WriteString(b.dial(), "GET "+target+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	for !slices.ContainsFunc(b.containers.said(), func(s string) bool { return strings.HasPrefix(s, "logs") }) {
		time.Sleep(time.Millisecond)
	}
	began := time.Now()
	b.stop()
	if d := time.Since(began); d > 3*time.Second {
		t.Errorf("endless calls held the server up for %s", d)
	}
	if _, err := os.Stat(b.socket); !os.IsNotExist(err) {
		t.Errorf("the socket file is left: %v", err)
	}
}
