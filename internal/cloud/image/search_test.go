package image

import (
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/fake"
)

func TestSplitTerm(t *testing.T) {
	for term, want := range map[string]string{
		"mysql": "docker.io mysql", "library/mysql": "docker.io mysql", "joe/lamp": "docker.io joe/lamp", " mysql ": "docker.io mysql",
		"docker.io/joe/lamp": "docker.io joe/lamp", "index.docker.io/library/mysql": "docker.io mysql",
		"registry.example/lamp": "registry.example lamp", "host:5000/joe/lamp": "host:5000 joe/lamp", "localhost/lamp": "localhost lamp",
	} {
		if host, rest, err := splitTerm(term); err != nil || host+" "+rest != want {
			t.Errorf("%q: %s %s, %v", term, host, rest, err)
		}
	}
	for _, term := range []string{"", " ", "https://registry.example/x", "ho st:5/x", "-.x/y"} {
		if _, _, err := splitTerm(term); !errdefs.IsInvalidArgument(err) {
			t.Errorf("%q: %v", term, err)
		}
	}
}

func TestSearch(t *testing.T) {
	b := newBench(t)
	for _, ref := range []string{"docker.io/library/lamp:1", "docker.io/joe/lamp:1", "host.example/lamp:1"} {
		b.engine.Serve(ref, fake.MakeImage(ref, time.Unix(0, 0), "l"))
	}
	names := func(req SearchRequest) string {
		t.Helper()
		found, err := b.images.Search(t.Context(), b.a, req)
		if err != nil {
			t.Fatal(err)
		}
		return namesFound(found)
	}
	for want, req := range map[string]SearchRequest{
		"joe/lamp lamp": {Term: "lamp"},
		"lamp":          {Term: "lamp", Filters: map[string][]string{"is-official": {"true"}}},
		"joe/lamp":      {Term: "lamp", Filters: map[string][]string{"stars": {"5"}}},
		"":              {Term: "lamp", Filters: map[string][]string{"is-automated": {"true"}}},
	} {
		if got := names(req); got != want {
			t.Errorf("%+v finds %q", req, got)
		}
	}
	for _, req := range []SearchRequest{
		{Term: ""}, {Term: "lamp", Limit: 101}, {Term: "lamp", Limit: -1}, {Term: "lamp", Filters: map[string][]string{"is-official": {"maybe"}}},
		{Term: "lamp", Filters: map[string][]string{"stars": {"many"}}}, {Term: "lamp", Filters: map[string][]string{"bogus": {"x"}}},
	} {
		if _, err := b.images.Search(t.Context(), b.a, req); !errdefs.IsInvalidArgument(err) {
			t.Errorf("%+v: %v", req, err)
		}
	}
}

func namesFound(found []engine.SearchResult) string {
	var out []string
	for _, f := range found {
		out = append(out, f.Name)
	}
	return strings.Join(out, " ")
}

func TestLook(t *testing.T) {
	b := newBench(t)
	b.engine.Serve("docker.io/library/lamp:latest", fake.MakeImage("lamp", time.Unix(0, 0), "l"))
	r, err := b.images.Look(t.Context(), b.a, PullRequest{Ref: "lamp"})
	if err != nil || r.Target.Digest == "" || len(r.Platforms) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := b.images.Look(t.Context(), b.a, PullRequest{Ref: "lamp:2"}); !errdefs.IsNotFound(err) {
		t.Errorf("what is not there: %v", err)
	}
}

// Images that are built on one another share what is below.
func TestSharedSizes(t *testing.T) {
	b := newBench(t)
	for name, layers := range map[string][]string{"base": {"a"}, "above": {"a", "b"}, "apart": {"c"}} {
		b.engine.Serve("docker.io/library/"+name+":latest", fake.MakeImage(name, time.Unix(0, 0), layers...))
		if err := b.images.Pull(t.Context(), b.a, PullRequest{Ref: name}, func(Message) {}); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range b.images.List(b.a, ListOptions{Shared: true}) {
		if want := map[string]int64{"base:latest": 1 << 20, "above:latest": 1 << 20, "apart:latest": 0}[s.RepoTags[0]]; s.Shared != want {
			t.Errorf("%s shares %d", s.RepoTags[0], s.Shared)
		}
	}
	for _, s := range b.images.List(b.a, ListOptions{}) {
		if s.Shared != -1 {
			t.Errorf("%s shares %d, and nobody has asked", s.RepoTags[0], s.Shared)
		}
	}
}
