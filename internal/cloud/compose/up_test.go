package compose

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/store"
)

func TestUp(t *testing.T) {
	b := newBench(t)
	b.wantLines("what is told", b.up(blog(), UpOptions{}),
		"Project [blog]: Starting project ", "[0/2] [db]: Starting ", "[1/2] [db]: Started ", "[1/2] [web]: Starting ", "[2/2] [web]: Started ",
		"Project [blog]: Project started ")
	web, db := b.container("blog-web-1"), b.container("blog-db-1")
	b.want("status", []store.Status{web.State.Status, db.State.Status}, "[running running]")
	b.want("links", web.Spec.Links, []store.Link{{Target: db.ID, Alias: "mysql"}, {Target: db.ID, Alias: "blog-db-1"}})
	l := b.Containers.Labels(b.a, web)
	for key, want := range map[string]string{
		"sh.hyper.compose.project": "blog", "sh.hyper.compose.service": "web", "sh.hyper.compose.container-number": "1",
		"sh.hyper.compose.oneoff": "False", "sh.hyper.compose.version": "1.5.0", "sh_hyper_instancetype": "s4",
	} {
		b.want("label "+key, l[key], want)
	}
	if !ours(l["sh.hyper.compose.config-hash"]) {
		t.Errorf("the hash is %q", l["sh.hyper.compose.config-hash"])
	}
	before := b.state()
	b.up(blog(), UpOptions{})
	b.want("after a second up", b.state(), before)
	if v := b.Store.View(b.b); len(v.Containers()) > 0 || len(v.Projects()) > 0 {
		t.Error("the other account has something")
	}
}

func TestUpRecreatesWhatChanged(t *testing.T) {
	changed := with("web", func(s *store.ProjectService) { s.Environment = []string{"A=1"} })
	dbChanged := with("db", func(s *store.ProjectService) { s.Environment = []string{"PASSWORD=y"} })
	for name, tc := range map[string]struct {
		spec    store.ProjectSpec
		o       UpOptions
		prepare func(b *bench)
		web, db bool // are new
	}{
		"nothing":                      {spec: blog()},
		"a service":                    {spec: changed, web: true},
		"what it links to":             {spec: dbChanged, web: true, db: true},
		"forced":                       {spec: blog(), o: UpOptions{ForceRecreate: true}, web: true, db: true},
		"forced for one":               {spec: blog(), o: UpOptions{ForceRecreate: true, Services: []string{"db"}}, db: true},
		"never":                        {spec: changed, o: UpOptions{NoRecreate: true}},
		"what is only for the order":   {spec: with("web", func(s *store.ProjectService) { s.DependsOn = []string{"db"} })},
		"the order of a service's map": {spec: with("web", func(s *store.ProjectService) { s.Labels = map[string]string{} })},
		"an image": {spec: blog(), web: true, prepare: func(b *bench) {
			b.serve("web", "two")
			if err := b.pull("web"); err != nil {
				b.Fatal(err)
			}
		}},
		"a stopped one is started": {spec: blog(), prepare: func(b *bench) {
			if err := b.Containers.Stop(b.Context(), b.a, "blog-web-1", container.StopOptions{}); err != nil {
				b.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.up(blog(), UpOptions{})
			web, db := b.container("blog-web-1"), b.container("blog-db-1")
			if tc.prepare != nil {
				tc.prepare(b)
			}
			b.up(tc.spec, tc.o)
			b.want("web is new", b.container("blog-web-1").ID != web.ID, tc.web)
			b.want("db is new", b.container("blog-db-1").ID != db.ID, tc.db)
			for name, s := range b.state() {
				if !strings.HasPrefix(s, "running") {
					t.Errorf("%s is %s", name, s)
				}
			}
			b.want("how many", len(b.state()), 2)
			vols := b.Store.View(b.a).Volumes()
			if len(vols) != 1 || vols[0].Container != b.container("blog-db-1").ID {
				t.Errorf("volumes are %+v", vols)
			}
		})
	}
}

// At the quota of containers a service can still be replaced.
func TestRecreateAtTheQuota(t *testing.T) {
	b := newBench(t)
	if err := b.Store.Update(t.Context(), b.a, quota.Limits{quota.Containers: 2, quota.Volumes: 1, quota.Memory: 1 << 30}.Put); err != nil {
		t.Fatal(err)
	}
	b.up(blog(), UpOptions{})
	b.up(blog(), UpOptions{ForceRecreate: true})
	b.want("how many", len(b.state()), 2)
}

// A replacement that fails leaves the container as it was, running, with its name and its volumes.
func TestFailedRecreateLeavesTheOld(t *testing.T) {
	b := newBench(t)
	b.up(blog(), UpOptions{})
	before := b.state()
	b.engine.FailOnce("CreateContainer", errors.New("no disk"))
	if _, err := b.tryUp(blog(), UpOptions{ForceRecreate: true, Services: []string{"db"}}); err == nil || !strings.Contains(err.Error(), "no disk") {
		t.Errorf("error is %v", err)
	}
	b.want("afterwards", b.state(), before)
	if v := b.Store.View(b.a).Volumes(); len(v) != 1 || v[0].Container != b.container("blog-db-1").ID {
		t.Errorf("volumes are %+v", v)
	}
	b.up(blog(), UpOptions{ForceRecreate: true})
}

// Whatever an interrupted replacement left, the next up makes good.
func TestUpFinishesAReplacement(t *testing.T) {
	t.Run("that had renamed the old one", func(t *testing.T) {
		for _, o := range []UpOptions{{}, {NoRecreate: true}} {
			b := newBench(t)
			b.up(blog(), UpOptions{})
			db := b.container("blog-db-1")
			if err := b.Containers.Rename(t.Context(), b.a, db.ID, supersededName(db)); err != nil {
				t.Fatal(err)
			}
			b.up(blog(), o)
			b.want("how many", len(b.state()), 2)
			b.want("kept", b.container("blog-db-1").ID == db.ID, o.NoRecreate)
		}
	})
	t.Run("that had made the new one", func(t *testing.T) {
		b := newBench(t)
		b.up(blog(), UpOptions{})
		db := b.container("blog-db-1")
		if err := b.Containers.Stop(t.Context(), b.a, db.ID, container.StopOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := b.Containers.Rename(t.Context(), b.a, db.ID, supersededName(db)); err != nil {
			t.Fatal(err)
		}
		req, err := request("blog", "db", blog().Services["db"], 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Replaces = db.ID
		fresh, err := b.Containers.Create(t.Context(), b.a, req)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Containers.Start(t.Context(), b.a, db.ID); !errdefs.IsConflict(err) {
			t.Errorf("the old one can be started: %v", err)
		}
		b.up(blog(), UpOptions{})
		b.want("how many", len(b.state()), 2)
		b.want("the new one", b.container("blog-db-1").ID, fresh.ID)
	})
}

// Containers that the original's client made by scale are of the service, and stay while the file does not change.
func TestUpKeepsScaledContainers(t *testing.T) {
	b := newBench(t)
	b.up(blog(), UpOptions{})
	db := b.container("blog-db-1")
	req, err := request("blog", "web", blog().Services["web"], 2, []string{db.ID + ":mysql"})
	if err != nil {
		t.Fatal(err)
	}
	req.Labels[labelHash] = "2e10dd054c07fa94e26dc8da77fe3bb174a3d744"
	if _, err := b.Containers.Create(t.Context(), b.a, req); err != nil {
		t.Fatal(err)
	}
	second := b.container("blog-web-2").ID
	b.up(blog(), UpOptions{})
	b.want("kept", b.container("blog-web-2").ID, second)
	b.want("status", b.container("blog-web-2").State.Status, "running")
	b.up(with("web", func(s *store.ProjectService) { s.Environment = []string{"A=1"} }), UpOptions{})
	b.want("replaced", b.container("blog-web-2").ID != second, true)
}

func TestSecurityGroupsOfAService(t *testing.T) {
	b := newBench(t)
	if err := b.Store.Update(t.Context(), b.a, func(tx *store.Tx) error {
		return errors.Join(tx.PutSecurityGroup(store.SecurityGroup{Name: "web"}), tx.PutSecurityGroup(store.SecurityGroup{Name: "ssh"}))
	}); err != nil {
		t.Fatal(err)
	}
	b.up(with("web", func(s *store.ProjectService) { s.SecurityGroups = []string{"web", "ssh"} }), UpOptions{})
	b.want("carried", strings.Join(b.container("blog-web-1").Spec.SecGroups, " "), "ssh web")
	first := b.container("blog-web-1").ID
	b.up(with("web", func(s *store.ProjectService) { s.SecurityGroups = []string{"ssh"} }), UpOptions{})
	b.want("carried after a change", strings.Join(b.container("blog-web-1").Spec.SecGroups, " "), "ssh")
	b.want("replaced", b.container("blog-web-1").ID != first, true)
}

func TestUpChecksBeforeItBegins(t *testing.T) {
	web := func(change func(*store.ProjectService)) store.ProjectSpec { return with("web", change) }
	for name, tc := range map[string]struct {
		spec store.ProjectSpec
		o    UpOptions
		is   func(error) bool
		says string
	}{
		"no services":       {store.ProjectSpec{}, UpOptions{}, errdefs.IsInvalidArgument, "has no services"},
		"a circle":          {with("db", func(s *store.ProjectService) { s.DependsOn = []string{"web"} }), UpOptions{}, errdefs.IsInvalidArgument, "Cycle detected in path db->web->db"},
		"a loose link":      {web(func(s *store.ProjectService) { s.Links = []string{"cache"} }), UpOptions{}, errdefs.IsInvalidArgument, "cache, which is not defined"},
		"an unknown one":    {blog(), UpOptions{Services: []string{"api"}}, errdefs.IsNotFound, "No such service: api"},
		"both flags":        {blog(), UpOptions{ForceRecreate: true, NoRecreate: true}, errdefs.IsInvalidArgument, "no-recreate and force-recreate cannot be combined"},
		"a group":           {web(func(s *store.ProjectService) { s.SecurityGroups = []string{"web"} }), UpOptions{}, errdefs.IsNotFound, "No such security group: web"},
		"a URL":             {web(func(s *store.ProjectService) { s.Volumes = []string{"https:///x.tar:/x"} }), UpOptions{}, errdefs.IsInvalidArgument, "is not an address"},
		"a size":            {web(func(s *store.ProjectService) { s.Size = "xxs" }), UpOptions{}, errdefs.IsInvalidArgument, "no size \"xxs\""},
		"a port":            {web(func(s *store.ProjectService) { s.Ports = []string{"x:80"} }), UpOptions{}, errdefs.IsInvalidArgument, "service web"},
		"a restart policy":  {web(func(s *store.ProjectService) { s.Restart = "sometimes" }), UpOptions{}, errdefs.IsInvalidArgument, "invalid restart policy sometimes"},
		"a floating IP":     {web(func(s *store.ProjectService) { s.FIP = "198.18.0.5" }), UpOptions{}, errdefs.IsNotFound, "No such floating IP"},
		"a container name":  {web(func(s *store.ProjectService) { s.ContainerName = "a b" }), UpOptions{}, errdefs.IsInvalidArgument, "a b is invalid"},
		"one name for both": {web(func(s *store.ProjectService) { s.ContainerName = "blog-db-1" }), UpOptions{}, errdefs.IsInvalidArgument, "name the same container"},
		"a volume":          {store.ProjectSpec{Services: blog().Services, Volumes: map[string]store.ProjectVolume{"v": {External: true}}}, UpOptions{}, errdefs.IsNotFound, "No such volume: v"},
		"a service name":    {store.ProjectSpec{Services: map[string]store.ProjectService{"../x": {}}}, UpOptions{}, errdefs.IsInvalidArgument, "Invalid service name"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			lines, err := b.tryUp(tc.spec, tc.o)
			if !tc.is(err) || !strings.Contains(err.Error(), tc.says) || len(lines) > 0 {
				t.Errorf("error is %v, after %v", err, lines)
			}
			if v := b.Store.View(b.a); len(v.Projects()) > 0 || !v.Empty() {
				t.Error("something was made")
			}
		})
	}
	t.Run("a name that is taken", func(t *testing.T) {
		b := newBench(t)
		if err := b.pull("web"); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Containers.Create(t.Context(), b.a, container.CreateRequest{Name: "blog-web-1", Image: "web"}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.tryUp(blog(), UpOptions{}); !errdefs.IsConflict(err) || !strings.Contains(err.Error(), "blog-web-1") {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("a project without a name", func(t *testing.T) {
		b := newBench(t)
		if err := b.Up(t.Context(), b.a, "---", blog(), UpOptions{}, func(Message) {}); !errdefs.IsInvalidArgument(err) {
			t.Errorf("error is %v", err)
		}
	})
}

// A service that fails stops those that need it, and what was made stays for the next up.
func TestUpGoesOnWhereItFailed(t *testing.T) {
	b := newBench(t)
	b.engine.FailOnce("StartContainer", errors.New("no memory"))
	lines, err := b.tryUp(blog(), UpOptions{})
	if err == nil || !strings.Contains(err.Error(), "no memory") || len(lines) != 2 {
		t.Errorf("error is %v, after %q", err, lines)
	}
	if _, ok := b.Store.View(b.a).ContainerByName("blog-web-1"); ok {
		t.Error("web was made")
	}
	db := b.container("blog-db-1")
	b.up(blog(), UpOptions{})
	b.want("db", b.container("blog-db-1").ID, db.ID)
}

func TestUpOfOneBringsWhatItNeeds(t *testing.T) {
	b := newBench(t)
	spec := blog()
	spec.Services["other"] = store.ProjectService{Image: "web"}
	b.wantLines("what is told", b.up(spec, UpOptions{Services: []string{"web"}}),
		"Project [blog]: Starting project ", "[0/3] [db]: Starting ", "[1/3] [db]: Started ", "[1/3] [web]: Starting ", "[2/3] [web]: Started ",
		"Project [blog]: Project started ")
}

func TestProjectsAreBounded(t *testing.T) {
	b := newBench(t)
	large := with("web", func(s *store.ProjectService) { s.Environment = []string{"A=" + strings.Repeat("x", maxSpec)} })
	if _, err := b.tryUp(large, UpOptions{}); !errdefs.IsInvalidArgument(err) {
		t.Errorf("a large one: %v", err)
	}
	err := b.Store.Update(t.Context(), b.a, func(tx *store.Tx) error {
		for i := range maxProjects {
			if err := tx.PutProject(store.Project{Name: fmt.Sprint("p", i)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if lines, err := b.tryUp(blog(), UpOptions{}); !errdefs.IsResourceExhausted(err) || len(lines) > 0 {
		t.Errorf("one too many: %v", err)
	}
	if err := b.Up(t.Context(), b.a, "p1", blog(), UpOptions{}, func(Message) {}); err != nil {
		t.Errorf("one that is there: %v", err)
	}
}

// Commands of one project come one after the other, also when the client of the first is gone.
func TestOneCommandAtATime(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	begun := make(chan struct{})
	b.engine.On("CreateContainer", func(context.Context, fake.Call) error {
		select {
		case <-begun:
		default:
			close(begun)
		}
		<-release
		return nil
	})
	first := make(chan error, 1)
	go func() { first <- b.Up(ctx, b.a, "blog", blog(), UpOptions{}, func(Message) {}) }()
	<-begun
	cancel()
	impatient, end := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer end()
	if err := b.Down(impatient, b.a, "blog", DownOptions{}, func(Message) {}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second command: %v", err)
	}
	if err := b.Remove(t.Context(), b.b, "blog", nil, false, func(Message) {}); err != nil {
		t.Errorf("another account's project of the name: %v", err)
	}
	close(release)
	if err := <-first; err != nil {
		t.Errorf("the first: %v", err)
	}
	b.must(b.Down(t.Context(), b.a, "blog", DownOptions{}, func(Message) {}))
	b.want("turns that are kept", len(b.turns), 0)
}
