package fip

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestPool(t *testing.T) {
	for name, tc := range map[string]struct {
		pool string
		want string
	}{
		"network, router and broadcast addresses are left out": {"198.18.0.0/29", "198.18.0.2 198.18.0.3 198.18.0.4 198.18.0.5 198.18.0.6"},
		"a /30 has one":                     {"10.0.0.4/30", "10.0.0.6"},
		"a /31 has two":                     {"10.0.0.4/31", "10.0.0.4 10.0.0.5"},
		"a /32 is itself":                   {"10.0.0.1/32", "10.0.0.1"},
		"the lowest prefix first":           {"10.9.0.0/30 10.0.0.255/32", "10.0.0.255 10.9.0.2"},
		"the end of all addresses":          {"255.255.255.254/31", "255.255.255.254 255.255.255.255"},
		"no prefix at all gives no address": {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var prefixes []netip.Prefix
			for _, p := range strings.Fields(tc.pool) {
				prefixes = append(prefixes, netip.MustParsePrefix(p))
			}
			got := strings.Join(text(slices.Collect(newPool(prefixes, nil).all())), " ")
			if got != tc.want {
				t.Errorf("pool has %s, want %s", got, tc.want)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for name, tc := range map[string]struct {
		pool string
		ok   bool
	}{
		"prefixes":  {"198.18.0.0/24 198.18.1.0/24", true},
		"IPv6":      {"2001:db8::/64", false},
		"host bits": {"198.18.0.1/24", false},
		"overlap":   {"198.18.0.0/24 198.18.0.128/25", false},
	} {
		t.Run(name, func(t *testing.T) {
			var c Config
			for _, p := range strings.Fields(tc.pool) {
				c.Pool = append(c.Pool, netip.MustParsePrefix(p))
			}
			if err := c.Validate(); (err == nil) != tc.ok {
				t.Errorf("error is %v", err)
			}
		})
	}
}
