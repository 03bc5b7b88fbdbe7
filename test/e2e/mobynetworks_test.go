package e2e

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// network makes a network that is gone when the row has ended.
func (m moby) network(t *testing.T, name string, opts client.NetworkCreateOptions) string {
	t.Helper()
	r, err := m.NetworkCreate(within(t), name, opts)
	id := must(t, r, err).ID
	t.Cleanup(func() {
		if _, err := m.NetworkRemove(afterwards(t), id, client.NetworkRemoveOptions{}); err != nil && !errdefs.IsNotFound(err) {
			t.Error(err)
		}
	})
	return id
}

// reaches says whether who is in a container gets an answer from a name.
func (m moby) reaches(t *testing.T, id, name string) bool {
	t.Helper()
	return strings.Contains(m.output(t, id, "sh", "-c", "ping -c 1 -W 2 "+name+" >/dev/null 2>&1 && echo yes"), "yes")
}

// mobyNetworkRows are networks.
var mobyNetworkRows = map[string]mobyRow{
	"NetworkCreate": func(t *testing.T, m moby) {
		id := m.network(t, "made", client.NetworkCreateOptions{
			Driver: "bridge", Labels: map[string]string{"l": "v"}, Attachable: true,
			IPAM: &network.IPAM{Config: []network.IPAMConfig{{Subnet: netip.MustParsePrefix("10.77.0.0/24"), Gateway: netip.MustParseAddr("10.77.0.9")}}},
		})
		r, err := m.NetworkInspect(within(t), id, client.NetworkInspectOptions{})
		n := must(t, r, err).Network
		if n.Name != "made" || n.Labels["l"] != "v" || !n.Attachable || n.IPAM.Config[0].Gateway.String() != "10.77.0.9" {
			t.Errorf("%+v", n)
		}
		if _, err := m.NetworkCreate(within(t), "made", client.NetworkCreateOptions{}); !errdefs.IsConflict(err) {
			t.Errorf("a name that is in use: %v", err)
		}
		m.network(t, "inner", client.NetworkCreateOptions{Internal: true})
		inside := m.startWith(t, client.ContainerCreateOptions{Config: &container.Config{Cmd: []string{"sleep", "1000"}}, NetworkingConfig: inNetwork("inner", "x"), HostConfig: &container.HostConfig{NetworkMode: "inner"}})
		if routes := m.output(t, inside, "ip", "route"); strings.Contains(routes, "default") {
			t.Errorf("there is a way out of an internal network: %s", routes)
		}
		m.remove(t, inside)
		if _, err := m.NetworkCreate(within(t), "swarmed", client.NetworkCreateOptions{Driver: "overlay"}); err == nil {
			t.Error("there is a driver overlay")
		}
	},
	"NetworkInspect": func(t *testing.T, m moby) {
		nw := m.network(t, "seen", client.NetworkCreateOptions{})
		id := m.startWith(t, client.ContainerCreateOptions{
			Name: "member", Config: &container.Config{Cmd: []string{"sleep", "1000"}}, HostConfig: &container.HostConfig{NetworkMode: "seen"}, NetworkingConfig: inNetwork("seen", "x"),
		})
		for _, name := range []string{"seen", nw, nw[:12]} {
			r, err := m.NetworkInspect(within(t), name, client.NetworkInspectOptions{Verbose: true})
			n := must(t, r, err).Network
			if n.ID != nw || n.Driver != "bridge" || n.Scope != "local" || !n.EnableIPv4 || n.Containers[id].Name != "member" || !n.Containers[id].IPv4Address.IsValid() {
				t.Errorf("%s: %+v", name, n)
			}
		}
		if _, err := m.NetworkInspect(within(t), "nothing", client.NetworkInspectOptions{}); !errdefs.IsNotFound(err) {
			t.Errorf("what is not there: %v", err)
		}
		m.remove(t, id)
	},
	"NetworkList": func(t *testing.T, m moby) {
		m.network(t, "listed", client.NetworkCreateOptions{Labels: map[string]string{"l": "v"}})
		names := func(f client.Filters) []string {
			r, err := m.NetworkList(within(t), client.NetworkListOptions{Filters: f})
			var out []string
			for _, n := range must(t, r, err).Items {
				out = append(out, n.Name)
			}
			return out
		}
		if all := names(nil); !slices.Contains(all, "bridge") || !slices.Contains(all, "listed") {
			t.Errorf("there are %v", all)
		}
		for _, f := range []client.Filters{client.Filters{}.Add("name", "listed"), client.Filters{}.Add("label", "l=v"), client.Filters{}.Add("type", "custom"), client.Filters{}.Add("dangling", "true")} {
			if got := names(f); len(got) != 1 || got[0] != "listed" {
				t.Errorf("%v finds %v", f, got)
			}
		}
	},
	"NetworkConnect": func(t *testing.T, m moby) {
		nw := m.network(t, "joined", client.NetworkCreateOptions{})
		one, two := m.idle(t), m.idle(t)
		for id, alias := range map[string]string{one: "first", two: "second"} {
			if _, err := m.NetworkConnect(within(t), nw, client.NetworkConnectOptions{Container: id, EndpointConfig: &network.EndpointSettings{Aliases: []string{alias}}}); err != nil {
				t.Fatal(err)
			}
		}
		want(t, "reached by its alias", m.reaches(t, one, "second"), true)
		e := m.inspect(t, one).NetworkSettings.Networks["joined"]
		if e == nil || !slices.Contains(e.Aliases, "first") || !slices.Contains(e.DNSNames, one[:12]) {
			t.Errorf("its place is %+v", e)
		}
		if _, err := m.NetworkConnect(within(t), nw, client.NetworkConnectOptions{Container: one}); err == nil {
			t.Error("it joins twice")
		}
		if _, err := m.NetworkConnect(within(t), "nothing", client.NetworkConnectOptions{Container: one}); !errdefs.IsNotFound(err) {
			t.Errorf("a network that is not there: %v", err)
		}
		m.remove(t, one)
		m.remove(t, two)
	},
	"NetworkDisconnect": func(t *testing.T, m moby) {
		nw := m.network(t, "left", client.NetworkCreateOptions{})
		one := m.startWith(t, client.ContainerCreateOptions{Config: &container.Config{Cmd: []string{"sleep", "1000"}}, HostConfig: &container.HostConfig{NetworkMode: "left"}, NetworkingConfig: inNetwork("left", "one")})
		two := m.startWith(t, client.ContainerCreateOptions{Config: &container.Config{Cmd: []string{"sleep", "1000"}}, HostConfig: &container.HostConfig{NetworkMode: "left"}, NetworkingConfig: inNetwork("left", "two")})
		want(t, "reached before", m.reaches(t, one, "two"), true)
		if _, err := m.NetworkDisconnect(within(t), nw, client.NetworkDisconnectOptions{Container: two, Force: true}); err != nil {
			t.Fatal(err)
		}
		want(t, "reached afterwards", m.reaches(t, one, "two"), false)
		if n := len(m.inspect(t, two).NetworkSettings.Networks); n != 0 {
			t.Errorf("it is in %d networks", n)
		}
		m.remove(t, one)
		m.remove(t, two)
	},
	"NetworkRemove": func(t *testing.T, m moby) {
		nw := m.network(t, "gone", client.NetworkCreateOptions{})
		id := m.startWith(t, client.ContainerCreateOptions{Config: &container.Config{Cmd: []string{"sleep", "1000"}}, HostConfig: &container.HostConfig{NetworkMode: "gone"}, NetworkingConfig: inNetwork("gone", "x")})
		if _, err := m.NetworkRemove(within(t), nw, client.NetworkRemoveOptions{}); err == nil {
			t.Error("one that is in use is removed")
		}
		m.remove(t, id)
		if _, err := m.NetworkRemove(within(t), nw, client.NetworkRemoveOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := m.NetworkRemove(within(t), nw, client.NetworkRemoveOptions{}); !errdefs.IsNotFound(err) {
			t.Errorf("a second time: %v", err)
		}
		if _, err := m.NetworkRemove(within(t), "bridge", client.NetworkRemoveOptions{}); err == nil {
			t.Error("the account's own network is removed")
		}
	},
	"NetworkPrune": func(t *testing.T, m moby) {
		m.network(t, "kept", client.NetworkCreateOptions{Labels: map[string]string{"keep": "me"}})
		m.network(t, "unused", client.NetworkCreateOptions{})
		r, err := m.NetworkPrune(within(t), client.NetworkPruneOptions{Filters: client.Filters{}.Add("label!", "keep=me")})
		want(t, "what is gone", strings.Join(must(t, r, err).Report.NetworksDeleted, " "), "unused")
	},
}
