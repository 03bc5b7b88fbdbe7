package container

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

// numbered are n different texts.
func numbered(n int, format string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(format, i)
	}
	return out
}

// TestGreedyRequests sends what fits into one request and would take a daemon's memory, or minutes of its time: before each was bounded, this test did
// not come to its end.
func TestGreedyRequests(t *testing.T) {
	ranges := make([]string, 30000)
	for i := range ranges {
		ranges[i] = fmt.Sprintf("%d-65535/udp", i+1)
	}
	for name, tc := range map[string]struct {
		req  CreateRequest
		says string // "": it is taken
	}{
		"ranges of all ports":            {CreateRequest{ExposedPorts: ranges}, "more than 131072 ports are exposed"},
		"all ports, published":           {CreateRequest{ExposedPorts: []string{"1-65535/tcp", "1-65535/udp"}, PublishAll: true}, "more than 32 ports are published"},
		"variables":                      {CreateRequest{Env: numbered(150000, "%x=")}, "they may have at most 1024 KiB"},
		"variables that are taken away":  {CreateRequest{Env: append(numbered(90000, "%x="), numbered(90000, "%x")...)}, ""},
		"mounts of one volume":           {CreateRequest{Binds: numbered(100000, "v:/%x")}, "100000 mounts are asked for, at most 128 can be"},
		"links":                          {CreateRequest{Links: numbered(100000, "db:a%x")}, "100000 links are asked for, at most 256 can be"},
		"links of a network":             {CreateRequest{Networks: []network.EndpointRequest{{Network: "bridge", Links: numbered(100000, "db:a%x")}}}, "100000 links are asked for, at most 256 can be"},
		"networks":                       {CreateRequest{Networks: make([]network.EndpointRequest, 100000)}, "100000 networks are asked for, at most 256 can be"},
		"containers to have volumes of":  {CreateRequest{VolumesFrom: numbered(100000, "c%x")}, "100000 containers to take volumes from are asked for, at most 64 can be"},
		"hosts":                          {CreateRequest{ExtraHosts: numbered(100000, "h%x:1.2.3.4")}, "100000 further hosts are asked for, at most 1024 can be"},
		"security groups, by labels":     {CreateRequest{Labels: allYes(numbered(50000, LabelGroup+"%x"))}, "a container can carry 16 security groups, not 50000"},
		"more than one of what may be 4": {CreateRequest{Binds: []string{"aa:/a", "bb:/b", "cc:/c", "dd:/d", "ee:/e"}}, "a container may have at most 4"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.create(t, CreateRequest{Image: "app", Name: "db"})
			before := len(w.store.View(w.a).Containers())
			tc.req.Image = "app"
			_, err := w.Create(t.Context(), w.a, tc.req)
			if tc.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%.200v", err)
			}
			if n := len(w.store.View(w.a).Containers()); n != before {
				t.Errorf("there are %d containers, and were %d", n, before)
			}
		})
	}
}

func allYes(keys []string) map[string]string {
	out := map[string]string{}
	for _, k := range keys {
		out[k] = "yes"
	}
	return out
}

// Filters of ports are looked through, not written out.
func TestGreedyFilters(t *testing.T) {
	w := newWorld(t)
	w.create(t, CreateRequest{Image: "db", Name: "db"})
	for filter, want := range map[string]int{"1-65535/tcp": 1, "1-65535/udp": 0} {
		values := slices.Repeat([]string{filter}, 20000)
		got, err := w.List(t.Context(), w.a, ListOptions{All: true, Filters: map[string][]string{"expose": values}})
		if err != nil || len(got) != want {
			t.Errorf("%s: %d, %v", filter, len(got), err)
		}
	}
}

// Instructions that make a variable of itself end before the memory does.
func TestGreedyChanges(t *testing.T) {
	doubling := append([]string{"ENV A=" + strings.Repeat("a", 1000)}, slices.Repeat([]string{"ENV A=$A$A"}, 60)...)
	for name, tc := range map[string]struct {
		changes []string
		says    string
	}{
		"a variable of itself twice":      {doubling, "the variables in it are too long"},
		"a variable many times":           {[]string{"ENV A=" + strings.Repeat("a", 10000), "LABEL a=" + strings.Repeat("$A", 10000)}, "the variables in it are too long"},
		"replacements":                    {[]string{"ENV A=aaaa", "ENV A=${A//a/${A//a/$A}}"}, "is not offered"},
		"ports":                           {slices.Repeat([]string{"EXPOSE 1-65535"}, 3000), "more than 131072 ports are exposed"},
		"variables, as they should be":    {[]string{"ENV PATH=/bin", "ENV PATH=/opt/bin:$PATH:${HOME:-/root}"}, ""},
		"what is taken off, as it should": {[]string{"ENV V=1.2.3", "LABEL major=${V%%.*} rest=${V#*.}"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var c ocispec.ImageConfig
			var d engine.DockerConfig
			err := applyChanges(&c, &d, tc.changes)
			if tc.says == "" && err == nil {
				return
			}
			if tc.says == "" || !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%.300v", err)
			}
		})
	}
	var c ocispec.ImageConfig
	if err := applyChanges(&c, &engine.DockerConfig{}, []string{"ENV V=1.2.3 PATH=/bin", "ENV PATH=/opt:$PATH", "LABEL major=${V%%.*}"}); err != nil ||
		fmt.Sprint(c.Env, c.Labels) != "[V=1.2.3 PATH=/opt:/bin] map[major:1]" {
		t.Errorf("%v %v %v", c.Env, c.Labels, err)
	}
}

// Records of execs that nobody starts do not fill the memory, and those that run are not forgotten.
func TestGreedyExecs(t *testing.T) {
	w := newWorld(t)
	c := w.started(t, CreateRequest{Image: "app"})
	count := func() (n, bytes int) {
		w.execs.mu.Lock()
		defer w.execs.mu.Unlock()
		for _, r := range w.execs.byID {
			n, bytes = n+1, bytes+r.size
		}
		return n, bytes
	}
	running, err := w.ExecCreate(t.Context(), w.a, c.ID, ExecConfig{Cmd: []string{"first"}})
	if err != nil {
		t.Fatal(err)
	}
	w.execs.mu.Lock()
	w.execs.byID[running].Running = true
	w.execs.mu.Unlock()
	var last string
	for range 3 * maxExecs {
		if last, err = w.ExecCreate(t.Context(), w.a, c.ID, ExecConfig{Cmd: []string{"true"}}); err != nil {
			t.Fatal(err)
		}
	}
	if n, _ := count(); n > maxExecs {
		t.Errorf("%d records are kept", n)
	}
	for range 20 {
		if last, err = w.ExecCreate(t.Context(), w.a, c.ID, ExecConfig{Cmd: []string{"true"}, Env: []string{"A=" + strings.Repeat("x", 1<<20)}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, bytes := count(); bytes > maxExecBytes {
		t.Errorf("%d bytes are kept", bytes)
	}
	for _, id := range []string{running, last} {
		if _, err := w.ExecInspect(w.a, id); err != nil {
			t.Error(err)
		}
	}
	w.execs.mu.Lock()
	for _, r := range w.execs.byID {
		r.Running = true
	}
	w.execs.mu.Unlock()
	for range 5 {
		if err != nil {
			break
		}
		id, cerr := w.ExecCreate(t.Context(), w.a, c.ID, ExecConfig{Cmd: []string{strings.Repeat("x", 1<<20)}})
		if err = cerr; err == nil {
			w.execs.mu.Lock()
			w.execs.byID[id].Running = true
			w.execs.mu.Unlock()
		}
	}
	if !errdefs.IsResourceExhausted(err) {
		t.Errorf("beside execs that all run: %v", err)
	}
}

// What a definition writes to the store is the same as before it was bounded.
func TestPortsAreSortedAndOnce(t *testing.T) {
	spec, _, err := resolve(&CreateRequest{Image: "mysql", ExposedPorts: []string{"80-82", "81/tcp", "81/udp"}, Ports: []PortRequest{{Private: "80/tcp"}}}, testImage(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := []store.Port{{Number: 80, Proto: "tcp"}, {Number: 81, Proto: "tcp"}, {Number: 81, Proto: "udp"}, {Number: 82, Proto: "tcp"}, {Number: 3306, Proto: "tcp"}}
	if !slices.Equal(spec.Exposed, want) {
		t.Errorf("%v", spec.Exposed)
	}
}
