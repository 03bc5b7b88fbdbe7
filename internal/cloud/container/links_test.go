package container

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/hypercloud/hyper/internal/store"
)

// The observed set of behaviour 3.2.
func TestTargetEnvIsTheObservedSet(t *testing.T) {
	target := &Container{
		Spec: Spec{
			Exposed: []store.Port{{Number: 3306, Proto: "tcp"}},
			Env: []string{"PATH=/bin", "GOSU_VERSION=1.7", "MYSQL_MAJOR=5.7", "MYSQL_VERSION=5.7.17-1debian8",
				"MYSQL_ROOT_PASSWORD=12345678", "HOME=/root"},
		},
	}
	want := []string{
		"MYSQL_NAME=mysql", "MYSQL_PORT=tcp://172.16.0.30:3306", "MYSQL_PORT_3306_TCP=tcp://172.16.0.30:3306",
		"MYSQL_PORT_3306_TCP_ADDR=172.16.0.30", "MYSQL_PORT_3306_TCP_PORT=3306", "MYSQL_PORT_3306_TCP_PROTO=tcp",
		"MYSQL_ENV_GOSU_VERSION=1.7", "MYSQL_ENV_MYSQL_MAJOR=5.7", "MYSQL_ENV_MYSQL_VERSION=5.7.17-1debian8",
		"MYSQL_ENV_MYSQL_ROOT_PASSWORD=12345678",
	}
	if got := targetEnv(target, netip.MustParseAddr("172.16.0.30"), "mysql"); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestTargetEnvRules(t *testing.T) {
	target := &Container{
		Spec: Spec{
			Exposed: []store.Port{{Number: 8080, Proto: "tcp"}, {Number: 53, Proto: "udp"}, {Number: 53, Proto: "tcp"}},
			Env:     []string{"e3=v3=v3", "empty="},
		},
	}
	got := targetEnv(target, netip.MustParseAddr("172.16.0.9"), "web-1")
	for _, kv := range []string{
		"WEB_1_NAME=web-1",                       // the bare alias, a dash in the prefix is an underscore
		"WEB_1_PORT=tcp://172.16.0.9:53",         // the lowest port, tcp before udp
		"WEB_1_PORT_53_UDP_PROTO=udp",            // lower case
		"WEB_1_ENV_e3=v3=v3", "WEB_1_ENV_empty=", // kept whole, and passed on when empty
	} {
		if !slices.Contains(got, kv) {
			t.Errorf("%q is missing in %q", kv, got)
		}
	}
}

func TestParseLink(t *testing.T) {
	for _, tc := range []struct{ in, target, alias string }{
		{"db", "db", "db"},
		{"db:mysql", "db", "mysql"},
		{"/db:/web/mysql", "db", "mysql"},
		{"", "", ""}, {":x", "", ""}, {"db:", "", ""}, {"db:a b", "", ""}, {"db:x\n10.0.0.1 evil", "", ""},
	} {
		target, alias, err := parseLink(tc.in)
		if (err != nil) != (tc.target == "") || err == nil && (target != tc.target || alias != tc.alias) {
			t.Errorf("%q: %q %q %v", tc.in, target, alias, err)
		}
	}
}
