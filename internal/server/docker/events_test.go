package docker

import (
	"testing"

	"github.com/hypercloud/hyper/internal/cloud/event"
)

func TestMatchEvent(t *testing.T) {
	e := event.Event{Type: "container", Action: "health_status: healthy", ID: "abcdef", Attributes: map[string]string{"name": "web", "image": "mysql:latest", "k": "v"}}
	for _, tc := range []struct {
		name    string
		filters map[string][]string
		want    bool
	}{
		{"none", nil, true},
		{"type", map[string][]string{"type": {"volume", "container"}}, true},
		{"another type", map[string][]string{"type": {"volume"}}, false},
		{"action without detail", map[string][]string{"event": {"health_status"}}, true},
		{"action with detail", map[string][]string{"event": {"health_status: unhealthy"}}, false},
		{"container by name", map[string][]string{"container": {"/web"}}, true},
		{"container by the beginning of its id", map[string][]string{"container": {"abc"}}, true},
		{"another container", map[string][]string{"container": {"db"}}, false},
		{"a volume of the name", map[string][]string{"volume": {"web"}}, false},
		{"labels are all needed", map[string][]string{"label": {"k=v", "x"}}, false},
		{"label", map[string][]string{"label": {"k"}}, true},
		{"image without tag", map[string][]string{"image": {"mysql"}}, true},
		{"all filters are needed", map[string][]string{"image": {"mysql"}, "scope": {"swarm"}}, false},
		{"a filter without values", map[string][]string{"type": {}}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := matchEvent(e, tc.filters); got != tc.want {
				t.Errorf("%v", got)
			}
		})
	}
}
