package ruleset

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hypercloud/hyper/internal/engine"
)

// A new connection passes two gates, each a verdict map from the address of a container that has security groups to a chain of its
// groups' rules: leave-N by who begins it, enter-N by whom it is for. A rule that matches goes on to the next gate, and behind
// the second to the chain "allowed", which is what an account without groups has. A container without groups is in neither map, so
// that a connection costs as much in an account of a thousand containers as in one of two. Answers are let through before.

// The gates: names of chains begin so.
const (
	leave = "leave"
	enter = "enter"
)

// carriers are the containers of an account that have security groups.
type carriers struct {
	groups []engine.SecurityGroup // that somebody carries, by name
	named  []string               // in their rules, sorted: who carries these has to be known
	kinds  [][]string             // the combinations of groups that there are, sorted
	list   []carrier              // in the order of their addresses
}

type carrier struct {
	engine.Endpoint
	kind int // index of its combination
}

func carriersOf(state engine.NetworkState, eps []engine.Endpoint) carriers {
	var c carriers
	carried := map[string]bool{}
	for _, e := range eps {
		if len(e.Groups) == 0 {
			continue
		}
		e.Groups = slices.Compact(slices.Sorted(slices.Values(e.Groups)))
		for _, g := range e.Groups {
			carried[g] = true
		}
		c.list = append(c.list, carrier{Endpoint: e})
		c.kinds = append(c.kinds, e.Groups)
	}
	slices.SortFunc(c.kinds, slices.Compare)
	c.kinds = slices.CompactFunc(c.kinds, slices.Equal)
	for i := range c.list {
		c.list[i].kind, _ = slices.BinarySearchFunc(c.kinds, c.list[i].Groups, slices.Compare)
	}
	for _, g := range state.Groups {
		if !carried[g.Name] {
			continue
		}
		c.groups = append(c.groups, g)
		for _, r := range g.Rules {
			if r.Group != "" {
				c.named = append(c.named, r.Group)
			}
		}
	}
	slices.SortFunc(c.groups, func(x, y engine.SecurityGroup) int { return cmp.Compare(x.Name, y.Name) })
	slices.Sort(c.named)
	c.named = slices.Compact(c.named)
	return c
}

func (c carriers) none() bool { return len(c.list) == 0 }

// vmap is the content of the verdict map of a gate.
func (c carriers) vmap(gate string) string {
	return strings.Join(each(c.list, func(e carrier) string { return fmt.Sprintf("%s : goto %s-%d", e.Address, gate, e.kind+1) }), ", ")
}

// guard renders the gates.
func guard(t *text, c carriers) {
	if c.none() {
		return
	}
	for _, name := range c.named {
		t.block("set carriers-"+name, func() {
			t.line("type ipv4_addr # a rule names the group")
			var in []string
			for _, e := range c.list {
				if slices.Contains(e.Groups, name) {
					in = append(in, e.Address.String())
				}
			}
			if len(in) > 0 {
				t.line("elements = { %s }", strings.Join(in, ", "))
			}
		})
	}
	for _, gate := range []string{leave, enter} {
		for _, g := range c.groups {
			t.block("chain "+gate+"-by-"+g.Name, func() { rules(t, g, gate) })
		}
		for i, kind := range c.kinds {
			t.block(fmt.Sprintf("chain %s-%d", gate, i+1), func() {
				t.line("tcp flags & (fin | syn | rst | ack) != syn reject with tcp reset # the middle of a connection that is not allowed any more: both ends hear so")
				for _, name := range kind {
					t.line("jump %s-by-%s # goes on from there if a rule matches", gate, name)
				}
				if gate == leave {
					t.line("reject with icmp type admin-prohibited # the caller is the account's own, and hears what keeps it")
				} else {
					t.line("goto closed # as a port that nobody listens at, or that is not published")
				}
			})
		}
	}
	t.block("chain arrive", func() {
		t.line("ip daddr vmap { %s } # and what is begun with them, from wherever it comes, too", c.vmap(enter))
		t.line("goto allowed # who carries no group takes what comes")
	})
}

// rules renders the rules of a group for one gate.
func rules(t *text, g engine.SecurityGroup, gate string) {
	next, side := "goto arrive", "daddr"
	if gate == enter {
		next, side = "goto allowed", "saddr"
	}
	for i, r := range g.Rules {
		if r.Egress != (gate == leave) || r.Group == "" && !r.Prefix.Addr().Is4() {
			continue
		}
		var match []string
		switch {
		case r.Group != "":
			match = append(match, fmt.Sprintf("ip %s @carriers-%s", side, r.Group))
		case r.Prefix.Bits() > 0:
			match = append(match, fmt.Sprintf("ip %s %s", side, r.Prefix.Masked()))
		}
		if what := traffic(r); what != "" {
			match = append(match, what)
		}
		t.line("%s # rule %d of %s", strings.Join(append(match, next), " "), i+1, g.Name)
	}
}

// traffic matches the protocol of a rule and its ports or types.
func traffic(r engine.GroupRule) string {
	key, most := r.Proto+" dport", uint16(65535)
	switch r.Proto {
	case "":
		return ""
	case "icmp":
		key, most = "icmp type", 255
	}
	switch {
	case r.First == 0 && r.Last >= most:
		return "meta l4proto " + r.Proto
	case r.First == r.Last:
		return fmt.Sprintf("%s %d", key, r.First)
	}
	return fmt.Sprintf("%s %d-%d", key, r.First, r.Last)
}
