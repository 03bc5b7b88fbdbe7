package network

import (
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"github.com/hypercloud/hyper/internal/engine"
)

func TestANewHyperdGoesOnWithTheNetwork(t *testing.T) {
	l := newLab(t)
	a, gone := l.account(0), l.account(1)
	web, db := a.run("web", 10), a.run("db", 11)
	gone.run("c", 10)
	a.at("web").FloatingIP, a.at("web").Ports = netip.MustParseAddr("198.18.0.2"), ports("tcp", 80, 80)
	a.at("db").FloatingIP = netip.MustParseAddr("198.18.0.3")
	a.apply()
	serve(t, web.ns, ":80", "web")
	serve(t, db.ns, ":80", "db")
	serve(t, l.outside, ":80", "outside")
	var conns []*conn
	for _, c := range []struct {
		from *container
		addr string
	}{{nil, "198.18.0.2:80"}, {web, "172.16.0.11:80"}, {web, outsideAddr + ":80"}} {
		ns := l.machine
		if c.from != nil {
			ns = c.from.ns
		}
		open, err := dial(ns, "tcp4", c.addr)
		must(t, err)
		conns = append(conns, open)
	}
	must(t, l.net.Close())
	for _, c := range conns {
		if err := c.echo(); err != nil {
			t.Errorf("without hyperd: %v", err)
		}
	}
	l.start()
	must(t, l.net.Reap(t.Context(), []engine.Keep{{Account: a.ref, Containers: []string{web.id, db.id}}}))
	a.at("db").FloatingIP = netip.Addr{} // what an intent said that hyperd did not live to see done
	a.apply()
	for i, c := range conns {
		if err := c.echo(); err != nil {
			t.Errorf("connection %d, with the next hyperd: %v", i, err)
		}
	}
	l.hears(
		heard{"a new connection", l.machine, "tcp4", "198.18.0.2:80", "web 100.64.0.0"},
		heard{"a floating IP that was taken away meanwhile", l.machine, "tcp4", "198.18.0.3:80", "unreachable"},
	)
	if _, err := netlink.LinkByName("lab-u1"); err == nil {
		t.Error("the uplink of an account that is not kept is there")
	}
	if isNamespace(l.net.namespacePath(gone.ref.ID())) {
		t.Error("the router of an account that is not kept is there")
	}
}

func TestReapRemovesLinksOfContainersThatAreNotKept(t *testing.T) {
	l := newLab(t)
	a := l.account(0)
	web, db := a.run("web", 10), a.run("db", 11)
	l.restart()
	must(t, l.net.Reap(t.Context(), []engine.Keep{{Account: a.ref, Containers: []string{web.id}}}))
	a.apply()
	if _, err := l.net.EndpointStats(t.Context(), a.ref, web.id); err != nil {
		t.Error(err)
	}
	if _, err := l.net.EndpointStats(t.Context(), a.ref, db.id); !errdefs.IsNotFound(err) {
		t.Errorf("the link of a container that is not kept: %v", err)
	}
}

func TestRoutersAreMadeAnewWhenHalfOfThemIsGone(t *testing.T) {
	for name, ruin := range map[string]func(l *lab, a *tenant){
		"the uplink": func(l *lab, a *tenant) { must(l.TB, l.net.removeUplink("lab-u0")) },
		"the namespace, as after a lost run directory": func(l *lab, a *tenant) {
			must(l.TB, removeNamespace(l.net.namespacePath(a.ref.ID())))
		},
		"the mount, as after a reboot": func(l *lab, a *tenant) {
			path := l.net.namespacePath(a.ref.ID())
			must(l.TB, removeNamespace(path))
			must(l.TB, os.WriteFile(path, nil, 0o600))
		},
		"the rules": func(l *lab, a *tenant) {
			must(l.TB, within(mustRouter(l.TB, l, a), func() error { return exec.Command("nft", "flush", "ruleset").Run() }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			a := l.account(0)
			a.run("web", 10)
			ruin(l, a)
			l.restart()
			a.apply()
			c := process(t, a.ref)
			must(t, l.net.AttachEndpoints(t.Context(), a.ref, a.at("web").ContainerID, c.pid))
			serve(t, l.outside, ":80", "outside")
			l.hears(heard{"out", c.ns, "tcp4", outsideAddr + ":80", "outside " + machineAddr})
		})
	}
}

func TestRemoveNetwork(t *testing.T) {
	l := newLab(t)
	a := l.account(0)
	for range 2 {
		must(t, l.net.RemoveNetwork(t.Context(), a.ref))
	}
	a.run("web", 10)
	for range 2 {
		must(t, l.net.RemoveNetwork(t.Context(), a.ref))
	}
	must(t, l.net.DetachEndpoints(t.Context(), a.ref, a.at("web").ContainerID))
	if isNamespace(l.net.namespacePath(a.ref.ID())) {
		t.Error("asking for a link made a router")
	}
	a.state = engine.NetworkState{}
	a.run("web", 10)
}

func TestManyAtOnce(t *testing.T) {
	l := newLab(t)
	a := l.account(0)
	for i := range byte(12) {
		a.endpoint(string(rune('a'+i)), 10+i)
	}
	a.apply()
	var wg sync.WaitGroup
	for i := range 12 {
		c := process(t, a.ref)
		id := a.state.Endpoints[i].ContainerID
		wg.Go(func() {
			if err := l.net.AttachEndpoints(t.Context(), a.ref, id, c.pid); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			state := engine.NetworkState{Endpoints: slices.Clone(a.state.Endpoints)}
			state.Endpoints[i].FloatingIP = netip.AddrFrom4([4]byte{198, 18, 0, byte(10 + i)})
			if err := l.net.ApplyNetwork(t.Context(), a.ref, state); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			b := l.account(1 + i%3)
			if err := l.net.ApplyNetwork(t.Context(), b.ref, engine.NetworkState{}); err != nil {
				t.Error(err)
			}
			if err := l.net.RemoveNetwork(t.Context(), b.ref); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, e := range a.state.Endpoints {
		if _, err := l.net.EndpointStats(t.Context(), a.ref, e.ContainerID); err != nil {
			t.Error(err)
		}
	}
}

func TestInstancesSideBySide(t *testing.T) {
	l := newLab(t)
	c := l.config
	c.Instance, c.RunDir, c.FIPPools = "lab2", t.TempDir(), pools("198.18.1.0/24")
	l.account(0).run("web", 10)
	if _, err := New(t.Context(), c); !errdefs.IsConflict(err) {
		t.Errorf("two instances with one uplink pool: %v", err)
	}
	c.UplinkPool = netip.MustParsePrefix("100.65.0.0/16")
	n, err := New(t.Context(), c)
	must(t, err)
	must(t, n.ApplyNetwork(t.Context(), l.account(0).ref, engine.NetworkState{}))
	must(t, l.net.Reap(t.Context(), nil))
	if _, err := netlink.LinkByName("lab2-u0"); err != nil {
		t.Errorf("the other instance's uplink: %v", err)
	}
	must(t, n.Reap(t.Context(), nil))
	must(t, n.Close())
}

func TestAnotherUplinkPool(t *testing.T) {
	l := newLab(t)
	a := l.account(0)
	c := a.run("web", 10)
	a.at("web").FloatingIP, a.at("web").Ports = netip.MustParseAddr("198.18.0.2"), ports("tcp", 80, 80)
	l.config.UplinkPool = netip.MustParsePrefix("100.70.0.0/16")
	l.restart()
	a.apply()
	serve(t, c.ns, ":80", "web")
	serve(t, l.outside, ":80", "outside")
	l.hears(
		heard{"in", l.machine, "tcp4", "198.18.0.2:80", "web 100.70.0.0"},
		heard{"out", c.ns, "tcp4", outsideAddr + ":80", "outside " + machineAddr},
	)
}

// mustRouter is the namespace of an account's router.
func mustRouter(t testing.TB, l *lab, a *tenant) netns.NsHandle {
	t.Helper()
	r, err := l.net.router(a.ref)
	must(t, err)
	defer r.life.RUnlock()
	return r.ns
}
