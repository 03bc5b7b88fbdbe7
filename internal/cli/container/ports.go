package container

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
)

// publishedPorts is the PORTS column: only what is published, runs of numbers that stay the same as one range.
func publishedPorts(ports []container.PortSummary) string {
	ports = slices.DeleteFunc(slices.Clone(ports), func(p container.PortSummary) bool { return p.PublicPort == 0 })
	slices.SortFunc(ports, func(a, b container.PortSummary) int {
		return cmp.Or(cmp.Compare(a.PrivatePort, b.PrivatePort), cmp.Compare(a.Type, b.Type),
			cmp.Compare(a.PublicPort, b.PublicPort), a.IP.Compare(b.IP))
	})
	ports = slices.Compact(ports)

	// Ranges run within one address and protocol; another protocol between two numbers does not break them.
	var texts []string
	type run struct{ ip, proto string }
	open := map[run]*portRange{}
	var ranges []*portRange
	for _, p := range ports {
		ip := "0.0.0.0"
		if p.IP.IsValid() {
			ip = p.IP.String()
		}
		if p.IP.Is6() {
			ip = "[" + ip + "]"
		}
		key := run{ip, p.Type}
		if r := open[key]; r != nil && p.PublicPort == p.PrivatePort && p.PrivatePort == r.last+1 {
			r.last++
			continue
		}
		r := &portRange{ip: ip, proto: p.Type, public: p.PublicPort, first: p.PrivatePort, last: p.PrivatePort}
		if p.PublicPort == p.PrivatePort {
			open[key] = r
		}
		ranges = append(ranges, r)
	}
	for _, r := range ranges {
		texts = append(texts, r.String())
	}
	return strings.Join(texts, ", ")
}

type portRange struct {
	ip, proto           string
	public, first, last uint16
}

func (r *portRange) String() string {
	if r.first == r.last {
		return fmt.Sprintf("%s:%d->%d/%s", r.ip, r.public, r.first, r.proto)
	}
	return fmt.Sprintf("%s:%d-%d->%d-%d/%s", r.ip, r.first, r.last, r.first, r.last, r.proto)
}
