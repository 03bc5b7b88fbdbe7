package fip

import (
	"slices"
	"strings"
	"testing"
)

// mustPool is the pool of a list of entries.
func mustPool(t *testing.T, pools, exclude string) Pool {
	t.Helper()
	p, err := ParsePool(strings.Fields(pools), strings.Fields(exclude))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPool(t *testing.T) {
	for name, tc := range map[string]struct {
		pool, exclude string
		want          string
	}{
		"of a prefix, network, router and broadcast addresses are left out": {"198.18.0.0/29", "", "198.18.0.2 198.18.0.3 198.18.0.4 198.18.0.5 198.18.0.6"},
		"a /30 has one":                     {"10.0.0.4/30", "", "10.0.0.6"},
		"a /31 has two":                     {"10.0.0.4/31", "", "10.0.0.4 10.0.0.5"},
		"a /32 is itself":                   {"10.0.0.1/32", "", "10.0.0.1"},
		"an address is itself":              {"10.0.0.1", "", "10.0.0.1"},
		"a range is all of it":              {"10.0.0.254-10.0.1.1", "", "10.0.0.254 10.0.0.255 10.0.1.0 10.0.1.1"},
		"a range of one":                    {"10.0.0.7-10.0.0.7", "", "10.0.0.7"},
		"the lowest first":                  {"10.9.0.0/30 10.0.0.255/32 10.0.0.9-10.0.0.10", "", "10.0.0.9 10.0.0.10 10.0.0.255 10.9.0.2"},
		"the end of what addresses may be":  {"223.255.255.254/31", "", "223.255.255.254 223.255.255.255"},
		"no pool gives no address":          {"", "", ""},
		"without an address":                {"10.0.0.0/29", "10.0.0.4", "10.0.0.2 10.0.0.3 10.0.0.5 10.0.0.6"},
		"without a range":                   {"10.0.0.0/29", "10.0.0.3-10.0.0.5", "10.0.0.2 10.0.0.6"},
		"without a prefix, which is whole":  {"10.0.0.0/29", "10.0.0.4/30", "10.0.0.2 10.0.0.3"},
		"without what was not in it":        {"10.0.0.4/30", "192.0.2.0/24 10.0.0.7", "10.0.0.6"},
		"without what has another meaning":  {"172.16.255.250-172.17.0.1", "172.16.0.0/16", "172.17.0.0 172.17.0.1"},
		"pools that touch are not the same": {"10.0.0.1-10.0.0.2 10.0.0.3", "", "10.0.0.1 10.0.0.2 10.0.0.3"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(text(slices.Collect(mustPool(t, tc.pool, tc.exclude).all())), " "); got != tc.want {
				t.Errorf("the pool has %s, want %s", got, tc.want)
			}
		})
	}
}

func TestPoolsThatCannotBe(t *testing.T) {
	for name, tc := range map[string]struct {
		pool, exclude string
		says          string
	}{
		"IPv6":                      {"2001:db8::/64", "", `fip-pool "2001:db8::/64" is not an IPv4 prefix`},
		"an IPv6 range":             {"2001:db8::1-2001:db8::9", "", "is not an IPv4 prefix"},
		"a range of both":           {"10.0.0.1-2001:db8::9", "", "is not an IPv4 prefix"},
		"IPv4 in IPv6's clothes":    {"::ffff:10.0.0.1", "", "is not an IPv4 prefix"},
		"host bits":                 {"198.18.0.1/24", "", "write 198.18.0.0/24, or the range"},
		"backwards":                 {"10.0.0.9-10.0.0.1", "", "ends before it begins: write 10.0.0.1-10.0.0.9"},
		"half a range":              {"10.0.0.9-", "", "is not an IPv4 prefix"},
		"a name":                    {"pool", "", "is not an IPv4 prefix"},
		"nothing":                   {"/", "", "is not an IPv4 prefix"},
		"too many bits":             {"10.0.0.0/33", "", "is not an IPv4 prefix"},
		"overlap":                   {"198.18.0.0/24 198.18.0.128/25", "", "fip-pool 198.18.0.0/24 and fip-pool 198.18.0.128/25 overlap"},
		"overlap of a range":        {"198.18.0.0/24 198.18.0.255-198.18.1.9", "", "overlap"},
		"twice":                     {"198.18.0.7 198.18.0.7", "", "overlap"},
		"the accounts' own":         {"172.0.0.0/8", "", "has addresses of 172.16.0.0/16, which are the accounts' private addresses"},
		"loopback":                  {"127.0.0.8/29", "", "loopback"},
		"link-local":                {"169.254.1.1-169.254.1.9", "", "link-local"},
		"multicast":                 {"224.0.0.0/24", "", "multicast"},
		"broadcast":                 {"255.255.255.255", "", "broadcast"},
		"everything":                {"0.0.0.0/0", "", "has addresses of 0.0.0.0/8"},
		"up to the broadcast":       {"223.255.255.0-255.255.255.255", "224.0.0.0/4", "240.0.0.0/4"},
		"all of it is excluded":     {"10.0.0.0/29 10.1.0.0/29", "10.1.0.0/24", "fip-pool 10.1.0.0/29: nothing is left of it"},
		"an exclusion of nonsense":  {"10.0.0.0/29", "x", `fip-exclude "x" is not an IPv4 prefix`},
		"an exclusion of host bits": {"10.0.0.0/29", "10.0.0.3/30", "fip-exclude 10.0.0.3/30"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParsePool(strings.Fields(tc.pool), strings.Fields(tc.exclude))
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error is %v", err)
			}
		})
	}
}
