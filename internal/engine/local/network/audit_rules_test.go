package network

import (
	"fmt"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	for name, tc := range map[string]struct{ want, is, diff string }{
		"the same":             {"a b c", "a b c", ""},
		"nothing":              {"", "", ""},
		"one missing":          {"a b c", "a c", "-b"},
		"one too many":         {"a c", "a b c", "+b"},
		"another one":          {"a b c", "a x c", "-b +x"},
		"the order":            {"a b c", "a c b", "-b +b"},
		"everything is gone":   {"a b", "", "-a -b"},
		"more than one change": {"a b c d e", "a x c e f", "-b +x -d +f"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, l := range compare(strings.Fields(tc.want), strings.Fields(tc.is)) {
				got = append(got, strings.ReplaceAll(l, " ", ""))
			}
			if s := strings.Join(got, " "); s != tc.diff {
				t.Errorf("compare gives %q, want %q", s, tc.diff)
			}
		})
	}
}

func TestLongDifferencesAreCutShort(t *testing.T) {
	elements := func(n int) string { return strings.Repeat("198.18.0.1 : 172.16.0.1, ", n) }
	want, is := "map { "+elements(50)+"10.1.1.1 : 10.2.2.2, "+elements(50)+"}", "map { "+elements(100)+"}"
	d := compare([]string{want}, []string{is})
	if len(d) != 2 || !strings.Contains(d[0], "10.1.1.1 : 10.2.2.2") || len(d[0]) > 250 || len(d[1]) > 250 {
		t.Errorf("the difference is told as\n%s", strings.Join(d, "\n"))
	}
	many := func(from int) (out []string) {
		for i := range 2000 {
			out = append(out, fmt.Sprint("rule ", from+i))
		}
		return out
	}
	r := &report{}
	r.check("rules")
	r.differences(chains{"inet x": nil, "inet x chain y": many(0)}, chains{"inet x": nil, "inet x chain y": many(5000)})
	if f := r.checks[0].Findings; len(f) != 1 || len(f[0].Lines) != shownLines+1 || f[0].Lines[shownLines] != "... and 3960 more" {
		t.Errorf("4000 lines are told as %v", f)
	}
}

func TestParseRules(t *testing.T) {
	got := parseRules("table inet x {\n\tset s {\n\t\ttype ipv4_addr\n\t\telements = { 10.0.0.2,\n\t\t\t     10.0.0.1 }\n\t}\n\n\tchain c {\n\t\ttype filter hook input priority filter; policy drop;\n" +
		"\t\tip daddr { 10.0.0.2, 10.0.0.1 } accept\n\t}\n}\ntable ip y {\n}\n")
	want := chains{
		"inet x": nil, "ip y": nil,
		"inet x set s":   {"type ipv4_addr", "elements = { 10.0.0.1, 10.0.0.2 }"},
		"inet x chain c": {"type filter hook input priority filter; policy drop;", "ip daddr { 10.0.0.1, 10.0.0.2 } accept"},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("read\n%v\nwant\n%v", got, want)
	}
}
