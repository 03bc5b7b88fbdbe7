package compose

import (
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/docker/compose/v5/pkg/api"
	"github.com/moby/moby/api/types/container"
)

// events are what the library says of containers, as NAME TEXT.
func events(s *status, all ...string) {
	for _, e := range all {
		name, text, _ := strings.Cut(e, " ")
		s.On(api.Resource{ID: "Container " + name, Text: text})
	}
}

func shop(scale int) *types.Project {
	web := types.ServiceConfig{Name: "web"}
	web.DependsOn = types.DependsOnConfig{"db": {}}
	db := types.ServiceConfig{Name: "db"}
	db.SetScale(scale)
	return &types.Project{Name: "shop", Services: types.Services{"web": web, "db": db}}
}

const upLines = `Project [shop]: Starting project 
[0/2] [db]: Starting 
[1/2] [db]: Started 
[1/2] [web]: Starting 
[2/2] [web]: Started 
Project [shop]: Project started 
`

func TestStatusOfUp(t *testing.T) {
	for name, c := range map[string]struct {
		scale  int
		events []string
	}{
		"all are made":         {1, []string{"shop-db-1 Creating", "shop-web-1 Creating", "shop-db-1 Created", "shop-web-1 Created", "shop-db-1 Starting", "shop-db-1 Started", "shop-web-1 Starting", "shop-web-1 Started"}},
		"all run":              {1, []string{"shop-web-1 Running", "shop-db-1 Running"}},
		"one is replaced":      {1, []string{"shop-web-1 Running", "shop-db-1 Recreate", "shop-db-1 Recreated", "shop-db-1 Starting", "shop-db-1 Started"}},
		"several of a service": {2, []string{"shop-db-1 Starting", "shop-db-2 Starting", "shop-db-2 Started", "shop-db-1 Started", "shop-web-1 Starting", "shop-web-1 Started"}},
		"said twice":           {1, []string{"shop-db-1 Running", "shop-db-1 Running", "alien-1 Started", "shop-web-1 Starting", "shop-web-1 Starting", "shop-web-1 Started", "shop-web-1 Started"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out, err strings.Builder
			s := newStatus(&out, &err, "shop", 2)
			s.ofProject(shop(c.scale))
			done := 0
			s.onDone = func() { done++ }
			s.begin(starting)
			events(s, c.events...)
			s.end()
			if out.String() != upLines || done != 1 || err.Len() > 0 {
				t.Errorf("done %d times, %q\n%swant\n%s", done, &err, &out, upLines)
			}
		})
	}
}

func TestStatusOfContainers(t *testing.T) {
	var out strings.Builder
	s := newStatus(&out, &out, "shop", 2)
	s.ofContainers([]container.Summary{{Names: []string{"/mine"}, Labels: map[string]string{api.ServiceLabel: "web"}}})
	s.begin(stopping)
	events(s, "mine Stopping", "mine Stopped")
	s.end()
	s.begin(deleting)
	events(s, "mine Stopping", "mine Stopped", "mine Removing", "mine Removed")
	s.end()
	want := "Project [shop]: Stopping project \n[0/2] [web]: Stopping \n[0/2] [web]: Stopped \nProject [shop]: Project stopped \n" +
		"Project [shop]: Deleting project \n[0/2] [web]: Deleting \n[0/2] [web]: Deleted \nProject [shop]: Project deleted \n"
	if out.String() != want {
		t.Errorf("%swant\n%s", &out, want)
	}
}

// After Ctrl-C there is one message, and no more lines.
func TestStatusOfLeaving(t *testing.T) {
	var out strings.Builder
	s := newStatus(&out, &out, "shop", 2)
	s.ofProject(shop(1))
	left := 0
	s.onLeave = func() { left++ }
	s.begin(starting)
	events(s, "shop-db-1 Starting", "shop-db-1 Started")
	for range 2 {
		s.On(api.Resource{ID: api.ResourceCompose, Text: api.StatusStopping})
	}
	events(s, "shop-db-1 Stopping", "shop-db-1 Stopped")
	s.end()
	want := "Project [shop]: Starting project \n[0/2] [db]: Starting \n[1/2] [db]: Started \n\nGracefully stopping...\n"
	if out.String() != want || left != 1 {
		t.Errorf("left %d times\n%swant\n%s", left, &out, want)
	}
}

func TestStatusOfImages(t *testing.T) {
	var out, err strings.Builder
	s := newStatus(&out, &err, "shop", 1)
	s.image["nginx:latest"] = "web"
	s.begin(starting)
	for range 2 {
		s.On(api.Resource{ID: "Image nginx:latest", Text: api.StatusPulling})
	}
	s.On(api.Resource{ID: "web", Status: api.Warning, Text: "memory is ignored"})
	if want := "Pulling web (nginx:latest)...\nWARNING: web: memory is ignored\n"; err.String() != want {
		t.Errorf("%q, want %q", &err, want)
	}
}
