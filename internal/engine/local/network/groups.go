package network

import (
	"net/netip"
	"regexp"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// groupName keeps what is printed into rules from being anything but a name.
var groupName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$`)

func checkGroups(known *applied, groups []engine.SecurityGroup) error {
	for _, g := range groups {
		if !groupName.MatchString(g.Name) {
			return oops.Invalid("%q is not the name of a security group", g.Name)
		}
		if _, twice := known.groups[g.Name]; twice {
			return oops.Conflict("the account has two security groups %s", g.Name)
		}
		known.groups[g.Name] = g
	}
	for _, g := range groups {
		for _, r := range g.Rules {
			if err := checkRule(known, r); err != nil {
				return oops.Invalid("security group %s: %v", g.Name, err)
			}
		}
	}
	return nil
}

func checkRule(known *applied, r engine.GroupRule) error {
	most, ok := map[string]uint16{"": 65535, "tcp": 65535, "udp": 65535, "icmp": 255}[r.Proto]
	switch {
	case !ok:
		return oops.Invalid("%q is not a protocol that rules know", r.Proto)
	case r.First > r.Last || r.Last > most:
		return oops.Invalid("%d-%d is not a range of %s", r.First, r.Last, r.Proto)
	case (r.Group == "") != r.Prefix.IsValid():
		return oops.Invalid("a rule has peers by address or by group")
	}
	if _, there := known.groups[r.Group]; r.Group != "" && !there {
		return oops.NotFound("a rule names the group %s, which is not there", r.Group)
	}
	return nil
}

// policy is what security groups say of connections, in step with the gates that package ruleset renders.
type policy struct {
	groups map[string]engine.SecurityGroup
	of     map[netip.Addr][]string // of containers that have some
}

func newPolicy(s *applied) policy {
	p := policy{groups: s.groups, of: map[netip.Addr][]string{}}
	for _, e := range s.Endpoints {
		if len(e.Groups) > 0 {
			p.of[e.Address] = e.Groups
		}
	}
	return p
}

// permits tells whether a connection may begin as far as groups are concerned.
func (p policy) permits(c connection) bool {
	return p.passes(c.src, c.to, true, c) && p.passes(c.to, c.src, false, c)
}

// passes asks the groups of the container at addr, if it has any.
func (p policy) passes(addr, peer netip.Addr, egress bool, c connection) bool {
	names, held := p.of[addr]
	return !held || slices.ContainsFunc(names, func(name string) bool {
		return slices.ContainsFunc(p.groups[name].Rules, func(r engine.GroupRule) bool {
			return r.Egress == egress && p.isPeer(r, peer) && covers(r, c)
		})
	})
}

func (p policy) isPeer(r engine.GroupRule, peer netip.Addr) bool {
	if r.Group != "" {
		return slices.Contains(p.of[peer], r.Group)
	}
	return r.Prefix.Contains(peer)
}

// covers tells whether a rule is about such traffic. Of a ping the kernel's list does not tell the type: it is covered when all
// types are. One that is forgotten without need costs an answer under way, and the next request is judged by the rules.
func covers(r engine.GroupRule, c connection) bool {
	switch r.Proto {
	case "":
		return true
	case "icmp":
		return c.proto == unix.IPPROTO_ICMP && r.First == 0 && r.Last >= 255
	case "tcp":
		return c.proto == unix.IPPROTO_TCP && r.First <= c.toPort && c.toPort <= r.Last
	case "udp":
		return c.proto == unix.IPPROTO_UDP && r.First <= c.toPort && c.toPort <= r.Last
	}
	return false
}

// regrouped tells whether a container that stays has other groups in next than in old, or a group that somebody carries has other rules.
// Then connections may be allowed no more, also of others: those whose rules name a group that a container has left.
func regrouped(old, next *applied) bool {
	for id, is := range next.byID {
		was, stays := old.byID[id]
		if stays && !slices.Equal(slices.Sorted(slices.Values(was[0].Groups)), slices.Sorted(slices.Values(is[0].Groups))) {
			return true
		}
		for _, name := range is[0].Groups {
			if g, known := old.groups[name]; stays && (!known || !slices.Equal(g.Rules, next.groups[name].Rules)) {
				return true
			}
		}
	}
	return false
}
