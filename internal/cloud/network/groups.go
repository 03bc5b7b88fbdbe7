package network

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

// groups are the security groups that endpoints carry, and those that their rules name. One that has no row, which should not be, allows nothing.
func groups(v *store.View, endpoints []engine.Endpoint) []engine.SecurityGroup {
	found := map[string]engine.SecurityGroup{}
	add := func(name string, rules bool) {
		g, known := found[name]
		if known && (!rules || g.Rules != nil) {
			return
		}
		g.Name = name
		if row, ok := v.SecurityGroup(name); ok && rules {
			g.Rules = make([]engine.GroupRule, 0, len(row.Spec.Rules))
			for _, r := range row.Spec.Rules {
				if rule, ok := groupRule(r); ok {
					g.Rules = append(g.Rules, rule)
				}
			}
		}
		found[name] = g
	}
	for _, e := range endpoints {
		for _, name := range e.Groups {
			add(name, true)
		}
	}
	for _, g := range maps.Clone(found) {
		for _, r := range g.Rules {
			if r.Group != "" {
				add(r.Group, false)
			}
		}
	}
	var out []engine.SecurityGroup
	for _, name := range slices.Sorted(maps.Keys(found)) {
		out = append(out, found[name])
	}
	return out
}

// groupRule reads what package secgroup has checked. Ports that are not given are all ports, and one type of icmp stands for itself.
func groupRule(r store.SecurityGroupRule) (engine.GroupRule, bool) {
	out := engine.GroupRule{Egress: r.Direction == "egress", Proto: r.Protocol, First: uint16(r.PortMin), Last: uint16(r.PortMax), Group: r.Group}
	all := uint16(65535)
	if r.Protocol == "icmp" {
		all = 255
	}
	switch {
	case r.PortMin == 0 && r.PortMax == 0:
		out.Last = all
	case r.Protocol == "icmp" && r.PortMax == 0:
		out.Last = out.First
	}
	if r.Group != "" {
		return out, true
	}
	var err error
	out.Prefix, err = netip.ParsePrefix(r.Prefix)
	return out, err == nil
}
