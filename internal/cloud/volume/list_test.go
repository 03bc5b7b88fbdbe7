package volume

import (
	"strings"
	"testing"

	"github.com/containerd/errdefs"
)

func TestList(t *testing.T) {
	b := newBench(t)
	b.create("pgdata", map[string]string{"tier": "db"})
	b.create("pgwal", map[string]string{"tier": "log"})
	b.attach(b.create("web", nil))
	b.put(NewRow("coming", 10, false, nil))
	filter := func(pairs ...string) map[string][]string {
		out := map[string][]string{}
		for i := 0; i < len(pairs); i += 2 {
			out[pairs[i]] = append(out[pairs[i]], pairs[i+1])
		}
		return out
	}
	for name, tc := range map[string]struct {
		filters map[string][]string
		want    string
	}{
		"no filter":              {nil, "web pgwal pgdata"},
		"dangling":               {filter("dangling", "true"), "pgwal pgdata"},
		"dangling as a 1":        {filter("dangling", "1"), "pgwal pgdata"},
		"false lists all":        {filter("dangling", "false"), "web pgwal pgdata"},
		"0 lists all":            {filter("dangling", "0"), "web pgwal pgdata"},
		"another value":          {filter("dangling", "yes"), "!"},
		"an unknown filter":      {filter("colour", "red"), "!"},
		"part of the name":       {filter("name", "pg"), "pgwal pgdata"},
		"one of two names":       {filter("name", "data", "name", "web"), "web pgdata"},
		"a label":                {filter("label", "tier"), "pgwal pgdata"},
		"a label and its value":  {filter("label", "tier=db"), "pgdata"},
		"labels that exclude":    {filter("label", "tier=db", "label", "tier=log"), ""},
		"the driver":             {filter("driver", "hyper"), "web pgwal pgdata"},
		"another driver":         {filter("driver", "local"), ""},
		"dangling and the label": {filter("dangling", "true", "label", "tier=log"), "pgwal"},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := b.volumes.List(b.a, tc.filters)
			if tc.want == "!" {
				if !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), "Invalid filter") {
					t.Errorf("error is %v", err)
				}
				return
			}
			var got []string
			for _, v := range list {
				got = append(got, v.Name)
			}
			if strings.Join(got, " ") != tc.want || err != nil {
				t.Errorf("List = %v, %v, want %s", got, err, tc.want)
			}
		})
	}
}
