package network

import (
	"net"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine"
)

func TestConnectionsThatAStateAllows(t *testing.T) {
	state, err := aNetwork.check(engine.NetworkState{Endpoints: []engine.Endpoint{
		{
			ContainerID: "web", Address: netip.MustParseAddr("172.16.0.10"), MAC: "02:42:ac:10:00:0a", FloatingIP: netip.MustParseAddr("198.18.0.2"),
			Ports: []engine.PublishedPort{{Proto: "tcp", Public: 8080, Private: 80}},
		},
		{ContainerID: "db", Address: netip.MustParseAddr("172.16.0.11"), MAC: "02:42:ac:10:00:0b"},
	}})
	must(t, err)
	filter := stale(newAllowance(nil, state, netip.MustParseAddr("100.64.0.1")))
	for name, tc := range map[string]struct {
		src, dst string // as the caller sees it
		port     uint16
		to, from string // as the callee sees it
		toPort   uint16
		ends     bool
	}{
		"neighbours":                           {"172.16.0.10", "172.16.0.11", 3306, "172.16.0.11", "172.16.0.10", 3306, false},
		"a question to the gateway":            {"172.16.0.10", "172.16.0.1", 53, "172.16.0.1", "172.16.0.10", 53, false},
		"a published port":                     {"203.0.113.9", "198.18.0.2", 8080, "172.16.0.10", "203.0.113.9", 80, false},
		"its own published port":               {"172.16.0.10", "198.18.0.2", 8080, "172.16.0.10", "172.16.0.1", 80, false},
		"a neighbour's published port":         {"172.16.0.11", "198.18.0.2", 8080, "172.16.0.10", "172.16.0.11", 80, false},
		"out from the floating IP":             {"172.16.0.10", "203.0.113.9", 443, "203.0.113.9", "198.18.0.2", 443, false},
		"out from before the floating IP came": {"172.16.0.10", "203.0.113.9", 443, "203.0.113.9", "100.64.0.1", 443, false},
		"out from the router's address":        {"172.16.0.11", "203.0.113.9", 443, "203.0.113.9", "100.64.0.1", 443, false},
		"a port that is published no more":     {"203.0.113.9", "198.18.0.2", 22, "172.16.0.10", "203.0.113.9", 22, true},
		"a port that leads elsewhere now":      {"203.0.113.9", "198.18.0.2", 8080, "172.16.0.11", "203.0.113.9", 80, true},
		"a private port that has changed":      {"203.0.113.9", "198.18.0.2", 8080, "172.16.0.10", "203.0.113.9", 81, true},
		"a floating IP that is gone":           {"203.0.113.9", "198.18.0.3", 8080, "172.16.0.11", "203.0.113.9", 80, true},
		"out from a floating IP that is gone":  {"172.16.0.11", "203.0.113.9", 443, "203.0.113.9", "198.18.0.3", 443, true},
		"out from another's floating IP":       {"172.16.0.11", "203.0.113.9", 443, "203.0.113.9", "198.18.0.2", 443, true},
		"a caller that is gone":                {"172.16.0.12", "172.16.0.11", 3306, "172.16.0.11", "172.16.0.12", 3306, true},
		"a neighbour that is gone":             {"172.16.0.10", "172.16.0.12", 3306, "172.16.0.12", "172.16.0.10", 3306, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := &netlink.ConntrackFlow{
				Forward: netlink.IPTuple{SrcIP: net.ParseIP(tc.src), DstIP: net.ParseIP(tc.dst).To4(), Protocol: unix.IPPROTO_TCP, DstPort: tc.port},
				Reverse: netlink.IPTuple{SrcIP: net.ParseIP(tc.to), DstIP: net.ParseIP(tc.from).To4(), Protocol: unix.IPPROTO_TCP, SrcPort: tc.toPort},
			}
			if got := filter.MatchConntrackFlow(f); got != tc.ends {
				t.Errorf("it ends: %v, want %v", got, tc.ends)
			}
		})
	}
}
