package compose

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"

	hyper "github.com/hypercloud/hyper/api/types"
)

func asking(asked map[string]string) types.Services {
	out := types.Services{}
	for name, fip := range asked {
		service := types.ServiceConfig{Name: name}
		service.CustomLabels = types.Labels{labelFIP: fip}
		out[name] = service
	}
	return out
}

func TestMeet(t *testing.T) {
	fips := []hyper.FloatingIP{
		{Address: "198.18.0.2", Name: "shop"}, {Address: "198.18.0.3", Container: "web1"}, {Address: "198.18.0.4"}, {Address: "198.18.0.5", Container: "alien"},
	}
	web := container.Summary{ID: "web1", Labels: map[string]string{labelAddress: "198.18.0.3"}}
	bare := container.Summary{ID: "bare1", Labels: map[string]string{labelAddress: ""}}
	for name, c := range map[string]struct {
		asked  map[string]string
		there  map[string]container.Summary
		of     map[string]string
		moves  string
		lacks  []string
		failed string
	}{
		"none asks":                       {asked: map[string]string{"a": ""}},
		"by name and by address":          {asked: map[string]string{"a": "shop", "b": "198.18.0.4"}, of: map[string]string{"a": "198.18.0.2", "b": "198.18.0.4"}},
		"any takes none that is named":    {asked: map[string]string{"a": "auto", "b": "shop"}, of: map[string]string{"a": "198.18.0.4", "b": "198.18.0.2"}},
		"what lacks is counted":           {asked: map[string]string{"a": "auto", "b": "auto", "c": "auto", "d": "shop"}, of: map[string]string{"a": "198.18.0.4", "d": "198.18.0.2"}, lacks: []string{"b", "c"}},
		"who has one keeps it":            {asked: map[string]string{"web": "auto"}, there: map[string]container.Summary{"web": web}, of: map[string]string{"web": "198.18.0.3"}},
		"a container that has none":       {asked: map[string]string{"bare": "auto"}, there: map[string]container.Summary{"bare": bare}, of: map[string]string{"bare": "198.18.0.2"}, moves: "bare1=198.18.0.2"},
		"another one than it has":         {asked: map[string]string{"web": "shop"}, there: map[string]container.Summary{"web": web}, of: map[string]string{"web": "198.18.0.2"}, moves: "web1=198.18.0.2"},
		"the one that it has":             {asked: map[string]string{"web": "198.18.0.3"}, there: map[string]container.Summary{"web": web}, of: map[string]string{"web": "198.18.0.3"}},
		"one that is nobody's":            {asked: map[string]string{"a": "198.18.0.99"}, failed: "service a: No such floating IP: 198.18.0.99"},
		"one that another container has":  {asked: map[string]string{"a": "198.18.0.5"}, failed: "service a asks for the floating IP 198.18.0.5, which container alien has: take it off by 'hyper fip detach alien'"},
		"the same by name and by address": {asked: map[string]string{"a": "shop", "b": "198.18.0.2"}, failed: "the services a and b ask for the same floating IP, 198.18.0.2"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := meet(asking(c.asked), fips, c.there)
			if c.failed != "" {
				if err == nil || err.Error() != c.failed {
					t.Errorf("error is %v", err)
				}
				return
			}
			var moves []string
			for _, m := range got.moves {
				moves = append(moves, m.container.ID+"="+m.fip)
			}
			if err != nil || !maps.Equal(got.of, c.of) || strings.Join(moves, " ") != c.moves || !slices.Equal(got.lacks, c.lacks) || got.short != len(c.lacks) {
				t.Errorf("%+v, moves %v, %v", got, moves, err)
			}
		})
	}
}
