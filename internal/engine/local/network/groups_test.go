package network

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine"
)

const anywhere = "0.0.0.0/0"

// allow is a rule for peers by address, or, if it is no prefix, by group.
func allow(peers, proto string, ports ...uint16) engine.GroupRule {
	r := engine.GroupRule{Proto: proto, Last: 65535}
	if proto == "icmp" {
		r.Last = 255
	}
	if len(ports) > 0 {
		r.First, r.Last = ports[0], ports[len(ports)-1]
	}
	var err error
	if r.Prefix, err = netip.ParsePrefix(peers); err != nil {
		r.Group = peers
	}
	return r
}

func out(r engine.GroupRule) engine.GroupRule {
	r.Egress = true
	return r
}

// group gives a security group its rules.
func (a *tenant) group(name string, rules ...engine.GroupRule) {
	groups := append([]engine.SecurityGroup(nil), a.state.Groups...)
	a.state.Groups = groups
	for i := range groups {
		if groups[i].Name == name {
			groups[i].Rules = rules
			return
		}
	}
	a.state.Groups = append(groups, engine.SecurityGroup{Name: name, Rules: rules})
}

// carry gives a container its security groups.
func (a *tenant) carry(name string, groups ...string) {
	for i := range a.state.Endpoints {
		if a.state.Endpoints[i].ContainerID == a.id(name) {
			a.state.Endpoints[i].Groups = groups
		}
	}
}

// pings is what a ping hears.
func pings(from *container, addr string) string {
	if ping(from.ns, addr) == nil {
		return "answer"
	}
	return "silence"
}

func (l *lab) pings(from *container, addr, want, what string) {
	l.Helper()
	if got := pings(from, addr); got != want {
		l.Errorf("%s: a ping of %s hears %s, want %s", what, addr, got, want)
	}
}

// threeTiers has web (which has a floating IP), db, and free, which is in no group, in one network.
func threeTiers(l *lab) (a *tenant, web, db, free *container) {
	l.Helper()
	a = l.account(0)
	a.on("web", "", "172.16.0.10", 0)
	a.on("db", "", "172.16.0.11", 0)
	a.on("free", "", "172.16.0.12", 0)
	web, db, free = a.attach("web"), a.attach("db"), a.attach("free")
	for _, c := range []struct {
		*container
		name string
	}{{web, "web"}, {db, "db"}, {free, "free"}} {
		serve(l.TB, c.ns, ":22", c.name)
	}
	serve(l.TB, l.outside, ":80", "outside")
	a.state.Endpoints[0].FloatingIP = netip.MustParseAddr("198.18.0.2")
	a.state.Endpoints[0].Ports = append(ports("tcp", 80, 80), append(ports("tcp", 2222, 22), ports("udp", 80, 80)...)...)
	return a, web, db, free
}

func TestWhoReachesWhom(t *testing.T) {
	l := newLab(t)
	a, web, db, free := threeTiers(l)
	a.apply()
	l.hears(
		heard{"without groups, a neighbour", free.ns, "tcp4", "172.16.0.10:22", "web 172.16.0.12"},
		heard{"without groups, from outside", l.outside, "tcp4", "198.18.0.2:2222", "web " + outsideAddr},
	)

	t.Run("a group without rules", func(t *testing.T) {
		l := l.in(t)
		a.group("nothing")
		a.carry("web", "nothing")
		a.apply()
		l.hears(
			heard{"from a neighbour", free.ns, "tcp4", "172.16.0.10:80", "refused"},
			heard{"by datagram", free.ns, "udp4", "172.16.0.10:80", "refused"},
			heard{"from outside", l.outside, "tcp4", "198.18.0.2:80", "refused"},
			heard{"from outside by datagram", l.outside, "udp4", "198.18.0.2:80", "refused"},
			heard{"from the machine", l.machine, "tcp4", "198.18.0.2:80", "refused"},
			heard{"from itself by its floating IP", web.ns, "tcp4", "198.18.0.2:80", "unreachable"},
			heard{"from a neighbour by the floating IP", free.ns, "tcp4", "198.18.0.2:80", "refused"},
			heard{"to a neighbour", web.ns, "tcp4", "172.16.0.12:80", "unreachable"},
			heard{"out", web.ns, "tcp4", outsideAddr + ":80", "unreachable"},
			heard{"a neighbour without groups to another", free.ns, "tcp4", "172.16.0.11:80", "db 172.16.0.12"},
			heard{"and out", free.ns, "tcp4", outsideAddr + ":80", "outside " + machineAddr},
		)
		l.pings(free, "172.16.0.10", "silence", "from a neighbour")
		l.pings(web, "172.16.0.12", "silence", "to a neighbour")
		l.pings(web, "172.16.0.1", "answer", "the gateway")
		if got := asks(t, web.ns, "free."); got != "NOERROR 172.16.0.12" {
			t.Errorf("the name of a neighbour: %s", got)
		}
	})

	t.Run("ingress", func(t *testing.T) {
		l := l.in(t)
		a.group("http", allow(anywhere, "tcp", 80), allow("172.16.0.12/32", "icmp", 8))
		a.carry("web", "http")
		a.apply()
		l.hears(
			heard{"an allowed port", free.ns, "tcp4", "172.16.0.10:80", "web 172.16.0.12"},
			heard{"of another protocol", free.ns, "udp4", "172.16.0.10:80", "refused"},
			heard{"another port", free.ns, "tcp4", "172.16.0.10:22", "refused"},
			heard{"an allowed port from outside", l.outside, "tcp4", "198.18.0.2:80", "web " + outsideAddr},
			heard{"published, and not allowed", l.outside, "tcp4", "198.18.0.2:2222", "refused"},
			heard{"a neighbour by the floating IP", db.ns, "tcp4", "198.18.0.2:80", "web 172.16.0.11"},
			heard{"out, which no rule allows", web.ns, "tcp4", outsideAddr + ":80", "unreachable"},
		)
		l.pings(free, "172.16.0.10", "answer", "from the one that may")
		l.pings(db, "172.16.0.10", "silence", "from another")
	})

	t.Run("allowed, and not published", func(t *testing.T) {
		l := l.in(t)
		a.group("all", allow(anywhere, ""), out(allow(anywhere, "")))
		a.carry("web", "all")
		a.carry("db", "all")
		a.apply()
		l.hears(
			heard{"a port that is not published", l.outside, "tcp4", "198.18.0.2:22", "refused"},
			heard{"itself by its floating IP", web.ns, "tcp4", "198.18.0.2:80", "web 172.16.0.1"},
			heard{"out from the floating IP", web.ns, "tcp4", outsideAddr + ":80", "outside " + machineAddr},
			heard{"a neighbour", db.ns, "udp4", "172.16.0.10:80", "web 172.16.0.11"},
			heard{"the machine's link-local services", db.ns, "tcp4", metadata + ":80", "unreachable"},
		)
	})

	t.Run("a caller from outside by address", func(t *testing.T) {
		l := l.in(t)
		a.group("office", allow(outsideAddr+"/32", "tcp", 22))
		a.carry("web", "office")
		a.apply()
		l.hears(
			heard{"who may", l.outside, "tcp4", "198.18.0.2:2222", "web " + outsideAddr},
			heard{"who may not", l.machine, "tcp4", "198.18.0.2:2222", "refused"},
		)
	})

	t.Run("peers by group", func(t *testing.T) {
		l := l.in(t)
		a.group("front", allow(anywhere, "tcp", 80), out(allow("data", "tcp", 22, 22)))
		a.group("data", allow("front", "tcp", 22))
		a.group("ssh", allow(anywhere, "tcp", 2200, 2300))
		a.carry("web", "front")
		a.carry("db", "data", "ssh")
		a.apply()
		l.hears(
			heard{"a carrier to a carrier", web.ns, "tcp4", "172.16.0.11:22", "db 172.16.0.10"},
			heard{"another port", web.ns, "tcp4", "172.16.0.11:80", "unreachable"},
			heard{"who does not carry it", free.ns, "tcp4", "172.16.0.11:22", "refused"},
			heard{"the other way round", db.ns, "tcp4", "172.16.0.10:80", "unreachable"},
		)
		a.carry("free", "front")
		a.apply()
		l.hears(heard{"one that has joined", free.ns, "tcp4", "172.16.0.11:22", "db 172.16.0.12"})
		a.carry("free")
		a.apply()
		l.hears(
			heard{"and has left", free.ns, "tcp4", "172.16.0.11:22", "refused"},
			heard{"the union of two groups' rules", free.ns, "tcp4", "172.16.0.11:2250", "refused"}, // nobody listens: see below
		)
		serve(t, db.ns, ":2250", "db")
		l.hears(heard{"the union of two groups' rules", free.ns, "tcp4", "172.16.0.11:2250", "db 172.16.0.12"})
	})
}

// in is the lab in a part of a test.
func (l *lab) in(t *testing.T) *lab {
	part := *l
	part.TB = t
	return &part
}

func TestGroupsOnAllOfAContainersNetworks(t *testing.T) {
	l := newLab(t)
	a, web, db, lone, _ := twoTiers(l)
	a.group("front", out(allow("data", "tcp", 80)))
	a.group("data", allow("front", "tcp", 80))
	a.carry("web", "front")
	a.carry("db", "data")
	a.apply()
	l.hears(
		heard{"in an internal network", web.ns, "tcp4", "10.1.2.3:80", "db 10.1.2.2"},
		heard{"who may not", lone.ns, "tcp4", "10.1.2.3:80", "refused"},
		heard{"where no rule leads", web.ns, "tcp4", "10.1.2.4:80", "unreachable"},
		heard{"back", db.ns, "tcp4", "10.1.2.2:80", "unreachable"},
		heard{"a place of a carrier in another network", web.ns, "tcp4", "172.16.0.10:80", "unreachable"},
	)
	// A network that a carrier joins is one where it is known as such.
	a.network("side", "172.25.0.0/20", false)
	a.on("web", "side", "172.25.0.2", 2)
	a.on("db", "side", "172.25.0.3", 1)
	a.carry("web", "front")
	a.carry("db", "data")
	a.again(web)
	a.again(db)
	l.hears(heard{"in a network that both have joined", web.ns, "tcp4", "172.25.0.3:80", "db 172.25.0.2"})
}

// opened is a connection that works.
func (l *lab) opened(from *container, addr string) *conn {
	l.Helper()
	c, err := dial(from.ns, "tcp4", addr)
	must(l.TB, err)
	must(l.TB, c.echo())
	return c
}

func TestConnectionsEndWithTheirRule(t *testing.T) {
	l := newLab(t)
	a, web, db, free := threeTiers(l)
	a.group("front", allow(anywhere, "tcp", 80), allow(anywhere, "tcp", 22), out(allow("data", "tcp")), out(allow(anywhere, "tcp", 80)))
	a.group("data", allow("front", "tcp"), out(allow(anywhere, "")))
	a.carry("web", "front")
	a.carry("db", "data")
	a.apply()
	http, ssh := l.opened(free, "172.16.0.10:80"), l.opened(free, "172.16.0.10:22")
	sql, leaving := l.opened(web, "172.16.0.11:22"), l.opened(web, outsideAddr+":80")
	apart := l.opened(db, "172.16.0.12:80")
	public, err := dial(l.outside, "tcp4", "198.18.0.2:80")
	must(t, err)
	lives := func(what string, list ...*conn) {
		t.Helper()
		for i, c := range list {
			if err := c.echo(); err != nil {
				t.Errorf("%s: connection %d: %v", what, i, err)
			}
		}
	}
	ends := func(what string, c *conn) {
		t.Helper()
		if c.echo() == nil {
			t.Errorf("%s: the connection lives", what)
		}
	}

	a.group("front", allow(anywhere, "tcp", 80), out(allow("data", "tcp")), out(allow(anywhere, "tcp", 80)))
	a.apply()
	ends("port 22 is not allowed any more", ssh)
	lives("port 22 is not allowed any more", http, sql, leaving, apart, public)

	a.group("front", allow(anywhere, "tcp", 80), allow("172.16.0.99/32", "udp"), out(allow("data", "tcp")))
	a.apply()
	ends("the way out is not allowed any more", leaving)
	lives("the way out is not allowed any more", http, sql, apart, public)

	a.group("front", allow("172.16.0.0/16", "tcp", 80), out(allow("data", "tcp")))
	a.apply()
	ends("outsiders are not allowed any more", public)
	lives("outsiders are not allowed any more", http, sql, apart)

	// What it leaves, others' rules know it by.
	a.carry("db", "front")
	a.apply()
	ends("the callee is not of the group that it may be called as", sql)
	ends("the caller has no way out", apart)
	lives("the caller's own", http)

	a.group("late", out(allow(anywhere, "")))
	a.carry("free", "late")
	a.apply()
	lives("what the caller's first group allows", http)
	a.group("late")
	a.apply()
	ends("the caller's group allows no more", http)
}

// A connection whose rule is gone is not taken up again by what its callee says, which may begin connections with the caller.
func TestTheCalleeDoesNotKeepAConnectionAlive(t *testing.T) {
	l := newLab(t)
	a, web, _, free := threeTiers(l)
	a.group("front", allow(anywhere, "tcp"), out(allow(anywhere, "")))
	a.carry("web", "front")
	a.apply()
	must(t, within(web.ns, func() error { return talk(t, ":9000") }))
	c, err := dial(free.ns, "tcp4", "172.16.0.10:9000")
	must(t, err)
	if _, err := c.r.ReadString('\n'); err != nil {
		t.Fatalf("what the callee says by itself: %v", err)
	}
	a.group("front", out(allow(anywhere, "")))
	a.apply()
	for range 100 {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if _, err = c.r.ReadString('\n'); err != nil {
			return
		}
	}
	t.Error("the callee goes on with a connection that may not be")
}

func TestConnectionsThatGroupsAllow(t *testing.T) {
	state, err := aNetwork.check(engine.NetworkState{
		Groups: []engine.SecurityGroup{
			{Name: "web", Rules: []engine.GroupRule{allow(anywhere, "tcp", 80, 89), allow("web", ""), out(allow("db", "tcp", 3306)), out(allow("192.0.2.0/24", "udp")), allow("203.0.113.0/24", "icmp")}},
			{Name: "db", Rules: []engine.GroupRule{allow("web", "tcp", 3306), allow("203.0.113.0/24", "icmp", 8)}},
		},
		Endpoints: []engine.Endpoint{
			{ContainerID: "web", Address: netip.MustParseAddr("172.16.0.10"), MAC: "02:42:ac:10:00:0a", Groups: []string{"web"}},
			{ContainerID: "db", Address: netip.MustParseAddr("172.16.0.11"), MAC: "02:42:ac:10:00:0b", Groups: []string{"db"}},
			{ContainerID: "free", Address: netip.MustParseAddr("172.16.0.12"), MAC: "02:42:ac:10:00:0c"},
		},
	})
	must(t, err)
	filter := stale(newAllowance(nil, state, netip.MustParseAddr("100.64.0.1")))
	const tcp, udp, ping = unix.IPPROTO_TCP, unix.IPPROTO_UDP, unix.IPPROTO_ICMP
	for name, tc := range map[string]struct {
		src, dst string
		proto    uint8
		port     uint16
		ends     bool
	}{
		"a range":                            {"172.16.0.12", "172.16.0.10", tcp, 85, false},
		"its last":                           {"172.16.0.12", "172.16.0.10", tcp, 89, false},
		"beyond":                             {"172.16.0.12", "172.16.0.10", tcp, 90, true},
		"another protocol":                   {"172.16.0.12", "172.16.0.10", udp, 80, true},
		"by group on both sides":             {"172.16.0.10", "172.16.0.11", tcp, 3306, false},
		"only the callee's side":             {"172.16.0.11", "172.16.0.10", tcp, 80, true},
		"who is not of the group":            {"172.16.0.12", "172.16.0.11", tcp, 3306, true},
		"out, by prefix":                     {"172.16.0.10", "192.0.2.9", udp, 53, false},
		"out, elsewhere":                     {"172.16.0.10", "192.0.3.9", udp, 53, true},
		"the gateway, which is always there": {"172.16.0.10", "172.16.0.1", udp, 53, false},
		"without groups":                     {"172.16.0.12", "203.0.113.9", tcp, 443, false},
		"all types of icmp":                  {"203.0.113.9", "172.16.0.10", ping, 0, false},
		"one type of icmp":                   {"203.0.113.9", "172.16.0.11", ping, 0, true}, // it may be another
	} {
		t.Run(name, func(t *testing.T) {
			src, from := net.ParseIP(tc.src), net.ParseIP(tc.src)
			if !state.private(netip.MustParseAddr(tc.dst)) {
				from = net.ParseIP("100.64.0.1")
			}
			f := &netlink.ConntrackFlow{
				Forward: netlink.IPTuple{SrcIP: src, DstIP: net.ParseIP(tc.dst), Protocol: tc.proto, DstPort: tc.port},
				Reverse: netlink.IPTuple{SrcIP: net.ParseIP(tc.dst), DstIP: from, Protocol: tc.proto, SrcPort: tc.port},
			}
			if got := filter.MatchConntrackFlow(f); got != tc.ends {
				t.Errorf("it ends: %v, want %v", got, tc.ends)
			}
		})
	}
}

func TestGroupsThatCannotBe(t *testing.T) {
	of := func(name string, rules ...engine.GroupRule) engine.NetworkState {
		return engine.NetworkState{Groups: []engine.SecurityGroup{{Name: name, Rules: rules}}}
	}
	for name, state := range map[string]engine.NetworkState{
		"a name that would be a rule": of("web { } chain x"),
		"no name":                     of(""),
		"a protocol that is none":     of("web", allow(anywhere, "tcp dport 1 accept")),
		"a range turned round":        of("web", allow(anywhere, "tcp", 90, 80)),
		"a type that is none":         of("web", allow(anywhere, "icmp", 256)),
		"peers of two kinds":          of("web", engine.GroupRule{Last: 65535, Prefix: netip.MustParsePrefix(anywhere), Group: "web"}),
		"peers of no kind":            of("web", engine.GroupRule{Last: 65535}),
		"a group that is not there":   of("web", allow("db", "")),
		"twice":                       {Groups: []engine.SecurityGroup{{Name: "web"}, {Name: "web"}}},
		"carried, and not there": {Endpoints: []engine.Endpoint{
			{ContainerID: "web", Address: netip.MustParseAddr("172.16.0.10"), MAC: "02:42:ac:10:00:0a", Groups: []string{"web"}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := aNetwork.check(state)
			if !errdefs.IsInvalidArgument(err) && !errdefs.IsConflict(err) && !errdefs.IsNotFound(err) {
				t.Errorf("it is taken: %v", err)
			}
		})
	}
}
