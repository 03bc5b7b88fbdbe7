package fip

import (
	"net/netip"
	"strings"
	"testing"
)

// A pool gives IPv4 addresses of what was named, never one that was left out or that is no one's.
func FuzzParsePool(f *testing.F) {
	for _, seed := range [][2]string{
		{"203.0.113.0/28", ""}, {"203.0.113.10-203.0.113.20", "203.0.113.11"}, {"203.0.113.9", ""}, {"203.0.113.0/28,203.0.113.8/29", ""}, {"0.0.0.0/0", ""}, {"255.255.255.255", ""}, {"127.0.0.1-128.0.0.1", "127.0.0.0/8"}, {"10.0.0.9-10.0.0.1", ""},
		{"203.0.113.1/28", ""}, {"::/0", "::1"}, {"203.0.113.0/31", ""}, {"203.0.113.0/32", ""}, {"::ffff:1.2.3.4", ""}, {"1.2.3.4-", "-"}, {"1.2.3.4%eth0", ""}, {"203.0.113.0/30", "203.0.113.0/30"}, {" 1.2.3.4 - 1.2.3.5 ", ""},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pools, exclude string) {
		var out []string
		if exclude != "" {
			out = strings.Split(exclude, ",")
		}
		p, err := ParsePool(strings.Split(pools, ","), out)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "fip-pool") && !strings.HasPrefix(err.Error(), "fip-exclude") {
				t.Errorf("%q does not say of what it speaks", err)
			}
			return
		}
		n := 0
		var last netip.Addr
		for addr := range p.all() {
			if n++; n > 1000 {
				break
			}
			inside := false
			for _, r := range p.Named() {
				inside = inside || r.Contains(addr)
			}
			for _, s := range special {
				inside = inside && !s.prefix.Contains(addr)
			}
			if !addr.Is4() || !inside || !p.Given().Contains(addr) || last.IsValid() && !last.Less(addr) {
				t.Errorf("%q without %q gives %s", pools, exclude, addr)
			}
			for _, text := range out {
				if whole, _, err := parseSpan("", text); err == nil && whole.Contains(addr) {
					t.Errorf("%q without %q gives %s", pools, exclude, addr)
				}
			}
			last = addr
		}
		if n == 0 {
			t.Errorf("%q without %q gives nothing, and is taken", pools, exclude)
		}
		var names []string
		for _, r := range p.Named() {
			names = append(names, r.String())
		}
		again, err := ParsePool(names, nil)
		if err == nil && len(again.Named()) != len(p.Named()) {
			t.Errorf("%q is %v, and again %v", pools, p.Named(), again.Named())
		}
	})
}
