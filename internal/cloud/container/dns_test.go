package container

import (
	"slices"
	"strings"
	"testing"
)

func TestHostnames(t *testing.T) {
	x := strings.Repeat("x", 63)
	for _, tc := range []struct {
		name, host, domain string
		says               string // "": it is taken
	}{
		{"none", "", "", ""},
		{"a plain one", "web", "", ""},
		{"with dots", "www.example.org", "", ""},
		{"with an underscore", "my_web-1", "", ""},
		{"in capitals", "WEB", "", ""},
		{"localhost", "localhost", "", ""}, // the name leads to whoever asks, all the same
		{"with a domain", "www", "example.org", ""},
		{"a domain alone", "", "example.org", ""},
		{"63 characters", x, "", ""},
		{"64 characters", x + "x", "", "longer than 63"},
		{"300 characters", strings.Repeat("x", 300), "", "longer than 63"},
		{"300 characters with a domain", strings.Repeat("x", 300), "org", "longer than 63"},
		{"64 characters with the domain", "www", strings.Repeat("x", 60), ""},
		{"65 characters with the domain", "www", strings.Repeat("x", 61), "longer than 64"},
		{"a domain of 300 characters", "www", strings.Repeat("x.", 150), "longer than 64"},
		{"a domain too long for the id", "", strings.Repeat("x", 52), "longer than 64"},
		{"a space", "my web", "", "invalid hostname format"},
		{"a line break", "web\nnameserver 192.0.2.1", "", "invalid hostname format"},
		{"a slash", "../web", "", "invalid hostname format"},
		{"a zero byte", "web\x00", "", "invalid hostname format"},
		{"other letters", "wéb", "", "invalid hostname format"},
		{"a dot", ".", "", "invalid hostname format"},
		{"a dot in front", ".web", "", "invalid hostname format"},
		{"a dot behind", "web.", "", "invalid hostname format"},
		{"two dots", "web..org", "", "invalid hostname format"},
		{"a bad domain", "web", "example org", "invalid hostname format"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := checkHostname(tc.host, tc.domain)
			if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error %v, want %q", err, tc.says)
			}
		})
	}
}

func TestResolvConf(t *testing.T) {
	for _, tc := range []struct {
		name            string
		search, options []string
		want            string // or what the refusal says
	}{
		{"nothing asked for", nil, nil, "nameserver 172.16.0.1\noptions ndots:0\n"},
		{"search domains", []string{"example.org", "corp.example.net."}, nil, "nameserver 172.16.0.1\nsearch example.org corp.example.net.\noptions ndots:0\n"},
		{"no search domain", []string{"."}, nil, "nameserver 172.16.0.1\noptions ndots:0\n"},
		{"options", nil, []string{"rotate", "timeout:3"}, "nameserver 172.16.0.1\noptions rotate timeout:3 ndots:0\n"},
		{"ndots", []string{"example.org"}, []string{"ndots:2", "use-vc"}, "nameserver 172.16.0.1\nsearch example.org\noptions ndots:2 use-vc\n"},
		{"a line break in a domain", []string{"example.org\nnameserver 192.0.2.1"}, nil, "not a valid DNS search domain"},
		{"two domains in one", []string{"example.org example.net"}, nil, "not a valid DNS search domain"},
		{"an empty domain", []string{""}, nil, "not a valid DNS search domain"},
		{"a long domain", []string{strings.Repeat("x.", 130)}, nil, "not a valid DNS search domain"},
		{"many domains", slices.Repeat([]string{"example.org"}, 17), nil, "at most 16"},
		{"a line break in an option", nil, []string{"rotate\nnameserver 192.0.2.1"}, "not a valid DNS option"},
		{"an empty option", nil, []string{""}, "not a valid DNS option"},
		{"an option of a word", nil, []string{"ndots:two"}, "not a valid DNS option"},
		{"many options", nil, slices.Repeat([]string{"rotate"}, 17), "at most 16"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec, _, err := resolve(&CreateRequest{Image: "mysql", DNSSearch: tc.search, DNSOptions: tc.options}, testImage(nil))
			if err != nil {
				if !strings.Contains(err.Error(), tc.want) {
					t.Errorf("error %v, want %q", err, tc.want)
				}
				return
			}
			if got := resolvConf(&Container{Spec: spec}); got != tc.want {
				t.Errorf("resolv.conf is %q, want %q", got, tc.want)
			}
		})
	}
}
