package ruleset

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hypercloud/hyper/internal/engine"
)

// Router is what an account's rules depend on besides its state.
type Router struct {
	Address netip.Addr   // the router's own address on its uplink
	Uplinks netip.Prefix // where the uplinks of all accounts have their addresses
}

// Account renders the tables of an account's router. Endpoints must have valid addresses, all different, in networks that
// do not overlap; groups must have been checked. One without a floating IP and security groups is in none of the lines, and starting and
// ending one changes no rule.
func Account(state engine.NetworkState, r Router) string {
	eps := slices.Clone(state.Endpoints)
	slices.SortFunc(eps, func(x, y engine.Endpoint) int { return x.Address.Compare(y.Address) })
	var floating []engine.Endpoint
	for _, e := range eps {
		if e.FloatingIP.IsValid() {
			floating = append(floating, e)
		}
	}
	nets := split(state)
	t := &text{}
	t.table("inet hyper", func() {
		spoof(t, nets)
		publish(t, floating)
		held := carriersOf(state, eps)
		guard(t, held)
		forward(t, nets, floating, held, r)
		input(t, nets)
		source(t, nets, state, floating, r)
	})
	return t.String()
}

// networks are an account's, in the order of their subnets.
type networks struct {
	all, open, internal []engine.PrivateNetwork // open: not internal
}

func split(state engine.NetworkState) networks {
	n := networks{all: state.All()}
	slices.SortFunc(n.all, func(x, y engine.PrivateNetwork) int { return x.Subnet.Addr().Compare(y.Subnet.Addr()) })
	for _, p := range n.all {
		if p.Internal {
			n.internal = append(n.internal, p)
		} else {
			n.open = append(n.open, p)
		}
	}
	return n
}

// shared are the other open networks that the container of an endpoint is in.
func (n networks) shared(state engine.NetworkState, e engine.Endpoint) []engine.PrivateNetwork {
	in := map[string]bool{}
	for _, other := range state.Endpoints {
		if other.ContainerID == e.ContainerID && other.Network != e.Network {
			in[other.Network] = true
		}
	}
	if len(in) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(n.open), func(p engine.PrivateNetwork) bool { return !in[p.ID] })
}

// subnets is an operand that matches addresses of the networks.
func subnets(list []engine.PrivateNetwork) string {
	return operand(list, func(n engine.PrivateNetwork) string { return n.Subnet.String() })
}

// gateways is an operand that matches the router's own addresses in the networks.
func gateways(list []engine.PrivateNetwork) string {
	return operand(list, func(n engine.PrivateNetwork) string { return n.Gateway.String() })
}

// operand is a single value, or a set of them.
func operand[T any](list []T, fn func(T) string) string {
	if len(list) == 1 {
		return fn(list[0])
	}
	return "{ " + strings.Join(each(list, fn), ", ") + " }"
}

func spoof(t *text, nets networks) {
	t.block("chain spoof", func() {
		t.base("filter", "prerouting", "raw", "accept")
		t.line("meta nfproto ipv6 drop # the network is IPv4")
		t.line("iifname %q fib saddr . iif oif missing drop # a container sends as itself only: its address is what is routed to its link", links)
		t.line("iifname %q icmp type { destination-unreachable, time-exceeded, parameter-problem } accept # errors, such as of a packet's size, from routers whose addresses may be like ours: only those about known connections get further", Uplink)
		t.line("iifname %q ip saddr %s drop # nobody outside is a container", Uplink, subnets(nets.all))
	})
}

// chainOf names the chain of a floating IP's published ports.
func chainOf(fip netip.Addr) string { return "fip-" + fip.String() }

func publish(t *text, floating []engine.Endpoint) {
	for _, e := range floating {
		t.block("chain "+chainOf(e.FloatingIP), func() {
			for _, p := range fold(e.Ports) {
				if p.moved() {
					t.line("%s dport %d dnat ip to %s:%d # published under another number than the container's own", p.proto, p.first, e.Address, p.private)
					continue
				}
				t.line("%s dport %s dnat ip to %s # published under the container's own number", p.proto, p.span(), e.Address)
			}
		})
	}
	t.block("chain publish", func() {
		t.base("nat", "prerouting", "dstnat", "accept")
		if len(floating) == 0 {
			return
		}
		chains := each(floating, func(e engine.Endpoint) string {
			return fmt.Sprintf("%s : goto %s", e.FloatingIP, chainOf(e.FloatingIP))
		})
		t.line("ip daddr vmap { %s } # whoever calls: from outside, a neighbour, the container itself", strings.Join(chains, ", "))
	})
}

func forward(t *text, nets networks, floating []engine.Endpoint, held carriers, r Router) {
	t.block("chain closed", func() {
		t.line("meta l4proto tcp reject with tcp reset # the caller hears at once")
		t.line("reject with icmp type port-unreachable # by other protocols than TCP, too")
	})
	t.block("chain absent", func() {
		t.line("ct status dnat goto closed # a published port whose container does not run")
		t.line("reject with icmp type host-unreachable # a neighbour that does not run, or is nobody")
	})
	t.block("chain forward", func() {
		t.base("filter", "forward", "filter", "drop")
		t.line("oifname %q goto absent # private addresses that no running container has are routed there", "lo")
		t.line("ct state established,related accept # answers, and errors about what was let through")
		t.line("ct state invalid drop # it belongs to no connection, so that it would leave with its private address")
		if held.none() {
			through(t, nets, floating, r)
			return
		}
		t.line("ip saddr vmap { %s } # what containers with security groups begin has to be allowed by one of theirs", held.vmap(leave))
		t.line("goto arrive # who carries no group begins what it likes")
	})
	if held.none() {
		return
	}
	t.block("chain allowed", func() {
		through(t, nets, floating, r)
		t.line("drop # nothing else passes")
	})
}

// through renders what a new connection may do as far as security groups are not concerned.
func through(t *text, nets networks, floating []engine.Endpoint, r Router) {
	if len(nets.internal) > 0 {
		for _, n := range nets.internal {
			t.line("ip saddr %s ip daddr %[1]s accept # neighbours in an internal network reach each other on all ports", n.Subnet)
		}
		t.line("ip saddr %s reject with icmp type admin-prohibited # and nobody else, not even what is published", subnets(nets.internal))
	}
	t.line("ct status dnat accept # a published port, whoever calls")
	if len(floating) > 0 {
		fips := each(floating, func(e engine.Endpoint) string { return e.FloatingIP.String() })
		t.line("ip daddr { %s } goto closed # ports that are not published", strings.Join(fips, ", "))
	}
	t.line("iifname %q goto closed # nothing else is open to the outside", Uplink)
	for _, n := range nets.open {
		t.line("iifname %q oifname %[1]q ip saddr %[2]s ip daddr %[2]s accept # neighbours reach each other on all ports", links, n.Subnet)
	}
	if len(nets.all) > 1 {
		t.line("iifname %q oifname %[1]q reject with icmp type admin-prohibited # networks of one account do not meet", links)
	}
	t.line("iifname %q ip daddr { %s, %s } reject with icmp type admin-prohibited # the machine's link-local services, and the routers' links", links, r.Uplinks, linkLocal)
	t.line("iifname %q oifname %q accept # out", links, Uplink)
}

func input(t *text, nets networks) {
	t.block("set asks", func() {
		t.line("type ipv4_addr; size 65535; flags dynamic; timeout 1m;")
	})
	t.block("chain input", func() {
		t.base("filter", "input", "filter", "drop")
		t.line("iifname %q udp dport 53 update @asks { ip saddr limit rate over 10000/second burst 1000 packets } drop # more questions than anyone has: those of others wait in the same queue", links)
		t.line("ct state established,related accept # answers to what the router asked, and errors about what it answered")
		t.line("iifname %q ip daddr %s meta l4proto { tcp, udp } th dport 53 accept # the account's resolver answers for names", links, engine.PrivateGateway)
		t.line("iifname %q ip daddr %s icmp type echo-request accept # ping of a gateway", links, gateways(nets.all))
		t.line("iifname %q meta l4proto tcp reject with tcp reset # the router has no other service", links)
		t.line("iifname %q reject with icmp type admin-prohibited # nor one by another protocol", links)
	})
}

func source(t *text, nets networks, state engine.NetworkState, floating []engine.Endpoint, r Router) {
	t.block("chain source", func() {
		t.base("nat", "postrouting", "srcnat", "accept")
		if len(floating) > 0 {
			for _, n := range nets.open {
				in := slices.DeleteFunc(slices.Clone(floating), func(e engine.Endpoint) bool { return e.Network != n.ID })
				if len(in) == 0 {
					continue
				}
				itself := each(in, func(e engine.Endpoint) string { return fmt.Sprintf("%s . %s", e.Address, e.Address) })
				for _, e := range in {
					if also := nets.shared(state, e); len(also) > 0 {
						t.line("ct status dnat ip saddr %s ip daddr %s snat ip to %s # a caller in another of the container's networks, where the answer would leave, past the router's translation", subnets(also), e.Address, n.Gateway)
					}
				}
				t.line("ct status dnat ip saddr . ip daddr { %s } snat ip to %s # a container that calls its own floating IP: it takes no packet from itself", strings.Join(itself, ", "), n.Gateway)
			}
			leaves := each(floating, func(e engine.Endpoint) string { return fmt.Sprintf("%s : %s", e.Address, e.FloatingIP) })
			t.line("oifname %q snat ip to ip saddr map { %s } # who has a floating IP leaves from it", Uplink, strings.Join(leaves, ", "))
		}
		t.line("oifname %q ip saddr %s snat ip to %s # all others leave from the router's address", Uplink, subnets(nets.open), r.Address)
	})
}

func each[T any](list []T, fn func(T) string) []string {
	out := make([]string, 0, len(list))
	for _, e := range list {
		out = append(out, fn(e))
	}
	return out
}
