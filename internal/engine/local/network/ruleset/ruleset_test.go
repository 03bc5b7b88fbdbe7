package ruleset

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hypercloud/hyper/internal/engine"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".nft")
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
		t.Errorf("%s is not what is rendered (go test -update writes it):\n%s", path, got)
	}
}

func endpoint(id, addr, fip string, ports ...engine.PublishedPort) engine.Endpoint {
	a := netip.MustParseAddr(addr)
	b := a.As4()
	e := engine.Endpoint{ContainerID: id, Address: a, MAC: "02:42:ac:10:00:" + string("0123456789abcdef"[b[3]>>4]) + string("0123456789abcdef"[b[3]&15]), Ports: ports}
	if fip != "" {
		e.FloatingIP = netip.MustParseAddr(fip)
	}
	return e
}

func port(proto string, public, private uint16) engine.PublishedPort {
	return engine.PublishedPort{Proto: proto, Public: public, Private: private}
}

var router = Router{Address: netip.MustParseAddr("100.64.0.7"), Uplinks: netip.MustParsePrefix("100.64.0.0/16")}

func network(id, subnet string, internal bool) engine.PrivateNetwork {
	p := netip.MustParsePrefix(subnet)
	return engine.PrivateNetwork{ID: id, Subnet: p, Gateway: p.Addr().Next(), Internal: internal}
}

// on places an endpoint in a further network.
func on(network string, n int, e engine.Endpoint) engine.Endpoint {
	e.Network, e.Interface = network, n
	return e
}

// What is worth a page of its own is in docs/network; see pages_test.go.
func TestAccount(t *testing.T) {
	for name, eps := range map[string][]engine.Endpoint{
		"two-floating-ips-with-ranges": {
			endpoint("voice", "172.16.0.11", "198.18.0.3", port("udp", 5060, 5060), port("tcp", 5060, 5060), port("udp", 10001, 10001), port("udp", 10000, 10000), port("udp", 10002, 10002)),
			endpoint("web", "172.16.0.10", "198.18.0.2", port("tcp", 8001, 81), port("tcp", 8000, 80), port("tcp", 443, 443), port("sctp", 9, 9), port("sctp", 36412, 36422)),
			endpoint("db", "172.16.0.12", ""),
		},
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, Account(engine.NetworkState{Endpoints: eps}, router)) })
	}
}

func TestAccountDoesNotDependOnOrderOrNames(t *testing.T) {
	r := Router{Address: netip.MustParseAddr("100.64.0.7"), Uplinks: netip.MustParsePrefix("100.64.0.0/16")}
	x, y := endpoint("x", "172.16.0.10", "198.18.0.2", port("tcp", 1, 1), port("tcp", 2, 2)), endpoint("y", "172.16.0.11", "")
	one := Account(engine.NetworkState{Endpoints: []engine.Endpoint{x, y}}, r)
	x.Names, x.Ports = []string{"renamed"}, []engine.PublishedPort{port("tcp", 2, 2), port("tcp", 1, 1)}
	if two := Account(engine.NetworkState{Endpoints: []engine.Endpoint{y, x}}, r); one != two {
		t.Errorf("the same state gives\n%s\nand\n%s", one, two)
	}
}

func TestFold(t *testing.T) {
	for name, tc := range map[string]struct {
		list []engine.PublishedPort
		want string
	}{
		"nothing":                       {nil, ""},
		"a run":                         {[]engine.PublishedPort{port("tcp", 3, 3), port("tcp", 1, 1), port("tcp", 2, 2)}, "tcp 1-3"},
		"protocols apart":               {[]engine.PublishedPort{port("udp", 2, 2), port("tcp", 1, 1)}, "tcp 1, udp 2"},
		"a gap":                         {[]engine.PublishedPort{port("tcp", 1, 1), port("tcp", 3, 3)}, "tcp 1, tcp 3"},
		"moved ones alone":              {[]engine.PublishedPort{port("tcp", 1, 11), port("tcp", 2, 12)}, "tcp 1>11, tcp 2>12"},
		"the same twice":                {[]engine.PublishedPort{port("tcp", 1, 1), port("tcp", 1, 9), port("tcp", 2, 2)}, "tcp 1-2"},
		"up to the last port":           {[]engine.PublishedPort{port("tcp", 65534, 65534), port("tcp", 65535, 65535), port("udp", 1, 1)}, "tcp 65534-65535, udp 1"},
		"only what can be translated":   {[]engine.PublishedPort{port("sctp", 1, 1), port("dccp", 1, 1), port("tcp dport 1 accept;", 2, 2)}, "sctp 1"},
		"a moved one in the middle":     {[]engine.PublishedPort{port("tcp", 1, 1), port("tcp", 2, 9), port("tcp", 3, 3)}, "tcp 1, tcp 2>9, tcp 3"},
		"a moved one that looks joined": {[]engine.PublishedPort{port("tcp", 8000, 80), port("tcp", 8001, 8001)}, "tcp 8000>80, tcp 8001"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, p := range fold(tc.list) {
				s := p.proto + " " + p.span()
				if p.moved() {
					s += fmt.Sprintf(">%d", p.private)
				}
				got = append(got, s)
			}
			if s := strings.Join(got, ", "); s != tc.want {
				t.Errorf("fold gives %q, want %q", s, tc.want)
			}
		})
	}
}
