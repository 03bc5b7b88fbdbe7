package image

import (
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/store"
)

func TestFind(t *testing.T) {
	b := newBench(t)
	b.pull("mysql")
	b.pull("nginx")
	hex := strings.TrimPrefix(mysql.ID, "sha256:")
	for name, tc := range map[string]struct {
		ref   string
		fails string // text of the error; "": found
	}{
		"repository":              {"mysql", ""},
		"repository and tag":      {"mysql:latest", ""},
		"all of it":               {"docker.io/library/mysql:latest", ""},
		"without the library":     {"docker.io/mysql", ""},
		"digest":                  {"mysql@" + mysql.Digest, ""},
		"tag and digest":          {"mysql:any@" + mysql.Digest, ""},
		"id":                      {mysql.ID, ""},
		"id without sha256":       {hex, ""},
		"12 digits":               {hex[:12], ""},
		"12 digits with sha256":   {"sha256:" + hex[:12], ""},
		"another tag":             {"mysql:9", "No such image: mysql:9"},
		"no tag":                  {"test456", "No such image: test456:latest"},
		"another digest":          {"mysql@" + nginx.Digest, "No such image: mysql@" + nginx.Digest},
		"another id":              {"sha256:" + strings.Repeat("0", 64), "No such image: sha256:" + strings.Repeat("0", 64)},
		"another registry's":      {"quay.io/library/mysql", "No such image: quay.io/library/mysql:latest"},
		"nothing":                 {"", "Invalid empty image name"},
		"a path":                  {"/etc/passwd", "not the name of an image"},
		"upper case":              {"MySQL", "not the name of an image"},
		"a terminal's escape":     {"a\x1b[2J", "not the name of an image"},
		"a digest of wrong shape": {"mysql@sha256:12", "not the name of an image"},
	} {
		t.Run(name, func(t *testing.T) {
			img, err := b.images.Find(b.a, tc.ref)
			switch {
			case tc.fails == "" && (err != nil || img.ID != mysql.ID):
				t.Errorf("Find gives %v, %v", img, err)
			case tc.fails != "" && (err == nil || !strings.Contains(err.Error(), tc.fails)):
				t.Errorf("error is %v", err)
			case strings.HasPrefix(tc.fails, "No such") != errdefs.IsNotFound(err):
				t.Errorf("class of %v", err)
			}
			if _, err := b.images.Find(b.b, tc.ref); err == nil {
				t.Error("another account finds it")
			}
		})
	}
}

func TestFindPrefersNamesAndRefusesAmbiguousIDs(t *testing.T) {
	b := newBench(t)
	one, two := nginx, newer
	one.ID, two.ID = "sha256:beef"+strings.Repeat("0", 60), "sha256:beef"+strings.Repeat("1", 60)
	err := b.store.Update(t.Context(), b.a, func(tx *store.Tx) error {
		if err := tx.PutImage(store.Image{Image: one}); err != nil {
			return err
		}
		if err := tx.PutImage(store.Image{Image: two}); err != nil {
			return err
		}
		return tx.PutTag(store.Tag{Repository: "docker.io/library/beef0", Tag: "latest", ImageID: two.ID})
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.images.Find(b.a, "beef"); !errdefs.IsInvalidArgument(err) {
		t.Errorf("an ambiguous one: %v", err)
	}
	if img, err := b.images.Find(b.a, "beef0"); err != nil || img.ID != two.ID {
		t.Errorf("a name that looks like an id: %v, %v", img, err)
	}
	if img, err := b.images.Find(b.a, "beef1"); err != nil || img.ID != two.ID {
		t.Errorf("an id: %v, %v", img, err)
	}
	if img, err := b.images.Find(b.a, "sha256:beef0"); err != nil || img.ID != one.ID {
		t.Errorf("what cannot be a name: %v, %v", img, err)
	}
}

func TestNames(t *testing.T) {
	b := newBench(t)
	b.pull("mysql")
	b.pull("mysql:8")
	b.tag("mysql", "registry.example.org:5000/db:v1")
	tags, digests := b.images.Names(b.a, mysql.ID)
	if got := plain(strings.Join(append(tags, digests...), " ")); got != "mysql:8 mysql:latest registry.example.org:5000/db:v1 mysql@MYSQL" {
		t.Errorf("names are %s", got)
	}
}

func TestTag(t *testing.T) {
	b := newBench(t)
	b.pull("mysql")
	b.pull("nginx")
	for name, tc := range map[string]struct {
		ref, repository, tag string
		is                   func(error) bool
	}{
		"an unknown image": {"none", "x", "", errdefs.IsNotFound},
		"a bad repository": {"mysql", "X Y", "", errdefs.IsInvalidArgument},
		"a bad tag":        {"mysql", "x", "a/b", errdefs.IsInvalidArgument},
		"a digest":         {"mysql", "x@" + mysql.Digest, "", errdefs.IsInvalidArgument},
		"scratch":          {"mysql", "scratch", "", errdefs.IsInvalidArgument},
		"nothing":          {"mysql", "", "", errdefs.IsInvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			if err := b.images.Tag(t.Context(), b.a, tc.ref, tc.repository, tc.tag); !tc.is(err) {
				t.Errorf("error is %v", err)
			}
		})
	}
	if err := b.images.Tag(t.Context(), b.a, "mysql", "nginx", "latest"); err != nil {
		t.Fatal(err)
	}
	if got := b.shown(); got != "nginx@NGINX mysql:latest,nginx:latest,mysql@MYSQL" {
		t.Errorf("images are %s", got)
	}
}

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
