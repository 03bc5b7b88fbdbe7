package ruleset

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hypercloud/hyper/internal/engine"
)

// The pages under docs/network are rendered here, from states and the rules that these have.
const pagesDir = "../../../../../docs/network"

// purposes tell what each chain is for, in a line above it.
var purposes = map[string]string{
	"spoof":   "Before anything else: nobody sends as somebody else.",
	"publish": "Addresses are translated before the packet is routed: a floating IP becomes the container's address.",
	"fip":     "The ports that are published on this floating IP, and where they lead. Others stay as they are.",
	"closed":  "Not a hook of the kernel's: others go here to refuse.",
	"absent":  "Not a hook of the kernel's: who calls an address of the account's networks that no running container has ends here.",
	"forward": "What passes the router, from a link to another: all that containers send and get.",
	"input":   "What is meant for the router itself: names, and pings of a gateway.",
	"source":  "The sender's address is translated last, when the packet leaves.",
	"leave":   "Not a hook of the kernel's: what a container with security groups may begin, by the rules of one group, or of all that it carries.",
	"enter":   "Not a hook of the kernel's: what others may begin with a container that has security groups, in the same way.",
	"arrive":  "Not a hook of the kernel's: the second gate, behind that of who begins.",
	"allowed": "Not a hook of the kernel's: what passed both gates may do what it could without groups.",

	"set asks":     "How fast each container asks for names.",
	"set carriers": "Who carries a group that a rule names.",

	"machine guard":   "Before the packet is routed, and before other tables translate its address: accounts do not reach the machine.",
	"machine spoof":   "Before anything else: an account sends from its router's address and its floating IPs only.",
	"machine input":   "What is meant for the machine itself, once more, after other tables had their say.",
	"machine forward": "What passes the machine, from an account to the outside, to another account, or in.",
	"machine source":  "The sender's address is translated last, when the packet leaves the machine, or goes to an account.",
}

// explained is a text of rules with the reason of each line above it.
func explained(t *testing.T, rules, of string) string {
	t.Helper()
	var out strings.Builder
	for line := range strings.Lines(rules) {
		line = strings.TrimRight(line, "\n")
		rule, reason, ok := strings.Cut(line, " # ")
		indent := rule[:len(rule)-len(strings.TrimLeft(rule, "\t"))]
		words := strings.Fields(rule)
		switch {
		case words[0] == "chain" || words[0] == "set":
			name, _, _ := strings.Cut(words[1], "-")
			if words[0] == "set" {
				name = "set " + name
			}
			purpose := purposes[of+name]
			if purpose == "" {
				t.Errorf("the %s %s%s has no purpose that a reader is told of", words[0], of, words[1])
			}
			fmt.Fprintf(&out, "\n%s# %s\n", indent, purpose)
		case ok:
			fmt.Fprintf(&out, "%s# %s\n", indent, reason)
		case words[0] != "}" && words[0] != "table" && words[0] != "delete" && words[0] != "type" && words[0] != "elements":
			t.Errorf("a rule without a reason: %s", rule)
		}
		out.WriteString(rule + "\n")
	}
	return "```\n" + strings.ReplaceAll(out.String(), "\t", "    ") + "```\n"
}

// has is the table of what an account has.
func has(names map[string]string, state engine.NetworkState) string {
	var out strings.Builder
	if len(state.Networks) > 0 {
		out.WriteString("| network | subnet | gateway | |\n|---|---|---|---|\n")
		for _, n := range state.All() {
			name, kind := n.ID, ""
			if name == "" {
				name = "the account's own"
			}
			if n.Internal {
				kind = "internal"
			}
			fmt.Fprintf(&out, "| %s | %s | %s | %s |\n", name, n.Subnet, n.Gateway, kind)
		}
		out.WriteString("\n")
	}
	out.WriteString("| container | network | address | floating IP | published |\n|---|---|---|---|---|\n")
	for _, e := range state.Endpoints {
		network, fip := e.Network, "none"
		if network == "" {
			network = "the account's own"
		}
		if e.FloatingIP.IsValid() {
			fip = e.FloatingIP.String()
		}
		var published []string
		for _, p := range e.Ports {
			published = append(published, fmt.Sprintf("`-p %d:%d/%s`", p.Public, p.Private, p.Proto))
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s |\n", names[e.ContainerID], network, e.Address, fip, strings.Join(published, ", "))
	}
	return out.String()
}

// page compares a page of the documentation with what is rendered.
func page(t *testing.T, name string, parts ...string) {
	t.Helper()
	path := filepath.Join(pagesDir, name)
	got := strings.Join(parts, "\n")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("docs/network/%s is not what is rendered (go test -update writes it):\n%s", name, got)
	}
}

// same maps the containers of states to themselves.
func same(states ...engine.NetworkState) map[string]string {
	out := map[string]string{}
	for _, s := range states {
		for _, e := range s.Endpoints {
			out[e.ContainerID] = e.ContainerID
		}
	}
	return out
}

const rendered = "[How a packet passes](README.md) is to be read first. This page is rendered by a test from a state and the rules that hyperd makes of it.\n"

func TestPageOfOneContainer(t *testing.T) {
	state := engine.NetworkState{Endpoints: []engine.Endpoint{endpoint("web", "172.16.0.10", "", port("tcp", 80, 80))}}
	rules := Account(state, router)
	page(t, "one-container.md",
		"# One container\n", rendered,
		"```\n$ hyper run -d --name web -p 80:80 httpd\n```\n",
		"## What the account has\n", has(same(state), state),
		"## Its router's rules\n",
		"The container is in none of them: it reaches its neighbours and the outside, and nobody outside reaches it. Its port is published, but there is no\n"+
			"floating IP to publish it on. So starting and ending containers changes no rule; what the kernel has of them is a link and a route. The router's address on its uplink is "+router.Address.String()+".\n",
		explained(t, rules, ""))
	if rules != Account(engine.NetworkState{}, router) {
		t.Error("a container without a floating IP changes rules")
	}
}

func TestPageOfAFloatingIP(t *testing.T) {
	state := engine.NetworkState{Endpoints: []engine.Endpoint{
		endpoint("web", "172.16.0.10", "198.18.0.2", port("tcp", 8080, 80), port("tcp", 443, 443)),
		endpoint("db", "172.16.0.11", ""),
	}}
	page(t, "floating-ip.md",
		"# A published port on a floating IP\n", rendered,
		"```\n$ hyper run -d --name db mysql\n$ hyper run -d --name web -p 8080:80 -p 443:443 httpd\n$ hyper fip attach 198.18.0.2 web\n```\n",
		"## What the account has\n", has(same(state), state),
		"## How a call arrives\n",
		"1. The machine routes 198.18.0.2 to the account's router: `198.18.0.2 via "+router.Address.String()+"` by its uplink.\n"+
			"2. `publish` finds the floating IP in its map and goes to `fip-198.18.0.2`, where port 8080 becomes port 80 of 172.16.0.10. Port 22 stays as it is.\n"+
			"3. The packet is routed: to the container's link; what is for port 22 by the default route, out again.\n"+
			"4. `forward` accepts what was translated, and refuses port 22, since it is still addressed to the floating IP.\n"+
			"5. The answer goes back the same way, and connection tracking puts the floating IP back in its place.\n\n"+
			"A neighbour that calls the floating IP takes the same way, without leaving the router. When the container calls itself by it, `source` gives the call the gateway's address:\n"+
			"a kernel takes no packet from outside that claims to come from itself.\n",
		"## Its router's rules\n", explained(t, Account(state, router), ""))
}

func TestPageOfTwoAccounts(t *testing.T) {
	ann := engine.NetworkState{Endpoints: []engine.Endpoint{endpoint("web", "172.16.0.10", "198.18.0.2", port("tcp", 80, 80))}}
	bob := engine.NetworkState{Endpoints: []engine.Endpoint{endpoint("shop", "172.16.0.10", "198.18.0.3", port("tcp", 80, 8080))}}
	other := router
	other.Address = netip.MustParseAddr("100.64.0.9")
	one, two := Account(ann, router), Account(bob, other)
	page(t, "two-accounts.md",
		"# Two accounts\n", rendered,
		"Both use the same private addresses, and nothing of them meets in one table: each has a network namespace, and so routes, rules and tracked connections of its own.\n"+
			"An account reaches another at a floating IP, as everybody does, by way of the machine, and [the machine's rules](machine.md).\n",
		"## What ann has\n", has(same(ann), ann),
		"## What bob has\n", has(same(bob), bob),
		"## How ann's container calls bob's\n",
		"1. 172.16.0.10 of ann's calls 198.18.0.3. Ann's router does not know that address, so it is outside: `forward` accepts it as what goes out, and `source` makes the sender\n"+
			"   198.18.0.2, the caller's own floating IP.\n"+
			"2. On the machine, `spoof` finds that 198.18.0.2 is routed to the link that the packet came from, and `forward` lets it pass: it is not addressed to a router. It is routed to bob's router.\n"+
			"3. There it is a call from outside: `publish` translates it to port 8080 of bob's 172.16.0.10. To bob's container the caller is 198.18.0.2.\n\n"+
			"Had ann's container no floating IP, the caller would be ann's router, "+router.Address.String()+". At bob's router itself, "+other.Address.String()+", nobody answers: the machine drops what accounts and outsiders send there.\n",
		"## The rules of ann's router\n", explained(t, one, ""),
		"## The rules of bob's router\n", "Where they differ from ann's:\n", differing(one, two))
}

// differing lists the rules of a text that another has not, in their chains.
func differing(than, rules string) string {
	others := strings.Split(than, "\n")
	var out strings.Builder
	var chain string
	var shown bool
	for line := range strings.Lines(rules) {
		line = strings.TrimRight(line, "\n")
		rule, _, _ := strings.Cut(strings.TrimSpace(line), " # ")
		switch {
		case strings.HasPrefix(rule, "chain "):
			chain, shown = rule, false
		case rule == "}" && shown:
			out.WriteString("}\n")
			shown = false
		case !slices.Contains(others, line):
			if !shown {
				out.WriteString(chain + "\n")
				shown = true
			}
			out.WriteString("    " + rule + "\n")
		}
	}
	return "```\n" + out.String() + "```\n"
}

func TestPageOfNetworks(t *testing.T) {
	front, side, back := network("front", "172.24.0.0/20", false), network("side", "172.24.16.0/20", false), network("back", "10.1.2.0/24", true)
	state := engine.NetworkState{
		Networks: []engine.PrivateNetwork{front, side, back},
		Endpoints: []engine.Endpoint{
			on("front", 0, endpoint("web", "172.24.0.2", "198.18.0.2", port("tcp", 80, 8080))),
			on("side", 1, endpoint("web", "172.24.16.2", "")),
			on("back", 2, endpoint("web", "10.1.2.2", "")),
			on("back", 0, endpoint("db", "10.1.2.3", "", port("tcp", 5432, 5432))),
			on("side", 0, endpoint("caller", "172.24.16.3", "")),
			endpoint("old", "172.16.0.10", "198.18.0.3", port("tcp", 22, 22)),
		},
	}
	page(t, "networks.md",
		"# Networks that an account makes\n", rendered,
		"```\n$ hyper network create front\n$ hyper network create side\n$ hyper network create --internal --subnet 10.1.2.0/24 back\n"+
			"$ hyper run -d --name web --net front -p 80:8080 httpd\n$ hyper network connect side web\n$ hyper network connect back web\n```\n",
		"## What the account has\n", has(same(state), state),
		"## What is special\n",
		"* A network is a subnet of the one router. That two of them do not meet is a rule of `forward`, and so is that an internal one meets nobody.\n"+
			"* A floating IP belongs to the first network of the container that is not internal. `db` publishes a port, and is in an internal network only: it has no floating IP to publish it on.\n"+
			"* `caller` may call 198.18.0.2, where `web` answers, although front and side do not meet. `web` is in side, too, and would answer `caller` there, by its other link: the router, which\n"+
			"  translated the call, would see the answer come from another address than it sent the call to. So `source` gives such a call the gateway's address, and the answer comes back to the router.\n",
		"## Its router's rules\n", explained(t, Account(state, router), ""))
}

func TestPageOfSecurityGroups(t *testing.T) {
	state := engine.NetworkState{
		Groups: []engine.SecurityGroup{
			group("web", from("0.0.0.0/0", "tcp", 80, 80), to(fromGroup("db", "tcp", 3306, 3306))),
			group("db", fromGroup("web", "tcp", 3306, 3306)),
		},
		Endpoints: []engine.Endpoint{
			carry(endpoint("web", "172.16.0.10", "198.18.0.2", port("tcp", 80, 80), port("tcp", 22, 22)), "web"),
			carry(endpoint("db", "172.16.0.11", ""), "db"),
			endpoint("free", "172.16.0.12", ""),
		},
	}
	page(t, "security-groups.md",
		"# Two security groups\n", rendered,
		"```\n$ cat web.yml\nname: web\nrules:\n- {direction: ingress, protocol: tcp, port_range_min: 80, port_range_max: 80, remote_ip_prefix: 0.0.0.0/0}\n"+
			"- {direction: egress, protocol: tcp, port_range_min: 3306, port_range_max: 3306, remote_group_name: db}\n"+
			"$ cat db.yml\nname: db\nrules:\n- {direction: ingress, protocol: tcp, port_range_min: 3306, port_range_max: 3306, remote_group_name: web}\n"+
			"$ hyper run -d --name web --sg web -p 80 -p 22 httpd\n$ hyper run -d --name db --sg db mysql\n$ hyper run -d --name free busybox sleep 1000\n$ hyper fip attach 198.18.0.2 web\n```\n",
		"## What the account has\n", has(same(state), state),
		"## What becomes of a call\n",
		"* From outside to 198.18.0.2, port 80: `publish` makes it one to 172.16.0.10. The caller has no groups, so `forward` goes on to `arrive`, which finds the group of `web`; its first rule\n"+
			"  lets the call go on to `allowed`, where it is accepted because the port is published. Both must allow it.\n"+
			"* To port 22: published, but no rule of `enter-by-web` matches, and the call is refused as at a port that is closed.\n"+
			"* From `web` to `db`, port 3306: `leave-by-web` lets it out since `db` is in the set of carriers, and `enter-by-db` lets it in since `web` is.\n"+
			"* From `free` to `db`: nothing keeps `free` from calling, but `enter-by-db` has no rule for who carries no group.\n"+
			"* From `db` to anybody: its group has no egress rule, so it begins nothing. It answers all the same: answers belong to connections that were let through.\n",
		"## Its router's rules\n", explained(t, Account(state, router), ""))
}

func TestPageOfTheMachine(t *testing.T) {
	page(t, "machine.md",
		"# The machine's own table\n", rendered,
		"There is one for each hyperd, whatever its accounts have. This one is of the instance `hy`, whose uplinks are named `hy-u0`, `hy-u1`, and so on; its routers have addresses of 100.64.0.0/16.\n\n"+
			"Its filters stand just before the usual priorities. What they accept is still subject to the machine's other tables, such as ufw's, Docker's or the operator's own, which hyperd does not touch.\n",
		"## The rules\n",
		explained(t, Host(Machine{
			Table: "hyper-hy", Uplink: "hy-u", Uplinks: netip.MustParsePrefix("100.64.0.0/16"),
		}), "machine "))
}
