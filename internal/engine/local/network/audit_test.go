package network

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netns"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine"
)

// ward is a lab with two accounts that have floating IPs and networks, and connections that are open.
type ward struct {
	*lab
	one, two *tenant
	run      map[*tenant][]engine.Process
	web      *container // of one: published on realFIP, in front and back
	plain    *container // of one, without a floating IP
	other    *container // of two
	opened   map[string]*conn
}

const (
	realFIP    = "203.0.113.65" // the machine answers ARP for it
	machineFIP = "198.18.0.2"
)

func newWard(t *testing.T) *ward {
	l := newLab(t)
	l.config.FIPPools = pools("198.18.0.0/24", "203.0.113.64/28")
	l.restart()
	w := &ward{lab: l, one: l.account(0), two: l.account(1), run: map[*tenant][]engine.Process{}, opened: map[string]*conn{}}
	w.one.network("front", "172.24.0.0/20", false)
	w.one.network("back", "10.1.2.0/24", true)
	w.one.on("web", "front", "172.24.0.2", 0, "web")
	w.one.on("web", "back", "10.1.2.2", 1, "web")
	w.one.state.Endpoints[0].FloatingIP, w.one.state.Endpoints[0].Ports = netip.MustParseAddr(realFIP), ports("tcp", 8080, 80)
	w.one.apply()
	w.web = w.one.attach("web")
	w.plain = w.one.run("plain", 11)
	w.other = w.two.run("other", 10)
	w.two.at("other").FloatingIP, w.two.at("other").Ports = netip.MustParseAddr(machineFIP), ports("tcp", 80, 80)
	w.two.apply()
	w.run[w.one] = []engine.Process{{ContainerID: w.web.id, Pid: w.web.pid}, {ContainerID: w.plain.id, Pid: w.plain.pid}}
	w.run[w.two] = []engine.Process{{ContainerID: w.other.id, Pid: w.other.pid}}
	serve(t, w.plain.ns, ":80", "plain")
	serve(t, w.other.ns, ":80", "other")
	serve(t, l.outside, ":80", "outside")
	w.traffic()
	for name, c := range map[string]struct {
		ns   netns.NsHandle
		addr string
	}{
		"into web": {l.outside, realFIP + ":8080"}, "out of plain": {w.plain.ns, outsideAddr + ":80"},
		"into other": {l.machine, machineFIP + ":80"}, "out of other": {w.other.ns, outsideAddr + ":80"},
	} {
		open, err := dial(c.ns, "tcp4", c.addr)
		must(t, err)
		t.Cleanup(func() { _ = open.Close() })
		w.opened[name] = open
	}
	return w
}

// traffic is heard as it has to be.
func (w *ward) traffic() {
	w.Helper()
	w.hears(
		heard{"in from outside", w.outside, "tcp4", realFIP + ":8080", "web " + outsideAddr},
		heard{"in from the machine", w.machine, "tcp4", machineFIP + ":80", "other 100.64.0.2"},
		heard{"a port that is not published", w.outside, "tcp4", realFIP + ":81", "refused"},
		heard{"out from a floating IP", w.web.ns, "tcp4", outsideAddr + ":80", "outside " + realFIP},
		heard{"out from none", w.plain.ns, "tcp4", outsideAddr + ":80", "outside " + machineAddr},
		heard{"one account calls the other", w.plain.ns, "tcp4", machineFIP + ":80", "other 100.64.0.1"},
	)
	for _, c := range []*container{w.web, w.plain} {
		if got := asks(w.TB, c.ns, "web."); got == "" {
			w.Error("names are not answered")
		}
	}
}

func (w *ward) meant(a *tenant) func() engine.Routing {
	return func() engine.Routing {
		return engine.Routing{NetworkState: a.state, Running: w.run[a]}
	}
}

func (w *ward) owners() []engine.Owner {
	var out []engine.Owner
	for _, a := range []*tenant{w.one, w.two} {
		o := engine.Owner{Account: a.ref}
		for _, e := range a.state.Endpoints {
			o.Containers = append(o.Containers, e.ContainerID)
			if e.FloatingIP.IsValid() {
				o.FloatingIPs = append(o.FloatingIPs, e.FloatingIP)
			}
		}
		out = append(out, o)
	}
	return out
}

// audit returns every finding with its check, and the lines of rules below it.
func (w *ward) audit() []string {
	w.Helper()
	checks, err := w.net.AuditMachine(context.Background(), w.owners)
	must(w.TB, err)
	for _, a := range []*tenant{w.one, w.two} {
		of, err := w.net.AuditNetwork(context.Background(), a.ref, w.meant(a))
		must(w.TB, err)
		checks = append(checks, of...)
	}
	var out []string
	for _, c := range checks {
		for _, f := range c.Findings {
			out = append(out, strings.Join(append([]string{c.Name + ": " + f.Text}, f.Lines...), "\n"))
		}
	}
	return out
}

func (w *ward) mend() {
	w.Helper()
	must(w.TB, w.net.MendMachine(context.Background(), w.owners))
	for _, a := range []*tenant{w.one, w.two} {
		must(w.TB, w.net.MendNetwork(context.Background(), a.ref, w.meant(a)))
	}
}

// in runs a program in an account's router, and on the machine for nil.
func (w *ward) in(a *tenant, args ...string) {
	w.Helper()
	run := func() error {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, out)
		}
		return nil
	}
	if a == nil {
		must(w.TB, run())
		return
	}
	r, err := w.net.router(a.ref)
	must(w.TB, err)
	defer r.life.RUnlock()
	must(w.TB, within(r.ns, run))
}

// deleteRule deletes the first rule of a chain that has a text.
func (w *ward) deleteRule(a *tenant, table, chain, text string) {
	w.Helper()
	w.in(a, "sh", "-c", fmt.Sprintf(`nft delete rule inet %[1]s %[2]s handle $(nft -a list chain inet %[1]s %[2]s | grep -F '%[3]s' | sed 's/.*# handle //' | head -1)`, table, chain, text))
}

func TestAuditAndMend(t *testing.T) {
	w := newWard(t)
	t.Cleanup(func() { _ = exec.Command("iptables", "-P", "FORWARD", "ACCEPT").Run() })
	w.net.aboutTo = 300 * time.Millisecond
	if got := w.audit(); len(got) > 0 {
		t.Fatalf("on a machine that is well:\n%s", strings.Join(got, "\n"))
	}
	webLink, webBack, plainLink := linkName(w.web.id, 0), linkName(w.web.id, 1), linkName(w.plain.id, 0)
	stray := w.lab.account(7)
	for _, tc := range []struct {
		name   string
		breaks func()
		want   string
		ends   bool // connections that were open
	}{
		{name: "a rule is deleted", breaks: func() { w.deleteRule(w.one, "hyper", "forward", "established,related") },
			want: "rules: the chain forward of the table inet hyper lacks a rule\n- ct state established,related accept"},
		{name: "a chain is flushed", breaks: func() { w.in(w.one, "nft", "flush", "chain", "inet", "hyper", "fip-"+realFIP) },
			want: "rules: the chain fip-" + realFIP + " of the table inet hyper lacks a rule\n- tcp dport 8080 dnat ip to 172.24.0.2:80"},
		{name: "a rule is added", breaks: func() { w.in(w.one, "nft", "insert", "rule", "inet", "hyper", "forward", "tcp", "dport", "80", "drop") },
			want: "rules: the chain forward of the table inet hyper has a rule that hyperd did not make\n+ tcp dport 80 drop"},
		{name: "a rule is another one", breaks: func() {
			w.deleteRule(w.two, "hyper", "source", "snat ip to ip saddr map")
			w.in(w.two, "nft", "insert", "rule", "inet", "hyper", "source", "oifname", "up0", "counter", "masquerade")
		}, want: "rules: the chain source of the table inet hyper lacks a rule and has a rule that hyperd did not make\n" +
			"+ oifname \"up0\" counter masquerade\n- oifname \"up0\" snat ip to ip saddr map { 172.16.0.10 : 198.18.0.2 }"},
		{name: "a policy is another one", breaks: func() { w.in(w.one, "nft", "chain inet hyper forward { policy accept; }") },
			want: "rules: the chain forward of the table inet hyper lacks a rule and has a rule that hyperd did not make\n" +
				"- type filter hook forward priority filter; policy drop;\n+ type filter hook forward priority filter; policy accept;"},
		{name: "the table is deleted", breaks: func() { w.in(w.one, "nft", "delete", "table", "inet", "hyper") },
			want: "rules: the table inet hyper is missing, so that no packet meets its rules"},
		{name: "a table is added", breaks: func() {
			w.in(w.one, "nft", "add table ip mine; add chain ip mine everything { type filter hook forward priority 0; policy drop; }")
		},
			want: "rules: there is a table ip mine that hyperd did not make"},
		{name: "the machine's table is deleted", breaks: func() { w.in(nil, "nft", "delete", "table", "inet", "hyper-lab") },
			want: "firewall: the table inet hyper-lab is missing, so that no packet meets its rules"},
		{name: "a rule of the machine's is deleted", breaks: func() { w.deleteRule(nil, "hyper-lab", "guard", "fib daddr type") },
			want: "firewall: the chain guard of the table inet hyper-lab lacks a rule\n- fib daddr type { anycast, broadcast, local, multicast } drop"},
		{name: "forwarding is turned off", breaks: func() { w.in(nil, "sh", "-c", "echo 0 >/proc/sys/net/ipv4/ip_forward") },
			want: "forwarding: the machine does not forward packets, since net.ipv4.ip_forward is 0: accounts reach nothing outside"},
		{name: "the route to nowhere is deleted", breaks: func() { w.in(nil, "ip", "route", "del", "unreachable", "198.18.0.0/24") },
			want: "unused floating IPs: the machine does not say of unused floating IPs of 198.18.0.0/24 that nobody has them, but asks its default gateway"},
		{name: "a floating IP's route is deleted", breaks: func() { w.in(nil, "ip", "route", "del", machineFIP+"/32") },
			want: "floating IPs: the machine does not route floating IP " + machineFIP + " to the account"},
		{name: "a floating IP's route is another one", breaks: func() { w.in(nil, "ip", "route", "replace", machineFIP+"/32", "dev", "lab-u1") },
			want: "floating IPs: the machine does not route floating IP " + machineFIP + " to the account"},
		{name: "a route to an account is added", breaks: func() { w.in(nil, "ip", "route", "add", "198.18.0.9/32", "via", "100.64.0.1", "dev", "lab-u0") },
			want: "floating IPs: the machine routes 198.18.0.9 to the account, of whose containers none has it as floating IP"},
		{name: "the machine answers no ARP", breaks: func() { w.in(nil, "ip", "neigh", "del", "proxy", realFIP, "dev", "ext0") },
			want: "floating IPs: the machine does not answer ARP for floating IP " + realFIP + " on ext0, so that its neighbours there do not find it"},
		{name: "the machine answers ARP for nobody", breaks: func() { w.in(nil, "ip", "neigh", "add", "proxy", "203.0.113.70", "dev", "ext0") },
			want: "nobody's network: the machine answers ARP on ext0 for floating IP 203.0.113.70, which no container has"},
		{name: "the uplink is down on the machine", breaks: func() { w.in(nil, "ip", "link", "set", "lab-u0", "down") },
			want: "uplink: the uplink's end on the machine, lab-u0, is down"},
		{name: "the uplink is down in the router", breaks: func() { w.in(w.one, "ip", "link", "set", "up0", "down") },
			want: "uplink: the uplink's end in the router, up0, is down"},
		{name: "the uplink is deleted", breaks: func() { w.in(nil, "ip", "link", "del", "lab-u0") },
			want: "uplink: the uplink lab-u0 between the machine and the account's router is missing: its containers reach nothing outside, and have no floating IPs"},
		{name: "the uplink has another address", breaks: func() { w.in(w.one, "ip", "addr", "add", "100.64.0.77/32", "dev", "up0") },
			want: "uplink: the uplink's end in the router, up0, has an address that hyperd did not give it, 100.64.0.77/32"},
		{name: "the router has no default route", breaks: func() { w.in(w.one, "ip", "route", "del", "default") },
			want: "uplink: the router has no default route by the machine, 100.64.0.0"},
		{name: "the router has a route too many", breaks: func() { w.in(w.one, "ip", "route", "add", "8.8.8.8/32", "via", "100.64.0.0") },
			want: "networks: the router has a route that hyperd did not make, to 8.8.8.8/32 via 100.64.0.0 dev up0"},
		{name: "the router forgot the machine", breaks: func() { w.in(w.one, "ip", "neigh", "del", "100.64.0.0", "dev", "up0") },
			want: "uplink: the uplink's end in the router, up0, has no permanent neighbour entry for the other end, 100.64.0.0"},
		{name: "the router does not forward", breaks: func() { w.in(w.one, "sh", "-c", "echo 0 >/proc/sys/net/ipv4/ip_forward") },
			want: "router: the router has net.ipv4.ip_forward = 0, and needs 1: a router forwards"},
		{name: "a link answers no ARP for neighbours", breaks: func() { w.in(w.one, "sh", "-c", "echo 0 >/proc/sys/net/ipv4/conf/"+plainLink+"/proxy_arp") },
			want: "router: the router has net.ipv4.conf." + plainLink + ".proxy_arp = 0, and needs 1: the container may ask where a neighbour is"},
		{name: "a gateway is gone", breaks: func() { w.in(w.one, "ip", "addr", "del", "172.24.0.1/32", "dev", "lo") },
			want: "networks: the router lacks the address 172.24.0.1, the gateway of the network 172.24.0.0/20"},
		{name: "the gateway of the account's own network is gone", breaks: func() { w.in(w.one, "ip", "addr", "del", "172.16.0.1/32", "dev", "lo") },
			want: "networks: the router lacks the address 172.16.0.1, the gateway of the network 172.16.0.0/16"},
		{name: "a gateway too many", breaks: func() { w.in(w.one, "ip", "addr", "add", "172.30.0.1/32", "dev", "lo") },
			want: "networks: the router has the address 172.30.0.1, which is the gateway of none of the account's networks"},
		{name: "a network's route is gone", breaks: func() { w.in(w.one, "ip", "route", "del", "10.1.2.0/24", "dev", "lo") },
			want: "networks: the router lacks the route of the network 10.1.2.0/24, which answers for addresses that no running container has"},
		{name: "a container's route is gone", breaks: func() { w.in(w.one, "ip", "route", "del", "172.24.0.2/32") },
			want: "links: the router has no route to eth0 of container " + w.web.id[:12] + ", 172.24.0.2"},
		{name: "a container's link has a route too many", breaks: func() { w.in(w.one, "ip", "route", "add", "172.16.0.99/32", "dev", plainLink) },
			want: "links: the router has a route that hyperd did not make, to 172.16.0.99/32 dev " + plainLink},
		{name: "a container's neighbour entry is gone", breaks: func() { w.in(w.one, "ip", "neigh", "del", "172.24.0.2", "dev", webLink) },
			want: "links: the router has no permanent neighbour entry for eth0 of container " + w.web.id[:12] + ", 172.24.0.2"},
		{name: "a link is down in the router", breaks: func() { w.in(w.one, "ip", "link", "set", webLink, "down") },
			want: "links: the router's end of eth0 of container " + w.web.id[:12] + ", " + webLink + ", is down"},
		{name: "a link is deleted", breaks: func() { w.in(w.one, "ip", "link", "del", webLink) },
			want: "links: eth0 of container " + w.web.id[:12] + " is not connected with the account's router"},
		{name: "the link to a second network is deleted", breaks: func() { w.in(w.one, "ip", "link", "del", webBack) },
			want: "links: eth1 of container " + w.web.id[:12] + " is not connected with the account's router"},
		{name: "a link is down in the container", breaks: func() { w.inside(w.plain, "ip", "link", "set", "eth0", "down") },
			want: "links: eth0 of container " + w.plain.id[:12] + " is down"},
		{name: "a container has no default route", breaks: func() { w.inside(w.web, "ip", "route", "del", "default") },
			want: "links: container " + w.web.id[:12] + " has no default route by 172.24.0.1"},
		{name: "a container has no address", breaks: func() { w.inside(w.plain, "ip", "addr", "flush", "dev", "eth0") },
			want: "links: eth0 of container " + w.plain.id[:12] + " lacks its address, 172.16.0.11/16"},
		{name: "the resolver ended", breaks: func() { mustOpen(w.lab, w.one).names.Close() },
			want: "names: the account's resolver does not answer its containers"},
		{name: "the router lost its name", breaks: func() { must(t, unix.Unmount(w.net.namespacePath(w.one.ref.ID()), unix.MNT_DETACH)) },
			want: "router: the router's network namespace is not bound to " + w.net.namespacePath(w.one.ref.ID()) + " any more, so that a hyperd that starts would make another"},
		{name: "the router's name is another's", breaks: func() {
			must(t, unix.Unmount(w.net.namespacePath(w.one.ref.ID()), unix.MNT_DETACH))
			must(t, makeNamespace(w.net.namespacePath(w.one.ref.ID())))
		}, want: "router: " + w.net.namespacePath(w.one.ref.ID()) + " is not the network namespace of the router that the account's containers hang on"},
		{name: "a link of nobody", breaks: func() {
			w.in(w.one, "ip", "link", "add", "vabcdefabcdef", "type", "veth", "peer", "name", "vabcdefabcde0")
		},
			want: "links: the router has a link vabcdefabcde0 that belongs to no running container|links: the router has a link vabcdefabcdef that belongs to no running container"},
		{name: "an interface of nobody", breaks: func() { w.in(w.one, "ip", "link", "add", "x0", "type", "veth", "peer", "name", "x1") },
			want: "links: the router has an interface x0 that hyperd did not make|links: the router has an interface x1 that hyperd did not make"},
		{name: "iptables drops what is forwarded", breaks: func() { w.in(nil, "iptables", "-P", "FORWARD", "DROP") },
			want: "forwarding: iptables drops what the machine forwards, and its FORWARD chain lacks the rule that lets the accounts' packets through: -i lab-u+ -m comment --comment hyper-lab -j ACCEPT|" +
				"forwarding: iptables drops what the machine forwards, and its FORWARD chain lacks the rule that lets the accounts' packets through: -o lab-u+ -m comment --comment hyper-lab -j ACCEPT"},
		{name: "an uplink of nobody", breaks: func() { w.in(nil, "ip", "link", "add", "lab-u9", "type", "veth", "peer", "name", "elsewhere") },
			want: "nobody's network: the machine has an uplink lab-u9 that belongs to no account"},
		{name: "a namespace of nobody", breaks: func() { must(t, makeNamespace(w.net.namespacePath(stray.ref.ID()))) },
			want: "nobody's network: there is a router's network namespace " + w.net.namespacePath(stray.ref.ID()) + " that belongs to no account"},
		{name: "what is left of a namespace of nobody", breaks: func() { must(t, os.WriteFile(filepath.Join(w.config.RunDir, "netns", "x"), nil, 0o600)) },
			want: "nobody's network: there is a router's network namespace " + w.net.namespacePath("x") + " that belongs to no account"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w.TB = t
			w.lab.TB = t
			defer func() {
				if t.Failed() {
					w.mend() // for those that follow
				}
			}()
			tc.breaks()
			if got := strings.Join(w.audit(), "|"); got != tc.want {
				t.Errorf("found\n%s\nwant\n%s", got, tc.want)
			}
			w.mend()
			if got := w.audit(); len(got) > 0 {
				t.Errorf("after mending:\n%s", strings.Join(got, "\n"))
			}
			w.traffic()
			for name, c := range w.opened {
				if err := c.echo(); err != nil {
					t.Errorf("a connection that was open %s: %v", name, err)
				}
			}
		})
	}
	w.TB, w.lab.TB = t, t
	if got := call(w.plain.ns, "tcp4", "172.24.0.2:80"); strings.HasPrefix(got, "web") { // how often it is told that it may not is limited
		w.Errorf("networks of one account meet: %s", got)
	}
}

// What hyperd failed to apply is drift; a network that nobody is in yet is not.
func TestAuditOfWhatWasNotApplied(t *testing.T) {
	w := newWard(t)
	w.net.aboutTo = 300 * time.Millisecond
	w.one.network("side", "172.24.16.0/20", false)
	if got := w.audit(); len(got) > 0 {
		t.Errorf("with a network that nobody is in:\n%s", strings.Join(got, "\n"))
	}
	w.one.at("plain").FloatingIP = netip.MustParseAddr("198.18.0.5")
	got := strings.Join(w.audit(), "\n")
	for _, want := range []string{
		"floating IPs: the machine does not route floating IP 198.18.0.5 to the account",
		"rules: the chain fip-198.18.0.5 is missing from the table inet hyper",
		"networks: the router lacks the address 172.24.16.1, the gateway of the network 172.24.16.0/20",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("found\n%s\nwithout: %s", got, want)
		}
	}
	w.mend()
	if got := w.audit(); len(got) > 0 {
		t.Errorf("after mending:\n%s", strings.Join(got, "\n"))
	}
	w.hears(heard{"out from the floating IP", w.plain.ns, "tcp4", machineFIP + ":80", "other 198.18.0.5"})
}

// A hyperd that has started and not applied anything yet expects nothing of a router in which nobody runs, and one of whose containers
// run to be there.
func TestAuditAfterARestart(t *testing.T) {
	w := newWard(t)
	w.restart()
	w.net.aboutTo = 300 * time.Millisecond
	got := strings.Join(w.audit(), "|")
	if want := "router: containers of the account run, and hyperd could not take up its router when it started"; got != want+"|"+want {
		t.Errorf("found\n%s", got)
	}
	w.mend()
	if got := w.audit(); len(got) > 0 {
		t.Errorf("after mending:\n%s", strings.Join(got, "\n"))
	}
	w.traffic()
	for name, c := range w.opened {
		if err := c.echo(); err != nil {
			t.Errorf("a connection that was open %s: %v", name, err)
		}
	}
	w.restart()
	nobody := func() engine.Routing { return engine.Routing{} }
	for range 2 {
		checks, err := w.net.AuditNetwork(t.Context(), w.one.ref, nobody)
		must(t, err)
		for _, c := range checks {
			for _, f := range c.Findings {
				if !strings.HasPrefix(f.Text, "the router has a link") {
					t.Errorf("of an account without containers: %s", f.Text)
				}
			}
		}
		mustOpen(w.lab, w.one) // as clearing up at the start does
	}
}

// inside runs a program in a container's namespace.
func (w *ward) inside(c *container, args ...string) {
	w.Helper()
	must(w.TB, within(c.ns, func() error {
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, out)
		}
		return nil
	}))
}

func mustOpen(l *lab, a *tenant) *router {
	r, err := l.net.router(a.ref)
	must(l.TB, err)
	r.life.RUnlock()
	return r
}

// life is what a churning account is meant to be, as the rules would keep it.
type life struct {
	*tenant
	turn    sync.Mutex // of applying
	mu      sync.Mutex
	state   engine.NetworkState
	running []engine.Process
	moving  map[string]bool
}

func (a *life) change(fn func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	fn()
}

func (a *life) meant() engine.Routing {
	a.mu.Lock()
	defer a.mu.Unlock()
	return engine.Routing{
		NetworkState: engine.NetworkState{Networks: slices.Clone(a.state.Networks), Endpoints: slices.Clone(a.state.Endpoints)},
		Running:      slices.Clone(a.running), Moving: slices.Collect(maps.Keys(a.moving)),
	}
}

// applyNow takes its turn before it looks at what is meant, as the rules do.
func (a *life) applyNow() error {
	a.turn.Lock()
	defer a.turn.Unlock()
	return a.lab.net.ApplyNetwork(context.Background(), a.ref, a.meant().NetworkState)
}

// live starts and stops one container until the end, with a floating IP that two accounts pass to each other.
func (a *life) live(t *testing.T, n byte, fips chan netip.Addr, end <-chan struct{}) error {
	e := engine.Endpoint{ContainerID: fmt.Sprintf("c%d%060d", n, a.ref.Slot()), Address: netip.AddrFrom4([4]byte{172, 16, 0, n}), Names: []string{fmt.Sprint("c", n)}, Ports: ports("tcp", 80, 80)}
	e.MAC = macOf(e.Address).String()
	for {
		select {
		case <-end:
			return nil
		default:
		}
		c := process(t, a.ref)
		select {
		case e.FloatingIP = <-fips:
		default:
			e.FloatingIP = netip.Addr{}
		}
		a.change(func() {
			a.moving[e.ContainerID] = true
			a.state.Endpoints = append(a.state.Endpoints, e)
		})
		if err := a.applyNow(); err != nil {
			return err
		}
		if err := a.lab.net.AttachEndpoints(context.Background(), a.ref, e.ContainerID, c.pid); err != nil {
			return err
		}
		p := engine.Process{ContainerID: e.ContainerID, Pid: c.pid}
		a.change(func() { a.running = append(a.running, p) })
		a.change(func() { delete(a.moving, e.ContainerID) })
		time.Sleep(time.Duration(n) * time.Millisecond)
		a.change(func() { a.moving[e.ContainerID] = true })
		a.change(func() {
			a.running = slices.DeleteFunc(a.running, func(x engine.Process) bool { return x == p })
			a.state.Endpoints = slices.DeleteFunc(slices.Clone(a.state.Endpoints), func(x engine.Endpoint) bool { return x.ContainerID == e.ContainerID })
		})
		if e.FloatingIP.IsValid() {
			fips <- e.FloatingIP // another may have it before this account has let go of it
		}
		if err := a.lab.net.DetachEndpoints(context.Background(), a.ref, e.ContainerID); err != nil {
			return err
		}
		if err := a.applyNow(); err != nil {
			return err
		}
		a.change(func() { delete(a.moving, e.ContainerID) })
	}
}

// While containers come and go, and floating IPs with them, nothing is wrong.
func TestAuditIsQuietWhileThingsChange(t *testing.T) {
	l := newLab(t)
	fips := make(chan netip.Addr, 2)
	fips <- netip.MustParseAddr(machineFIP)
	fips <- netip.MustParseAddr("198.18.0.3")
	end := make(chan struct{})
	var all []*life
	var busy errgroup.Group
	for slot := range 2 {
		a := &life{tenant: l.account(slot), moving: map[string]bool{}}
		all = append(all, a)
		must(t, a.applyNow())
		for n := range byte(3) {
			busy.Go(func() error { return a.live(t, 10+20*n, fips, end) })
		}
	}
	owners := func() []engine.Owner {
		var out []engine.Owner
		for _, a := range all {
			o := engine.Owner{Account: a.ref}
			for _, e := range a.meant().Endpoints {
				o.FloatingIPs = append(o.FloatingIPs, e.FloatingIP)
			}
			out = append(out, o)
		}
		return out
	}
	for range 15 {
		checks, err := l.net.AuditMachine(t.Context(), owners)
		must(t, err)
		for _, a := range all {
			of, err := l.net.AuditNetwork(t.Context(), a.ref, a.meant)
			must(t, err)
			checks = append(checks, of...)
		}
		for _, c := range checks {
			for _, f := range c.Findings {
				t.Errorf("%s: %s\n%s", c.Name, f.Text, strings.Join(f.Lines, "\n"))
			}
		}
	}
	close(end)
	must(t, busy.Wait())
}
