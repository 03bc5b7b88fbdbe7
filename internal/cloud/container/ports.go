package container

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// maxPublished is the number of ports that a container may publish (behaviour 16).
const maxPublished = 32

// parsePort reads "80", "80/tcp", "80/UDP" or "80/sctp".
func parsePort(s string) (store.Port, error) {
	num, proto, ok := strings.Cut(s, "/")
	if !ok {
		proto = "tcp"
	}
	proto = strings.ToLower(proto)
	if proto != "tcp" && proto != "udp" && proto != "sctp" {
		return store.Port{}, oops.Invalid("Invalid proto: %s (tcp, udp and sctp can be published)", proto)
	}
	n, err := strconv.ParseUint(num, 10, 16)
	if err != nil || n == 0 {
		return store.Port{}, oops.Invalid("Invalid containerPort: %s", num)
	}
	return store.Port{Number: uint16(n), Proto: proto}, nil
}

// parsePublic reads the public side of a mapping: a port, or a range whose first port is taken.
func parsePublic(s string, private uint16) (uint16, error) {
	if s == "" {
		return private, nil
	}
	first, last, ranged := strings.Cut(s, "-")
	n, err := strconv.ParseUint(first, 10, 16)
	if err != nil {
		return 0, oops.Invalid("Invalid hostPort: %s", s)
	}
	if ranged {
		m, err := strconv.ParseUint(last, 10, 16)
		if err != nil || m < n {
			return 0, oops.Invalid("Invalid hostPort: %s", s)
		}
	}
	if n == 0 {
		return private, nil
	}
	return uint16(n), nil
}

// publishable refuses ports that the machine cannot publish.
func publishable(e engine.Networks, ports []store.PublishedPort) error {
	for _, p := range ports {
		if !e.Publishes(p.Proto) {
			return oops.Invalid("port %d/%s cannot be published: this machine's kernel does not follow connections of %[2]s; publish ports of tcp or udp", p.Number, p.Proto)
		}
	}
	return nil
}

func sortPorts(ports []store.Port) []store.Port {
	slices.SortFunc(ports, func(x, y store.Port) int {
		return cmp.Or(cmp.Compare(x.Number, y.Number), cmp.Compare(x.Proto, y.Proto))
	})
	return slices.Compact(ports)
}

// resolvePorts fills the exposed and published ports of spec from the request and the image's EXPOSE.
func resolvePorts(req *CreateRequest, image []string, spec *Spec) error {
	exposed := portSet{}
	for _, e := range append(slices.Clone(image), req.ExposedPorts...) {
		ps, err := parseExposed(e)
		if err != nil {
			return err
		}
		if err := exposed.add(ps); err != nil {
			return err
		}
	}
	taken := map[string]store.Port{}
	publish := func(p store.Port, public uint16) error {
		key := strconv.Itoa(int(public)) + "/" + p.Proto
		if other, ok := taken[key]; ok {
			if other == p {
				return nil
			}
			return oops.Invalid("public port %s is published twice, for %d and for %d", key, other.Number, p.Number)
		}
		if len(taken) == maxPublished {
			return oops.Invalid("more than %d ports are published, a container may publish at most %[1]d", maxPublished)
		}
		taken[key] = p
		spec.Published = append(spec.Published, store.PublishedPort{Port: p, Public: public})
		return nil
	}
	for _, b := range req.Ports {
		p, err := parsePort(b.Private)
		if err != nil {
			return err
		}
		public, err := parsePublic(b.Public, p.Number)
		if err != nil {
			return err
		}
		if err := exposed.add(span{first: p.Number, last: p.Number, proto: p.Proto}); err != nil {
			return err
		}
		if err := publish(p, public); err != nil {
			return err
		}
	}
	spec.Exposed = exposed.list()
	if spec.PublishAll {
		for _, p := range spec.Exposed {
			if slices.ContainsFunc(spec.Published, func(x store.PublishedPort) bool { return x.Port == p }) {
				continue
			}
			if err := publish(p, p.Number); err != nil {
				return err
			}
		}
	}
	return nil
}

// span is one port after another, of one protocol.
type span struct {
	first, last uint16
	proto       string
}

func (s span) has(p store.Port) bool {
	return s.first <= p.Number && p.Number <= s.last && s.proto == p.Proto
}

// parseExposed reads "80/tcp", or a range "8000-8010/udp". It stays a range: many of them, written out, would fill the machine's memory.
func parseExposed(s string) (span, error) {
	ports, proto, ok := strings.Cut(s, "/")
	if !ok {
		proto = "tcp"
	}
	first, last, ranged := strings.Cut(ports, "-")
	from, err := parsePort(first + "/" + proto)
	if err != nil {
		return span{}, err
	}
	to := from
	if ranged {
		if to, err = parsePort(last + "/" + proto); err != nil {
			return span{}, err
		}
	}
	if to.Number < from.Number {
		return span{}, oops.Invalid("Invalid range format for --expose: %s", s)
	}
	return span{first: from.Number, last: to.Number, proto: from.Proto}, nil
}

// maxExposed is how many ports may be exposed, each counted as often as it is named: as many as a definition has room for, in each of the
// protocols, and an image's once more.
const maxExposed = 1 << 17

// portSet are exposed ports.
type portSet struct {
	ports map[store.Port]struct{}
	named int
}

func (s *portSet) add(r span) error {
	if s.named += int(r.last) - int(r.first) + 1; s.named > maxExposed {
		return oops.Invalid("more than %d ports are exposed: a container needs none of them to be exposed to be reached in its networks, so leave some out", maxExposed)
	}
	if s.ports == nil {
		s.ports = map[store.Port]struct{}{}
	}
	for n := int(r.first); n <= int(r.last); n++ {
		s.ports[store.Port{Number: uint16(n), Proto: r.proto}] = struct{}{}
	}
	return nil
}

func (s *portSet) list() []store.Port {
	if len(s.ports) == 0 {
		return nil
	}
	return sortPorts(slices.Collect(maps.Keys(s.ports)))
}
