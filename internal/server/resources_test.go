package server_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/moby/moby/client"
)

func TestVolumes(t *testing.T) {
	volume := `{"CreatedAt":"` + began.UTC().Format("2006-01-02T15:04:05Z07:00") + `","Driver":"hyper","Labels":{"container":"` + webID +
		`","size":"10","snapshot":""},"Mountpoint":"","Name":"data","Options":{},"Scope":"local"}`
	for _, tc := range []struct {
		method, target, body string
		status               int
		answer, call         string
	}{
		{"GET", "/v1.23/volumes", "", 200, `{"Volumes":[` + volume + `],"Warnings":null}`, "list map[]"},
		{"GET", "/v1.44/volumes?filters=%7B%22dangling%22%3A%7B%22true%22%3Atrue%7D%7D", "", 200, "data", "list map[dangling:[true]]"},
		{"GET", "/v1.44/volumes/data", "", 200, volume, ""},
		{"GET", "/v1.44/volumes/x", "", 404, "No such volume: x", ""},
		{"POST", "/v1.44/volumes/create", `{"Driver":"local","Name":"x","Labels":{"a":"b"}}`, 201, volume, "ensure x 0 map[a:b]"},
		{"POST", "/v1.23/volumes/create", `{"Driver":"hyper","Name":"x","DriverOpts":{"size":"20","snapshot":""},"Labels":null}`, 201, volume, "create x 20 map[]"},
		{"POST", "/v1.44/volumes/create?exclusive=1", `{"Name":"x"}`, 201, volume, "create x 0 map[]"},
		{"POST", "/v1.44/volumes/create", `{"DriverOpts":{"size":"big"}}`, 400, `not \"big\"`, ""},
		{"POST", "/v1.44/volumes/create", `{"DriverOpts":{"device":"/etc"}}`, 400, `no option \"device\"`, ""},
		{"POST", "/v1.44/volumes/create", `{"Driver":"nfs"}`, 404, `no volume driver \"nfs\"`, ""},
		{"DELETE", "/v1.44/volumes/data?force=1", "", 409, "volume is in use", "remove data true"},
		{"POST", "/v1.44/volumes/prune", "", 200, `{"VolumesDeleted":["old"],"SpaceReclaimed":42}`, "prune false, with k=v: true"},
		{"POST", "/v1.44/volumes/prune?filters=%7B%22label%21%22%3A%5B%22k%22%5D%7D", "", 200, "old", "prune false, with k=v: false"},
		{"POST", "/v1.44/volumes/prune?filters=%7B%22until%22%3A%5B%221h%22%5D%7D", "", 400, "invalid filter 'until'", ""},
		{"POST", "/v1.44/volumes/prune?filters=%7B%22all%22%3A%5B%221%22%5D%7D", "", 200, "old", "prune true, with k=v: true"},
		{"POST", "/v1.41/volumes/prune", "", 200, "old", "prune true, with k=v: true"},
	} {
		t.Run(tc.method+" "+tc.target, func(t *testing.T) {
			b := newBench(t)
			status, body := b.send(tc.method, tc.target, tc.body)
			if status != tc.status || !strings.Contains(body, tc.answer) {
				t.Errorf("%d %s", status, body)
			}
			same(t, "call", strings.Join(b.volumes.calls, "; "), tc.call)
		})
	}
}

func TestFloatingIPs(t *testing.T) {
	for _, tc := range []struct {
		method, target string
		status         int
		answer, call   string
	}{
		{"GET", "/v1.23/fips", 200, `[{"fip":"198.18.0.5","name":"front","container":"` + webID + `","service":""},{"fip":"198.18.0.6","name":"","container":"","service":""}]` + "\n", ""},
		{"POST", "/v1.23/fips/allocate?count=2", 201, `["198.18.0.5"]` + "\n", "allocate 2"},
		{"POST", "/v1.23/fips/allocate", 201, `["198.18.0.5"]` + "\n", "allocate 1"},
		{"POST", "/v1.23/fips/allocate?count=9", 403, "the account may have 2 floating IPs\n", ""},
		{"POST", "/v1.23/fips/attach?ip=198.18.0.5&container=web", 204, "", "attach 198.18.0.5 web"},
		{"POST", "/v1.23/fips/attach?ip=198.18.0.5&container=web&force=1", 204, "", "move 198.18.0.5 web"},
		{"POST", "/v1.23/fips/associate?ip=198.18.0.5&container=web", 204, "", "attach 198.18.0.5 web"},
		{"POST", "/v1.23/fips/detach?container=web", 200, `"198.18.0.5"` + "\n", "detach web"},
		{"POST", "/v1.23/fips/disassociate?container=web", 200, `"198.18.0.5"` + "\n", "detach web"},
		{"POST", "/v1.23/fips/detach", 400, "the container is missing: name it by the query value container\n", ""},
		{"POST", "/v1.23/fips/release?ip=198.18.0.5", 204, "", "release 198.18.0.5"},
		{"POST", "/v1.23/fips/name?ip=198.18.0.5&name=", 204, "", `name 198.18.0.5 ""`},
	} {
		t.Run(tc.method+" "+tc.target, func(t *testing.T) {
			b := newBench(t)
			status, body := b.send(tc.method, tc.target, "")
			same(t, "answer", text(status)+" "+body, text(tc.status)+" "+tc.answer)
			same(t, "call", strings.Join(b.fips.calls, "; "), tc.call)
		})
	}
}

func TestNetworks(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	d := b.docker("")
	list, err := d.NetworkList(ctx, client.NetworkListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "networks", len(list.Items), 1)
	same(t, "name", list.Items[0].Name, "bridge")
	got, err := d.NetworkInspect(ctx, list.Items[0].ID[:12], client.NetworkInspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "subnet", got.Network.IPAM.Config[0].Subnet.String(), "172.16.0.0/16")
	same(t, "member", got.Network.Containers[webID].IPv4Address.String(), "172.16.0.3/16")
	for filter, want := range map[string]int{
		`{"name":["^bridge$"]}`: 1, `{"name":["rid"]}`: 1, `{"name":["^rid"]}`: 0, `{"id":["^` + list.Items[0].ID[:12] + `"]}`: 1,
		`{"type":["custom"]}`: 0, `{"label":["a"]}`: 0, `{"dangling":["true"]}`: 0, `{"dangling":["false"]}`: 1,
	} {
		status, body := b.get("/v1.44/networks?filters=" + url.QueryEscape(filter))
		if status != 200 || strings.Count(body, `"Scope"`) != want {
			t.Errorf("filter %s: %d %s", filter, status, body)
		}
	}
	for _, filter := range []string{`{"name":["("]}`, `{"dangling":["maybe"]}`, `{"type":["other"]}`} {
		if status, body := b.get("/v1.44/networks?filters=" + url.QueryEscape(filter)); status != 400 {
			t.Errorf("filter %s: %d %s", filter, status, body)
		}
	}
	if status, body := b.get("/v1.44/networks/other"); status != 404 || !strings.Contains(body, "network other not found") {
		t.Errorf("unknown network: %d %s", status, body)
	}
	if status, _ := b.send("DELETE", "/v1.44/networks/bridge", ""); status != 403 {
		t.Errorf("removing the network: %d", status)
	}
}
