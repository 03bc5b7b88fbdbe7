package ruleset

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/hypercloud/hyper/internal/engine"
)

func group(name string, rules ...engine.GroupRule) engine.SecurityGroup {
	return engine.SecurityGroup{Name: name, Rules: rules}
}

func from(prefix, proto string, first, last uint16) engine.GroupRule {
	return engine.GroupRule{Proto: proto, First: first, Last: last, Prefix: netip.MustParsePrefix(prefix)}
}

func fromGroup(name, proto string, first, last uint16) engine.GroupRule {
	return engine.GroupRule{Proto: proto, First: first, Last: last, Group: name}
}

func to(r engine.GroupRule) engine.GroupRule {
	r.Egress = true
	return r
}

func carry(e engine.Endpoint, groups ...string) engine.Endpoint {
	e.Groups = groups
	return e
}

func TestAccountWithGroups(t *testing.T) {
	for name, state := range map[string]engine.NetworkState{
		"one-group": {
			Groups: []engine.SecurityGroup{
				group("web",
					from("0.0.0.0/0", "tcp", 80, 80), from("0.0.0.0/0", "tcp", 8000, 8099), from("10.0.0.0/8", "icmp", 8, 8), from("::/0", "tcp", 80, 80),
					to(from("192.0.2.0/24", "udp", 0, 65535)), to(from("0.0.0.0/0", "icmp", 0, 255))),
				group("carried-by-nobody", from("0.0.0.0/0", "", 0, 0)),
			},
			Endpoints: []engine.Endpoint{
				carry(endpoint("web", "172.16.0.10", ""), "web"), carry(endpoint("also", "172.16.0.11", ""), "web"), endpoint("free", "172.16.0.12", ""),
			},
		},
		"groups-that-name-each-other": {
			Groups: []engine.SecurityGroup{
				group("web", from("0.0.0.0/0", "tcp", 80, 80), to(fromGroup("db", "tcp", 3306, 3306)), fromGroup("web", "", 0, 0)),
				group("db", fromGroup("web", "tcp", 3306, 3306)),
				group("admin", from("172.16.0.0/16", "tcp", 22, 22), to(from("0.0.0.0/0", "", 0, 0))),
				group("nobody"),
			},
			Endpoints: []engine.Endpoint{
				carry(endpoint("web", "172.16.0.10", ""), "web"), carry(endpoint("bastion", "172.16.0.9", ""), "web", "admin"),
				carry(endpoint("db", "172.16.0.11", ""), "db"), carry(endpoint("db2", "172.16.0.12", ""), "db"), carry(endpoint("shut", "172.16.0.13", ""), "nobody"),
			},
		},
		"group-and-floating-ip": {
			Groups: []engine.SecurityGroup{group("ssh", from("203.0.113.0/24", "tcp", 22, 22))},
			Endpoints: []engine.Endpoint{
				carry(endpoint("web", "172.16.0.10", "198.18.0.2", port("tcp", 2222, 22), port("tcp", 80, 80)), "ssh"), endpoint("db", "172.16.0.11", ""),
			},
		},
		"group-in-several-networks": {
			Networks: []engine.PrivateNetwork{network("front", "172.24.0.0/20", false), network("back", "10.1.2.0/24", true)},
			Groups: []engine.SecurityGroup{
				group("web", from("0.0.0.0/0", "tcp", 80, 80), to(fromGroup("db", "tcp", 5432, 5432))),
				group("db", fromGroup("web", "tcp", 5432, 5432)),
			},
			Endpoints: []engine.Endpoint{
				carry(on("front", 0, endpoint("web", "172.24.0.2", "")), "web"), carry(on("back", 1, endpoint("web", "10.1.2.2", "")), "web"),
				carry(on("back", 0, endpoint("db", "10.1.2.3", "")), "db"), on("front", 0, endpoint("free", "172.24.0.3", "")),
			},
		},
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, Account(state, router)) })
	}
}

// Groups that nobody carries, and containers without one beside those that have some, are in no line.
func TestOnlyCarriersAreInTheRules(t *testing.T) {
	groups := []engine.SecurityGroup{group("web", from("0.0.0.0/0", "tcp", 80, 80))}
	x, y := carry(endpoint("x", "172.16.0.10", ""), "web"), endpoint("y", "172.16.0.11", "")
	render := func(eps ...engine.Endpoint) string {
		return Account(engine.NetworkState{Groups: groups, Endpoints: eps}, router)
	}
	if got, want := render(y), Account(engine.NetworkState{}, router); got != want {
		t.Errorf("a group that nobody carries is in the rules:\n%s", got)
	}
	if got, want := render(x, y), render(x); got != want || strings.Contains(got, "172.16.0.11") {
		t.Errorf("a container without groups is in the rules:\n%s", got)
	}
	z := endpoint("z", "172.16.0.12", "")
	groups = append(groups, group("ssh"))
	one := render(carry(x, "ssh", "web"), carry(z, "web"))
	slices.Reverse(groups)
	if two := render(carry(z, "web"), carry(x, "web", "ssh")); one != two {
		t.Errorf("the same state gives\n%s\nand\n%s", one, two)
	}
}
