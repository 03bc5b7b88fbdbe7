package fip

import (
	"strings"
	"testing"

	"github.com/containerd/errdefs"
)

func TestList(t *testing.T) {
	b := newBench(t, "198.18.0.0/24")
	b.allocate(b.a, 2)
	b.allocate(b.b, 1)
	if err := b.fips.Attach(t.Context(), b.a, "198.18.0.2", "web"); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		filters map[string][]string
		want    string // "!" is ErrInvalidArgument
	}{
		"no filter":         {nil, "198.18.0.2 198.18.0.3"},
		"dangling":          {map[string][]string{"dangling": {"true"}}, "198.18.0.3"},
		"dangling as a 1":   {map[string][]string{"dangling": {"1"}}, "198.18.0.3"},
		"not only dangling": {map[string][]string{"dangling": {"false"}}, "198.18.0.2 198.18.0.3"},
		"a bad value":       {map[string][]string{"dangling": {"maybe"}}, "!"},
		"a contradiction":   {map[string][]string{"dangling": {"true", "false"}}, "!"},
		"an unknown filter": {map[string][]string{"colour": {"red"}}, "!"},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := b.fips.List(b.a, tc.filters)
			var got []string
			for _, f := range list {
				got = append(got, f.Address.String())
			}
			if tc.want == "!" {
				if !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), "Invalid filter") {
					t.Errorf("error is %v", err)
				}
			} else if strings.Join(got, " ") != tc.want || err != nil {
				t.Errorf("List = %v, %v, want %s", got, err, tc.want)
			}
		})
	}
}
