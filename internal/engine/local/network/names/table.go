package names

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/hypercloud/hyper/internal/engine"
)

// table holds the names of an account's containers, lower-case and without the last dot.
type table struct {
	networks map[string]*network              // by id
	askers   map[netip.Addr][]engine.Endpoint // a container's endpoints, by the address of each
	inward   map[netip.Addr]bool              // addresses of containers that are in internal networks only
	subnets  []netip.Prefix
}

// network is what can be asked for in one network.
type network struct {
	addrs map[string][]netip.Addr
	name  map[netip.Addr]string // the first of a container's names that another had not before
}

// newTable lists the names of a state. A name that several containers of one network have stands for those of them that run, and
// for all if none does.
func newTable(state engine.NetworkState) *table {
	t := &table{networks: map[string]*network{}, askers: map[netip.Addr][]engine.Endpoint{}, inward: map[netip.Addr]bool{}}
	internal := map[string]bool{}
	for _, p := range state.All() {
		t.networks[p.ID] = &network{addrs: map[string][]netip.Addr{}, name: map[netip.Addr]string{}}
		t.subnets = append(t.subnets, p.Subnet)
		internal[p.ID] = p.Internal
	}
	containers := map[string][]engine.Endpoint{}
	for _, e := range state.Endpoints {
		if t.networks[e.Network] == nil {
			continue
		}
		containers[e.ContainerID] = append(containers[e.ContainerID], e)
	}
	for _, idle := range []bool{false, true} {
		for _, e := range state.Endpoints {
			if n := t.networks[e.Network]; n != nil && e.Idle == idle {
				n.add(e)
			}
		}
	}
	for _, all := range containers {
		inward := !slices.ContainsFunc(all, func(e engine.Endpoint) bool { return !internal[e.Network] })
		for _, e := range all {
			t.askers[e.Address] = all
			if inward {
				t.inward[e.Address] = true
			}
		}
	}
	return t
}

func (n *network) add(e engine.Endpoint) {
	for _, name := range e.Names {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		taken := n.addrs[name]
		if name == "" || slices.Contains(taken, e.Address) {
			continue
		}
		if _, ok := n.name[e.Address]; !ok && len(taken) == 0 {
			n.name[e.Address] = name
		}
		if !e.Idle || len(taken) == 0 {
			n.addrs[name] = append(taken, e.Address)
		}
	}
}

// find looks a name up as the container at from does: its own links first, then network by network.
func (t *table) find(name string, from netip.Addr) ([]netip.Addr, bool) {
	for _, e := range t.askers[from] {
		if target, ok := e.Links[name]; ok {
			if addrs, ok := t.networks[e.Network].addrs[strings.ToLower(target)]; ok {
				return addrs, true
			}
		}
	}
	for _, e := range t.askers[from] {
		if addrs, ok := t.networks[e.Network].addrs[name]; ok {
			return addrs, true
		}
	}
	return nil, false
}

// reverse is the name that the container at from knows an address by.
func (t *table) reverse(addr, from netip.Addr) (string, bool) {
	for _, e := range t.askers[from] {
		if name, ok := t.networks[e.Network].name[addr]; ok {
			return name, true
		}
	}
	return "", false
}

// outward tells whether the one at from may ask for names of the world. Who is not known may not.
func (t *table) outward(from netip.Addr) bool {
	_, known := t.askers[from]
	return known && !t.inward[from]
}

// guard holds the addresses of the account's networks, besides the machine's.
func (t *table) guard(machine guard) guard { return slices.Concat(machine, t.subnets) }

// answer fills m if the question is about a container or a private address; name is the lower-case question, and from whoever asks.
func (t *table) answer(m *dns.Msg, ask dns.Question, name string, from netip.Addr) bool {
	if addrs, ok := t.find(name, from); ok {
		if ask.Qtype == dns.TypeA || ask.Qtype == dns.TypeANY {
			first := rand.IntN(len(addrs)) // the next one's turn
			for i := range addrs {
				addr := addrs[(first+i)%len(addrs)]
				m.Answer = append(m.Answer, &dns.A{Hdr: header(ask.Name, dns.TypeA), A: addr.AsSlice()})
			}
		}
		m.Authoritative = true
		return true // of other types there is nothing, which is an answer too
	}
	addr, ok := reverse(name)
	if !ok || !slices.ContainsFunc(t.subnets, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		return false
	}
	m.Authoritative = true
	host, ok := t.reverse(addr, from)
	switch {
	case !ok:
		m.Rcode = dns.RcodeNameError
	case ask.Qtype == dns.TypePTR || ask.Qtype == dns.TypeANY:
		if _, valid := dns.IsDomainName(host); valid {
			m.Answer = append(m.Answer, &dns.PTR{Hdr: header(ask.Name, dns.TypePTR), Ptr: dns.Fqdn(host)})
		}
	}
	return true
}

func header(name string, kind uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: ttl}
}

// reverse reads 30.0.16.172.in-addr.arpa.
func reverse(name string) (netip.Addr, bool) {
	rest, ok := strings.CutSuffix(name, ".in-addr.arpa")
	if !ok {
		return netip.Addr{}, false
	}
	f := strings.Split(rest, ".")
	if len(f) != 4 {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(f[3] + "." + f[2] + "." + f[1] + "." + f[0])
	return addr, err == nil
}
