package secgroup

import (
	"net/netip"

	"github.com/goccy/go-yaml/ast"

	"github.com/hypercloud/hyper/internal/store"
)

// maxType is the highest type of icmp.
const maxType = 255

// rule reads and checks one rule of a file. Whether the group that it names is there is not its business.
func rule(n ast.Node) (store.SecurityGroupRule, error) {
	var r store.SecurityGroupRule
	err := fields(n, "a rule", map[string]func(ast.Node) error{
		"direction": func(n ast.Node) error { return words(n, "direction", &r.Direction) },
		"protocol": func(n ast.Node) error {
			if err := words(n, "protocol", &r.Protocol); err != nil {
				return err
			}
			switch r.Protocol {
			case "", "tcp", "udp", "icmp":
				return nil
			}
			return wrong(line(n), "there is no protocol %q: choose of tcp, udp and icmp, or leave it out for all", clip(r.Protocol))
		},
		"port_range_min": func(n ast.Node) error { return number(n, "port_range_min", &r.PortMin) },
		"port_range_max": func(n ast.Node) error { return number(n, "port_range_max", &r.PortMax) },
		"remote_ip_prefix": func(n ast.Node) error {
			if err := words(n, "remote_ip_prefix", &r.Prefix); err != nil || r.Prefix == "" {
				return err
			}
			return prefix(line(n), r.Prefix)
		},
		"remote_group_name": func(n ast.Node) error {
			if err := words(n, "remote_group_name", &r.Group); err != nil || r.Group == "" {
				return err
			}
			if err := CheckName(r.Group); err != nil {
				return wrong(line(n), "%v", err)
			}
			return nil
		},
	})
	if err != nil {
		return r, err
	}
	return r, whole(line(n), r)
}

// prefix checks the addresses of peers. One with host bits is more often a mistyped address than a range.
func prefix(line int, text string) error {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		if addr, aerr := netip.ParseAddr(text); aerr == nil && addr.Zone() == "" {
			return wrong(line, "remote_ip_prefix %s has no length: for this address alone write %s/%d", text, addr, addr.BitLen())
		}
		return wrong(line, "remote_ip_prefix %q is not a range of addresses such as 10.1.2.0/24", clip(text))
	}
	if p != p.Masked() || p.Addr().Is4In6() {
		return wrong(line, "remote_ip_prefix %s is not the beginning of a range: write %s for the range, or %s/%d for the address", text, p.Masked(), p.Addr(), p.Addr().BitLen())
	}
	return nil
}

// whole checks what the keys of a rule say together.
func whole(line int, r store.SecurityGroupRule) error {
	switch {
	case r.Direction != "ingress" && r.Direction != "egress":
		return wrong(line, "the rule's direction is %q, and should be ingress or egress", clip(r.Direction))
	case r.Prefix == "" && r.Group == "":
		return wrong(line, "the rule says nothing of the peers: give remote_ip_prefix (0.0.0.0/0 is everybody) or remote_group_name")
	case r.Prefix != "" && r.Group != "":
		return wrong(line, "the rule has both remote_ip_prefix and remote_group_name: make two rules of it")
	}
	switch r.Protocol {
	case "":
		if r.PortMin != 0 || r.PortMax != 0 {
			return wrong(line, "the rule has ports and no protocol: say tcp or udp, or make two rules of it")
		}
	case "icmp":
		// What other clouds know as type and code (8 and 0, a ping) is read as the type alone.
		if r.PortMin > maxType || r.PortMax > maxType {
			return wrong(line, "the rule's port_range_min and port_range_max are types of icmp, which go from 0 to %d", maxType)
		}
		if r.PortMax != 0 && r.PortMin > r.PortMax {
			return wrong(line, "the rule's port_range_min %d is above its port_range_max %d", r.PortMin, r.PortMax)
		}
	default:
		if r.PortMin > 0 && r.PortMax == 0 {
			return wrong(line, "the rule has a port_range_min and no port_range_max: for one port give it in both")
		}
		if r.PortMin > r.PortMax {
			return wrong(line, "the rule's port_range_min %d is above its port_range_max %d", r.PortMin, r.PortMax)
		}
	}
	return nil
}
