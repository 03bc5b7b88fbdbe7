package ruleset

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hypercloud/hyper/internal/engine"
)

// ports is a run of published ports of one protocol: public ports first to last, and the private port of the first.
type ports struct {
	proto       string
	first, last uint16
	private     uint16
}

// moved tells that the container listens on another port than the public one. Such a port stands alone: a
// translation of a range to another range does not keep the order of ports.
func (p ports) moved() bool { return p.first != p.private }

func (p ports) span() string {
	if p.first == p.last {
		return fmt.Sprint(p.first)
	}
	return fmt.Sprintf("%d-%d", p.first, p.last)
}

// fold sorts published ports and joins neighbouring ones that are published as they are. Protocols other than
// tcp, udp and sctp are left out, and of two that claim the same public port the lower private one stays.
func fold(list []engine.PublishedPort) []ports {
	list = slices.Clone(list)
	slices.SortFunc(list, func(x, y engine.PublishedPort) int {
		return cmp.Or(cmp.Compare(x.Proto, y.Proto), cmp.Compare(x.Public, y.Public), cmp.Compare(x.Private, y.Private))
	})
	var out []ports
	for _, p := range list {
		if p.Proto != "tcp" && p.Proto != "udp" && p.Proto != "sctp" {
			continue
		}
		next := ports{proto: p.Proto, first: p.Public, last: p.Public, private: p.Private}
		if len(out) > 0 && out[len(out)-1].proto == p.Proto {
			before := &out[len(out)-1]
			if before.last == p.Public {
				continue
			}
			if before.last+1 == p.Public && !before.moved() && !next.moved() {
				before.last = p.Public
				continue
			}
		}
		out = append(out, next)
	}
	return out
}
