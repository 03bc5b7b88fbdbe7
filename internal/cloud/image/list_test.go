package image

import (
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/store"
)

func TestList(t *testing.T) {
	b := newBench(t)
	b.pull("mysql")
	b.pull("mysql:8")
	b.pull("nginx")
	b.engine.Serve("docker.io/library/dangling:latest", newer)
	b.pull("dangling")
	b.engine.Serve("docker.io/library/dangling:latest", nginx)
	b.pull("dangling")
	b.use(nginx, store.StatusExited)
	const all = "dangling@NEWER dangling:latest,nginx:latest,dangling@NGINX,nginx@NGINX mysql:8,mysql:latest,mysql@MYSQL"
	for name, tc := range map[string]struct {
		opts ListOptions
		want string
	}{
		"all":                       {ListOptions{All: true}, all},
		"dangling":                  {filters("dangling", "true"), "dangling@NEWER"},
		"not dangling":              {filters("dangling", "0"), "dangling:latest,nginx:latest,dangling@NGINX,nginx@NGINX mysql:8,mysql:latest,mysql@MYSQL"},
		"a label":                   {filters("label", "tier"), "dangling:latest,nginx:latest,dangling@NGINX,nginx@NGINX"},
		"a label of another value":  {filters("label", "tier=db"), ""},
		"before":                    {filters("before", "nginx"), "mysql:8,mysql:latest,mysql@MYSQL"},
		"since":                     {filters("since", "nginx"), "dangling@NEWER"},
		"a repository":              {ListOptions{Reference: "mysql"}, "mysql:8,mysql:latest,mysql@MYSQL"},
		"a repository and a tag":    {ListOptions{Reference: "mysql:8"}, "mysql:8,mysql@MYSQL"},
		"part of a repository":      {ListOptions{Reference: "my"}, ""},
		"a pattern is not exact":    {ListOptions{Reference: "my*"}, ""},
		"a pattern":                 {filters("reference", "my*"), "mysql:8,mysql:latest,mysql@MYSQL"},
		"a pattern with a tag":      {filters("reference", "*:latest"), "dangling:latest,nginx:latest,dangling@NGINX,nginx@NGINX mysql:latest,mysql@MYSQL"},
		"one of two patterns":       {filters("reference", "ngin?", "reference", "mysql:8"), "nginx:latest,nginx@NGINX mysql:8,mysql@MYSQL"},
		"a repository that dangles": {ListOptions{Reference: "dangling"}, "dangling@NEWER dangling:latest,dangling@NGINX"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range b.images.List(b.a, tc.opts) {
				got = append(got, strings.Join(append(s.RepoTags, s.RepoDigests...), ","))
				if want := map[string]int{nginx.ID: 1}[s.Image.ID]; s.Containers != want {
					t.Errorf("%s has %d containers", s.Image.ID, s.Containers)
				}
			}
			if plain(strings.Join(got, " ")) != tc.want {
				t.Errorf("List = %s\nwant   %s", plain(strings.Join(got, " ")), tc.want)
			}
		})
	}
}

func filters(pairs ...string) ListOptions {
	out := map[string][]string{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = append(out[pairs[i]], pairs[i+1])
	}
	return ListOptions{Filters: out}
}

func TestCheckFilters(t *testing.T) {
	b := newBench(t)
	b.pull("mysql")
	for name, tc := range map[string]struct {
		opts ListOptions
		is   func(error) bool
	}{
		"fine":                  {filters("dangling", "true", "label", "a=b", "before", "mysql"), func(err error) bool { return err == nil }},
		"an unknown filter":     {filters("colour", "red"), errdefs.IsInvalidArgument},
		"a bad value":           {filters("dangling", "maybe"), errdefs.IsInvalidArgument},
		"a contradiction":       {filters("dangling", "true", "dangling", "false"), errdefs.IsInvalidArgument},
		"a bad pattern":         {filters("reference", "[a"), errdefs.IsInvalidArgument},
		"before what is not":    {filters("before", "none"), errdefs.IsNotFound},
		"since what names none": {filters("since", "/"), errdefs.IsInvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			if err := b.images.CheckFilters(b.a, tc.opts.Filters); !tc.is(err) {
				t.Errorf("error is %v", err)
			}
			if err := b.images.CheckFilters(b.a, tc.opts.Filters); err != nil && b.images.List(b.a, tc.opts) != nil {
				t.Error("a refused filter matches something")
			}
		})
	}
}
