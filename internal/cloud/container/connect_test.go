package container

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/store"
)

// network makes a network.
func (w *world) network(t *testing.T, req network.CreateRequest) *store.Network {
	t.Helper()
	n, err := w.Service.Network.Create(t.Context(), w.a, req)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// places tells where a container is: network and interface, in the order of these.
func (w *world) places(c *Container) string {
	now, _ := w.store.View(w.a).Container(c.ID)
	var out []string
	for _, p := range w.Service.Network.Places(w.a, now) {
		out = append(out, engine.Endpoint{Interface: p.Interface}.Device()+"="+p.Network.Name)
	}
	return strings.Join(out, " ")
}

func TestContainerIsMadeInNetworks(t *testing.T) {
	w := newWorld(t)
	front := w.network(t, network.CreateRequest{Name: "front"})
	w.network(t, network.CreateRequest{Name: "back", Internal: true})
	in := func(names ...string) (out []network.EndpointRequest) {
		for _, n := range names {
			out = append(out, network.EndpointRequest{Network: n})
		}
		return out
	}
	for name, tc := range map[string]struct {
		mode string
		list []network.EndpointRequest
		want string
		kept string // the mode that is shown
	}{
		"nothing said":                   {"", nil, "eth0=bridge", ""},
		"the account's own":              {"bridge", in("bridge"), "eth0=bridge", ""},
		"another":                        {"front", nil, "eth0=front", "front"},
		"another by id, said twice":      {front.ID[:12], in("front"), "eth0=front", front.ID[:12]},
		"no mode":                        {"default", in("back", "front"), "eth0=back eth1=front", "back"},
		"the mode's is first":            {"front", in("back", "front"), "eth0=front eth1=back", "front"},
		"the account's own among others": {"bridge", in("back"), "eth0=bridge eth1=back", ""},
		"none":                           {"none", nil, "", "none"},
	} {
		t.Run(name, func(t *testing.T) {
			c := w.create(t, CreateRequest{Image: "app", NetworkMode: tc.mode, Networks: tc.list})
			if got := w.places(c); got != tc.want || c.Spec.NetworkMode != tc.kept {
				t.Errorf("it is in %q, by mode %q; want %q, %q", got, c.Spec.NetworkMode, tc.want, tc.kept)
			}
			if _, err := w.Remove(t.Context(), w.a, c.ID, RemoveOptions{Volumes: true}); err != nil {
				t.Fatal(err)
			}
		})
	}
	before := w.engine.Left(w.a)
	for name, tc := range map[string]struct {
		mode  string
		list  []network.EndpointRequest
		class func(error) bool
	}{
		"a network that is not there":  {"nope", nil, errdefs.IsNotFound},
		"an endpoint in one":           {"", in("nope"), errdefs.IsNotFound},
		"one network twice":            {"", in("back", "back"), errdefs.IsPermissionDenied},
		"none, and another":            {"none", in("back"), errdefs.IsInvalidArgument},
		"an address in the own":        {"", []network.EndpointRequest{{Network: "bridge", Address: "172.16.0.99"}}, errdefs.IsInvalidArgument},
		"an address of no such subnet": {"", []network.EndpointRequest{{Network: "front", Address: "10.0.0.9"}}, errdefs.IsInvalidArgument},
		"an alias with a space":        {"", []network.EndpointRequest{{Network: "front", Aliases: []string{"a b"}}}, errdefs.IsInvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.Create(t.Context(), w.a, CreateRequest{Image: "app", NetworkMode: tc.mode, Networks: tc.list})
			if !tc.class(err) {
				t.Errorf("error is %v", err)
			}
			if n := len(w.store.View(w.a).Containers()); n != 0 || !slices.Equal(w.engine.Left(w.a), before) {
				t.Errorf("%d containers are left, and %v", n, w.engine.Left(w.a))
			}
		})
	}
}

func TestLinksInANetworkAreNames(t *testing.T) {
	w := newWorld(t)
	w.network(t, network.CreateRequest{Name: "front"})
	// The target need not be there yet, and no variables are passed on.
	c := w.started(t, CreateRequest{Name: "app", Image: "app", NetworkMode: "front", Links: []string{"db:store"}})
	if len(c.Spec.Links) != 0 || len(c.Endpoints) != 1 || !slices.Equal(c.Endpoints[0].Links, []store.NameLink{{Target: "db", Alias: "store"}}) {
		t.Errorf("links %v, endpoints %+v", c.Spec.Links, c.Endpoints)
	}
	state := w.engine.Network(w.a)
	if got := state.Endpoints[0].Links["store"]; got != "db" {
		t.Errorf("the router knows store as %q", got)
	}
}

func TestConnectAndDisconnect(t *testing.T) {
	w := newWorld(t)
	back := w.network(t, network.CreateRequest{Name: "back"})
	c := w.started(t, CreateRequest{Name: "app", Image: "app"})
	attached := func() int { return len(w.engine.Calls("AttachEndpoints")) }
	hosts := func() string {
		b, err := os.ReadFile(filepath.Join(w.dir, "containers", w.a.ID(), c.ID, "hosts"))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	n := attached()
	if err := w.Connect(t.Context(), w.a, "app", network.EndpointRequest{Network: "back", Aliases: []string{"x"}}); err != nil {
		t.Fatal(err)
	}
	now, _ := w.store.View(w.a).Container(c.ID)
	if got := w.places(c); got != "eth0=bridge eth1=back" || attached() != n+1 || !strings.Contains(hosts(), now.Endpoints[1].Address.String()) {
		t.Errorf("it is in %s, was attached %d times, and its hosts are\n%s", got, attached()-n, hosts())
	}
	for what, err := range map[string]error{
		"again":              w.Connect(t.Context(), w.a, "app", network.EndpointRequest{Network: back.ID}),
		"remove the network": w.Service.Network.Remove(t.Context(), w.a, "back"),
	} {
		if !errdefs.IsPermissionDenied(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := w.Disconnect(t.Context(), w.a, "app", "bridge"); err != nil {
		t.Fatal(err)
	}
	if got := w.places(c); got != "eth1=back" || strings.Contains(hosts(), c.Endpoints[0].Address.String()) {
		t.Errorf("it is in %s, and its hosts are\n%s", got, hosts())
	}
	if err := w.Disconnect(t.Context(), w.a, "app", "bridge"); !errdefs.IsPermissionDenied(err) {
		t.Errorf("disconnecting again: %v", err)
	}
	if err := w.Connect(t.Context(), w.a, "app", network.EndpointRequest{Network: "bridge"}); err != nil {
		t.Fatal(err)
	}
	if got := w.places(c); got != "eth0=bridge eth1=back" {
		t.Errorf("back again it is in %s", got)
	}
	for what, err := range map[string]error{
		"a container that is not there": w.Connect(t.Context(), w.a, "nope", network.EndpointRequest{Network: "back"}),
		"a network that is not there":   w.Connect(t.Context(), w.a, "app", network.EndpointRequest{Network: "nope"}),
		"leaving one":                   w.Disconnect(t.Context(), w.a, "app", "nope"),
	} {
		if !errdefs.IsNotFound(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := w.Remove(t.Context(), w.a, "app", RemoveOptions{Force: true, Volumes: true}); err != nil {
		t.Fatal(err)
	}
	if names, err := w.Service.Network.Prune(t.Context(), w.a, func(*store.Network) bool { return true }); err != nil || !slices.Equal(names, []string{"back"}) {
		t.Errorf("pruned %v, %v", names, err)
	}
}

func TestDisconnectFailsWhole(t *testing.T) {
	w := newWorld(t)
	w.network(t, network.CreateRequest{Name: "back"})
	c := w.started(t, CreateRequest{Name: "app", Image: "app", NetworkMode: "back"})
	w.engine.FailOnce("AttachEndpoints", errors.New("the machine is on fire"))
	if err := w.Disconnect(t.Context(), w.a, "app", "back"); err == nil {
		t.Fatal("it went well")
	}
	if got := w.places(c); got != "eth0=back" {
		t.Errorf("it is in %q", got)
	}
	if err := w.Service.Network.Remove(t.Context(), w.a, "back"); !errdefs.IsPermissionDenied(err) {
		t.Errorf("its network can be removed: %v", err)
	}
	if err := w.Disconnect(t.Context(), w.a, "app", "back"); err != nil {
		t.Errorf("once more: %v", err)
	}
}

func TestConnectWithoutANetwork(t *testing.T) {
	w := newWorld(t)
	w.network(t, network.CreateRequest{Name: "back"})
	w.create(t, CreateRequest{Name: "app", Image: "app", Networks: []network.EndpointRequest{{Network: "none"}}})
	if err := w.Connect(t.Context(), w.a, "app", network.EndpointRequest{Network: "back"}); !errdefs.IsPermissionDenied(err) {
		t.Errorf("connecting a container that has no network: %v", err)
	}
}

// One account whose router cannot be made keeps nobody from being served.
func TestRecoverGoesOnWithoutANetwork(t *testing.T) {
	w := newWorld(t)
	c := w.started(t, CreateRequest{Name: "app", Image: "app"})
	w.engine.On("ApplyNetwork", func(context.Context, fake.Call) error { return errors.New("no router today") })
	w.boot(t)
	w.status(t, c.ID, store.StatusRunning)
}

// A name that two share stands for the one that runs, also when the other has failed to start.
func TestNamesOfWhatDoesNotRun(t *testing.T) {
	w := newWorld(t)
	w.network(t, network.CreateRequest{Name: "back"})
	in := []network.EndpointRequest{{Network: "back", Aliases: []string{"store"}}}
	up := w.started(t, CreateRequest{Name: "one", Image: "app", Networks: in})
	other := w.create(t, CreateRequest{Name: "two", Image: "app", Networks: in})
	idle := func(id string) bool {
		for _, e := range w.engine.Network(w.a).Endpoints {
			if e.ContainerID == id {
				return e.Idle
			}
		}
		t.Fatalf("the router does not know %s", id)
		return false
	}
	w.engine.FailOnce("StartContainer", errors.New("not today"))
	if err := w.Start(t.Context(), w.a, "two"); err == nil {
		t.Fatal("it started")
	}
	if !idle(other.ID) || idle(up.ID) {
		t.Errorf("the one that failed is idle: %v, the one that runs: %v", idle(other.ID), idle(up.ID))
	}
	if err := w.Stop(t.Context(), w.a, "one", StopOptions{}); err != nil {
		t.Fatal(err)
	}
	for n := 0; !idle(up.ID); n++ {
		if n == 100 {
			t.Fatal("the one that was stopped is not idle")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestConnectFailsWhole(t *testing.T) {
	for _, method := range []string{"ApplyNetwork", "AttachEndpoints"} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t)
			w.network(t, network.CreateRequest{Name: "back"})
			c := w.started(t, CreateRequest{Name: "app", Image: "app"})
			failed := false
			w.engine.On(method, func(context.Context, fake.Call) error {
				if failed {
					return nil
				}
				failed = true
				return errors.New("the machine is on fire")
			})
			err := w.Connect(t.Context(), w.a, "app", network.EndpointRequest{Network: "back"})
			if err == nil || !strings.Contains(err.Error(), "on fire") {
				t.Fatalf("error is %v", err)
			}
			if got := w.places(c); got != "eth0=bridge" {
				t.Errorf("it is in %s", got)
			}
			if n := len(w.engine.Network(w.a).Endpoints); n != 1 {
				t.Errorf("the router knows %d endpoints", n)
			}
		})
	}
}
