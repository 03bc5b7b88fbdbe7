package image

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/oops"
)

func TestPullTellsWhatDockerTells(t *testing.T) {
	b := newBench(t)
	layer := func(id string, s engine.PullStatus, n ...int64) engine.PullProgress {
		p := engine.PullProgress{Layer: id, Status: s}
		if len(n) == 2 {
			p.Current, p.Total = n[0], n[1]
		}
		return p
	}
	b.engine.Serve("docker.io/library/mysql:latest", mysql,
		engine.PullProgress{},
		layer("aaaaaaaaaaaa", engine.PullWaiting), layer("bbbbbbbbbbbb", engine.PullExists),
		layer("aaaaaaaaaaaa", engine.PullWaiting),
		layer("aaaaaaaaaaaa", engine.PullDownloading, 1, 100), layer("aaaaaaaaaaaa", engine.PullDownloading, 2, 100),
		layer("aaaaaaaaaaaa", engine.PullDownloading, 100, 100), layer("aaaaaaaaaaaa", engine.PullDownloading, 100, 100),
		layer("aaaaaaaaaaaa", engine.PullVerifying, 100, 100), layer("aaaaaaaaaaaa", engine.PullDownloaded),
		layer("aaaaaaaaaaaa", engine.PullExtracting, 100, 100), layer("aaaaaaaaaaaa", engine.PullComplete),
	)
	want := []string{
		"latest: Pulling from library/mysql",
		"aaaaaaaaaaaa: Pulling fs layer",
		"bbbbbbbbbbbb: Already exists",
		"aaaaaaaaaaaa: Downloading 1/100",
		"aaaaaaaaaaaa: Downloading 100/100",
		"aaaaaaaaaaaa: Verifying Checksum",
		"aaaaaaaaaaaa: Download complete",
		"aaaaaaaaaaaa: Extracting 100/100",
		"aaaaaaaaaaaa: Pull complete",
		"Digest: " + mysql.Digest,
		"Status: Downloaded newer image for mysql:latest",
	}
	_, events, cancel := b.events.Subscribe(b.a, time.Time{})
	defer cancel()
	if got := b.pull("mysql"); !slices.Equal(got, want) {
		t.Errorf("first pull tells\n%s", strings.Join(got, "\n"))
	}
	if e := <-events; e.Type != "image" || e.Action != "pull" || e.ID != "mysql:latest" || e.Attributes["name"] != "mysql" {
		t.Errorf("event is %+v", e)
	}
	if got := b.pull("docker.io/library/mysql:latest"); got[len(got)-1] != "Status: Image is up to date for mysql:latest" {
		t.Errorf("second pull tells\n%s", strings.Join(got, "\n"))
	}
}

func TestPullReadsReferences(t *testing.T) {
	for name, tc := range map[string]struct {
		req         PullRequest
		first, last string
	}{
		"a tag apart":       {PullRequest{Ref: "mysql", Tag: "8"}, "8: Pulling from library/mysql", "mysql:8"},
		"a tag that wins":   {PullRequest{Ref: "mysql:5", Tag: "8"}, "8: Pulling from library/mysql", "mysql:8"},
		"a tag inside":      {PullRequest{Ref: "mysql:8"}, "8: Pulling from library/mysql", "mysql:8"},
		"a digest apart":    {PullRequest{Ref: "mysql", Tag: mysql.Digest}, mysql.Digest + ": Pulling from library/mysql", "mysql@" + mysql.Digest},
		"a digest inside":   {PullRequest{Ref: "mysql:8@" + mysql.Digest}, mysql.Digest + ": Pulling from library/mysql", "mysql@" + mysql.Digest},
		"the old host name": {PullRequest{Ref: "index.docker.io/library/mysql"}, "latest: Pulling from library/mysql", "mysql:latest"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			var lines []string
			if err := b.images.Pull(t.Context(), b.a, tc.req, func(m Message) { lines = append(lines, m.line()) }); err != nil {
				t.Fatal(err)
			}
			if lines[0] != tc.first || lines[len(lines)-1] != "Status: Downloaded newer image for "+tc.last {
				t.Errorf("it tells\n%s", strings.Join(lines, "\n"))
			}
			if img, err := b.images.Find(b.a, tc.last); err != nil || img.ID != mysql.ID {
				t.Errorf("Find gives %v", err)
			}
		})
	}
}

func TestPullErrors(t *testing.T) {
	b := newBench(t)
	for name, tc := range map[string]struct {
		req    PullRequest
		engine error
		is     func(error) bool
		says   string
	}{
		"a missing image":       {PullRequest{Ref: "x"}, nil, errdefs.IsNotFound, "Error: image library/x not found"},
		"a missing tag":         {PullRequest{Ref: "mysql", Tag: "99"}, nil, errdefs.IsNotFound, "Error: image library/mysql:99 not found"},
		"a missing repository":  {PullRequest{Ref: "quay.io/a/b"}, nil, errdefs.IsNotFound, "Error: image quay.io/a/b not found"},
		"scratch":               {PullRequest{Ref: "scratch"}, nil, errdefs.IsInvalidArgument, "'scratch' is a reserved name"},
		"no name":               {PullRequest{Ref: " "}, nil, errdefs.IsInvalidArgument, "Invalid empty image name"},
		"a bad name":            {PullRequest{Ref: "UP/..:x"}, nil, errdefs.IsInvalidArgument, "not the name of an image"},
		"a bad tag":             {PullRequest{Ref: "mysql", Tag: "a b"}, nil, errdefs.IsInvalidArgument, "not a tag"},
		"Hub hides the library": {PullRequest{Ref: "x"}, oops.Unauthenticated("unauthorized"), errdefs.IsNotFound, "Error: image library/x not found"},
		"a private image":       {PullRequest{Ref: "me/x"}, oops.Unauthenticated("log in"), errdefs.IsUnauthorized, "log in"},
		"wrong credentials":     {PullRequest{Ref: "x", Username: "u", Password: "p"}, oops.Unauthenticated("log in"), errdefs.IsUnauthorized, "log in"},
		"an unreachable one":    {PullRequest{Ref: "x"}, oops.Unavailable("no route"), errdefs.IsUnavailable, "no route"},
	} {
		t.Run(name, func(t *testing.T) {
			b.engine.Fail("Pull", tc.engine)
			told := 0
			err := b.images.Pull(t.Context(), b.a, tc.req, func(Message) { told++ })
			if !tc.is(err) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error is %v", err)
			}
			if told > 0 {
				t.Errorf("%d lines were told before it", told)
			}
		})
	}
	if b.shown() != "" {
		t.Errorf("images are %s", b.shown())
	}
}

func TestPullPassesCredentialsOn(t *testing.T) {
	b := newBench(t)
	_ = b.images.Pull(t.Context(), b.a, PullRequest{Ref: "mysql", Username: "u", Password: "p", Token: "t"}, func(Message) {})
	want := engine.PullRequest{Ref: "docker.io/library/mysql:latest", Username: "u", Password: "p", Token: "t"}
	if got := b.engine.Calls("Pull")[0].Arg; got != want {
		t.Errorf("the engine got %+v", got)
	}
}

func TestPullMovesATagAndLeavesTheOldImage(t *testing.T) {
	b := newBench(t)
	b.pull("mysql")
	b.engine.Serve("docker.io/library/mysql:latest", newer)
	if got := b.pull("mysql"); got[len(got)-1] != "Status: Downloaded newer image for mysql:latest" {
		t.Errorf("it tells %v", got)
	}
	if got := b.shown(); got != "mysql:latest,mysql@NEWER mysql@MYSQL" {
		t.Errorf("images are %s", got)
	}
	if img, err := b.images.Find(b.a, "mysql@"+mysql.Digest); err != nil || img.ID != mysql.ID {
		t.Errorf("the old one is not found by digest: %v", err)
	}
}

func TestPullKeepsToQuotaAndSize(t *testing.T) {
	t.Run("quota", func(t *testing.T) {
		b := newBench(t)
		b.limit(quota.Images, 1)
		b.pull("mysql")
		err := b.images.Pull(t.Context(), b.a, PullRequest{Ref: "nginx"}, func(Message) {})
		if !errdefs.IsResourceExhausted(err) || !strings.HasPrefix(err.Error(), "Exceeded quota") {
			t.Errorf("error is %v", err)
		}
		b.pull("mysql") // known, and no image more

		b.engine.Serve("docker.io/library/mysql:latest", newer)
		err = b.images.Pull(t.Context(), b.a, PullRequest{Ref: "mysql"}, func(Message) {})
		if !errdefs.IsResourceExhausted(err) || b.shown() != "mysql:latest,mysql@MYSQL" || b.engine.HasImage(b.a, newer.ID) {
			t.Errorf("a newer one: error is %v, images are %s", err, b.shown())
		}
	})
	t.Run("size", func(t *testing.T) {
		b := newBench(t, func(c *Config) { c.MaxSize = 1 << 20 })
		err := b.images.Pull(t.Context(), b.a, PullRequest{Ref: "mysql"}, func(Message) {})
		if !errdefs.IsInvalidArgument(err) || b.engine.HasImage(b.a, mysql.ID) || b.shown() != "" {
			t.Errorf("error is %v, images are %s", err, b.shown())
		}
	})
}

func TestPullsOfOneImageAreJoined(t *testing.T) {
	b := newBench(t)
	begun, gate := make(chan struct{}), make(chan struct{})
	b.engine.On("Pull", func(context.Context, fake.Call) error { close(begun); <-gate; return nil })
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() { left <- b.images.Pull(ctx, b.a, PullRequest{Ref: "mysql"}, func(Message) {}) }()
	<-begun
	named, err := parsePull("mysql", "latest")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	told := make([][]string, 3)
	for i := range told {
		p := b.images.join(b.a, named, PullRequest{Ref: "mysql:latest"}) // what Pull does first, before the gate opens
		wg.Go(func() {
			if err := p.follow(t.Context(), func(m Message) { told[i] = append(told[i], m.line()) }); err != nil {
				t.Error(err)
			}
		})
	}
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who leaves gets %v", err)
	}
	close(gate)
	wg.Wait()
	if n := len(b.engine.Calls("Pull")); n != 1 {
		t.Errorf("the engine pulled %d times", n)
	}
	for _, lines := range told {
		if len(lines) != 3 || lines[0] != "latest: Pulling from library/mysql" {
			t.Errorf("one was told %v", lines)
		}
	}
}

func TestPullGoesOnWithoutItsClient(t *testing.T) {
	b := newBench(t)
	begun, gate := make(chan struct{}), make(chan struct{})
	b.engine.On("Pull", func(context.Context, fake.Call) error { close(begun); <-gate; return nil })
	ctx, leave := context.WithCancel(t.Context())
	go func() { <-begun; leave() }()
	if err := b.images.Pull(ctx, b.a, PullRequest{Ref: "mysql"}, func(Message) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	close(gate)
	b.images.pulling.Wait()
	if b.shown() != "mysql:latest,mysql@MYSQL" {
		t.Errorf("images are %s", b.shown())
	}
}

func TestCloseInterruptsPulls(t *testing.T) {
	b := newBench(t)
	begun := make(chan struct{})
	b.engine.On("Pull", func(ctx context.Context, _ fake.Call) error { close(begun); <-ctx.Done(); return ctx.Err() })
	ended := make(chan error)
	go func() { ended <- b.images.Pull(t.Context(), b.a, PullRequest{Ref: "mysql"}, func(Message) {}) }()
	<-begun
	b.images.Close()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

// An image that is removed while another name of it is being pulled must not end up in the store alone.
func TestPullSurvivesRemovalOfItsImage(t *testing.T) {
	b := newBench(t)
	b.pull("mysql")
	var once sync.Once
	// The engine tells of progress when the image is there; the removal comes right after.
	b.engine.Serve("docker.io/library/mysql:8", mysql, engine.PullProgress{Layer: "aaaaaaaaaaaa", Status: engine.PullExists})
	err := b.images.Pull(t.Context(), b.a, PullRequest{Ref: "mysql:8"}, func(m Message) {
		once.Do(func() {
			if _, err := b.images.Remove(t.Context(), b.a, "mysql:latest", false); err != nil {
				t.Error(err)
			}
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	_, inStore := b.store.View(b.a).Image(mysql.ID)
	if inEngine := b.engine.HasImage(b.a, mysql.ID); !inStore || !inEngine {
		t.Errorf("in the store: %v, in the engine: %v", inStore, inEngine)
	}
}

func TestRecordNoticesARemoval(t *testing.T) {
	b := newBench(t)
	named, _ := parsePull("mysql", "8")
	sh, p := b.images.shelf(b.a), newPull()
	sh.lost[p] = map[string]bool{mysql.ID: true}
	if _, gone, err := b.images.record(t.Context(), b.a, named, &mysql, p); !gone || err != nil {
		t.Errorf("the first time: gone %v, %v", gone, err)
	}
	if fresh, gone, err := b.images.record(t.Context(), b.a, named, &mysql, p); !fresh || gone || err != nil {
		t.Errorf("the second time: fresh %v, gone %v, %v", fresh, gone, err)
	}
}
