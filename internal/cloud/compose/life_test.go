package compose

import (
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/store"
)

func (b *bench) pull(name string) error {
	return b.Images.Pull(b.Context(), b.a, image.PullRequest{Ref: name}, func(image.Message) {})
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func TestLife(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	var lines []string
	b.must(b.Create(ctx, b.a, "blog", blog(), UpOptions{}, noting(&lines)))
	b.wantLines("create", lines,
		"Project [blog]: Creating project ", "[0/2] [db]: Creating ", "[0/2] [db]: Created ", "[0/2] [web]: Creating ", "[0/2] [web]: Created ",
		"Project [blog]: Project created ")
	b.want("status", b.container("blog-web-1").State.Status, "created")

	lines = nil
	b.must(b.Start(ctx, b.a, "blog", nil, noting(&lines)))
	b.wantLines("start", lines,
		"Project [blog]: Starting project ", "[0/2] [db]: Starting ", "[0/2] [db]: Started ", "[0/2] [web]: Starting ", "[0/2] [web]: Started ",
		"Project [blog]: Project started ")
	b.want("status", b.container("blog-web-1").State.Status, "running")

	lines = nil
	ten := 10
	b.must(b.Stop(ctx, b.a, "blog", nil, &ten, noting(&lines)))
	b.wantLines("stop", lines,
		"Project [blog]: Stopping project ", "[0/2] [web]: Stopping ", "[0/2] [web]: Stopped ", "[0/2] [db]: Stopping ", "[0/2] [db]: Stopped ",
		"Project [blog]: Project stopped ")
	b.want("status", b.container("blog-web-1").State.Status, "exited")
	b.must(b.Start(ctx, b.a, "blog", []string{"db"}, func(Message) {}))

	lines = nil
	b.must(b.Kill(ctx, b.a, "blog", nil, "KILL", noting(&lines)))
	b.wantLines("kill", lines,
		"Project [blog]: Killing project ", "[0/2] [db]: Killing ", "[0/2] [db]: Killed ", "Project [blog]: Project killed ")
	b.must(b.Start(ctx, b.a, "blog", []string{"db"}, func(Message) {}))

	lines = nil
	b.must(b.Remove(ctx, b.a, "blog", nil, false, noting(&lines)))
	b.wantLines("rm", lines,
		"Project [blog]: Deleting project ", "[0/2] [web]: Deleting ", "[0/2] [web]: Deleted ", "Project [blog]: Project deleted ")
	if _, kept := b.Store.View(b.a).Project("blog"); !kept {
		t.Error("the project is forgotten while it has a container")
	}
	b.must(b.Stop(ctx, b.a, "blog", nil, nil, func(Message) {}))
	b.must(b.Remove(ctx, b.a, "blog", nil, true, func(Message) {}))
	b.want("left", b.state(), "map[]")
	b.want("volumes", len(b.Store.View(b.a).Volumes()), 0)
	if _, kept := b.Store.View(b.a).Project("blog"); kept {
		t.Error("the project is kept without a container")
	}
	lines = nil
	b.must(b.Remove(ctx, b.a, "blog", nil, false, noting(&lines)))
	b.wantLines("rm of nothing", lines, "No stopped containers")
	for name, err := range map[string]error{
		"start": b.Start(ctx, b.a, "blog", nil, noting(&lines)), "stop": b.Stop(ctx, b.a, "blog", nil, nil, noting(&lines)),
		"kill": b.Kill(ctx, b.a, "blog", nil, "", noting(&lines)), "down": b.Down(ctx, b.a, "blog", DownOptions{}, noting(&lines)),
	} {
		if !errdefs.IsNotFound(err) || err.Error() != "No such compose project: blog" {
			t.Errorf("%s of nothing: %v", name, err)
		}
	}
}

func TestDown(t *testing.T) {
	spec := with("db", func(s *store.ProjectService) { s.Volumes = []string{"site:/site", "kept:/kept"} })
	spec.Volumes = map[string]store.ProjectVolume{"site": {SizeGB: 20}, "other": {}}
	for name, tc := range map[string]struct {
		o       DownOptions
		volumes string // names of those that stay; auto stands for one that was not named
		images  int
	}{
		"plain":        {DownOptions{}, "auto kept site", 2},
		"with volumes": {DownOptions{Volumes: true}, "kept", 2},
		"with images":  {DownOptions{Images: "all"}, "auto kept site", 0},
		"local images": {DownOptions{Images: "local"}, "auto kept site", 2},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.up(spec, UpOptions{})
			v, _ := b.Store.View(b.a).VolumeByName("site")
			b.want("the size", v.SizeGB, 20)
			var lines []string
			b.must(b.Down(t.Context(), b.a, "blog", tc.o, noting(&lines)))
			b.wantLines("down", lines,
				"Project [blog]: Stopping project ", "[0/2] [web]: Stopping ", "[0/2] [web]: Stopped ", "[0/2] [db]: Stopping ", "[0/2] [db]: Stopped ",
				"Project [blog]: Project stopped ",
				"Project [blog]: Deleting project ", "[0/2] [web]: Deleting ", "[0/2] [web]: Deleted ", "[0/2] [db]: Deleting ", "[0/2] [db]: Deleted ",
				"Project [blog]: Project deleted ")
			view := b.Store.View(b.a)
			b.want("containers", b.state(), "map[]")
			var names []string
			for _, name := range []string{"auto", "kept", "site"} {
				for _, v := range view.Volumes() {
					if v.Name == name || name == "auto" && v.Auto {
						names = append(names, name)
					}
				}
			}
			b.want("volumes", strings.Join(names, " "), tc.volumes)
			b.want("images", len(view.Images()), tc.images)
			b.want("projects", len(view.Projects()), 0)
		})
	}
	t.Run("leaves orphans unless told", func(t *testing.T) {
		b := newBench(t)
		b.up(blog(), UpOptions{})
		less := store.ProjectSpec{Services: map[string]store.ProjectService{"db": blog().Services["db"]}}
		b.up(less, UpOptions{})
		b.must(b.Stop(t.Context(), b.a, "blog", nil, nil, func(Message) {}))
		b.want("the orphan", b.container("blog-web-1").State.Status, "running")
		b.must(b.Down(t.Context(), b.a, "blog", DownOptions{}, func(Message) {}))
		b.want("left", len(b.state()), 1)
		b.container("blog-web-1")
		b.up(less, UpOptions{})
		b.must(b.Down(t.Context(), b.a, "blog", DownOptions{Orphans: true}, func(Message) {}))
		b.want("left", len(b.state()), 0)
	})
	t.Run("refuses what it does not know", func(t *testing.T) {
		b := newBench(t)
		if err := b.Down(t.Context(), b.a, "blog", DownOptions{Images: "some"}, nil); err == nil || !strings.HasPrefix(err.Error(), "rmi with some is not valid") {
			t.Errorf("error is %v", err)
		}
	})
}

func TestFloatingIPs(t *testing.T) {
	auto := with("web", func(s *store.ProjectService) { s.FIP = "auto" })
	auto.Services["db"] = store.ProjectService{Image: "db", FIP: "auto"}
	ip := func(b *bench, name string) string {
		f, ok := b.Store.View(b.a).FloatingIPOf(b.container(name).ID)
		if !ok {
			return ""
		}
		return f.Address.String()
	}
	t.Run("by address, and moved", func(t *testing.T) {
		b := newBench(t)
		_, err := b.FIPs.Allocate(t.Context(), b.a, 2)
		b.must(err)
		b.must(b.FIPs.Name(t.Context(), b.a, "198.18.0.3", "shop"))
		b.up(with("web", func(s *store.ProjectService) { s.FIP = "198.18.0.2" }), UpOptions{})
		b.want("address", ip(b, "blog-web-1"), "198.18.0.2")
		id := b.container("blog-web-1").ID
		b.up(with("web", func(s *store.ProjectService) { s.FIP = "shop" }), UpOptions{})
		b.want("address", ip(b, "blog-web-1"), "198.18.0.3")
		b.want("the container", b.container("blog-web-1").ID, id)
		b.up(with("web", func(s *store.ProjectService) { s.FIP = "shop" }), UpOptions{ForceRecreate: true})
		b.want("address of the new one", ip(b, "blog-web-1"), "198.18.0.3")
		b.must(b.Down(t.Context(), b.a, "blog", DownOptions{}, func(Message) {}))
		b.want("kept", len(b.Store.View(b.a).FloatingIPs()), 2)
	})
	t.Run("by the label of the service, as by its key", func(t *testing.T) {
		b := newBench(t)
		labelled := func(fip, color string) store.ProjectSpec {
			return with("web", func(s *store.ProjectService) { s.Labels = map[string]string{"sh_hyper_fip": fip, "color": color} })
		}
		b.up(labelled("auto", "red"), UpOptions{})
		b.want("address", ip(b, "blog-web-1"), "198.18.0.2")
		id := b.container("blog-web-1").ID
		b.up(labelled("auto", "blue"), UpOptions{})
		if b.container("blog-web-1").ID == id {
			t.Error("the container was not replaced")
		}
		b.want("address of the new one", ip(b, "blog-web-1"), "198.18.0.2")
		b.want("how many", len(b.Store.View(b.a).FloatingIPs()), 1)
		both := with("web", func(s *store.ProjectService) {
			s.FIP, s.Labels = "198.18.0.2", map[string]string{"sh_hyper_fip": "auto"}
		})
		if err := b.Up(t.Context(), b.a, "blog", both, UpOptions{}, func(Message) {}); !errdefs.IsInvalidArgument(err) {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("any: a free one first, then a new one, the same again", func(t *testing.T) {
		b := newBench(t)
		b.must(b.Store.Update(t.Context(), b.a, quota.Limits{quota.FloatingIPs: 2}.Put))
		_, err := b.FIPs.Allocate(t.Context(), b.a, 1)
		b.must(err)
		b.must(b.Create(t.Context(), b.a, "blog", auto, UpOptions{}, func(Message) {}))
		b.must(b.Create(t.Context(), b.a, "blog", auto, UpOptions{}, func(Message) {}))
		b.want("how many", len(b.Store.View(b.a).FloatingIPs()), 2)
		b.must(b.Start(t.Context(), b.a, "blog", nil, func(Message) {}))
		b.want("addresses", ip(b, "blog-db-1")+" "+ip(b, "blog-web-1"), "198.18.0.2 198.18.0.3")
		b.up(auto, UpOptions{})
		b.want("addresses", ip(b, "blog-db-1")+" "+ip(b, "blog-web-1"), "198.18.0.2 198.18.0.3")
		// A third is beyond the quota, and then nothing is made.
		err = b.Up(t.Context(), b.a, "more", store.ProjectSpec{Services: map[string]store.ProjectService{"x": {Image: "web", FIP: "auto"}}}, UpOptions{}, func(Message) {})
		if !errdefs.IsResourceExhausted(err) {
			t.Errorf("error is %v", err)
		}
		b.want("projects", len(b.Store.View(b.a).Projects()), 1)
	})
}

func TestAuths(t *testing.T) {
	auths := Auths{"https://index.docker.io/v1/": {Username: "hub"}, "registry.example.com:5000": {Username: "robot"}}
	for ref, want := range map[string]string{
		"nginx": "hub", "me/app:1": "hub", "docker.io/library/x": "hub", "registry.example.com:5000/team/app": "robot", "registry.example.com/x": "", "!": "",
	} {
		if got := auths.of(ref).Username; got != want {
			t.Errorf("%s: %q, want %q", ref, got, want)
		}
	}
}
