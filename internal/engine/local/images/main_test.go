package images

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/containerd"
)

// daemon is the containerd of all tests here: one runs in a process.
var daemon *containerd.Daemon

func TestMain(m *testing.M) {
	if os.Getenv(lifeDir) != "" {
		os.Exit(life())
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("/var/tmp", "hi-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if daemon, err = containerd.Start(context.Background(), containerd.Config{Root: dir + "/root", State: dir + "/state"}); err != nil {
		panic(err)
	}
	defer daemon.Close()
	return m.Run()
}

var (
	slots    int
	slotLock sync.Mutex
)

// anAccount is one that no other test has.
func anAccount(t *testing.T) account.Ref {
	t.Helper()
	slotLock.Lock()
	defer slotLock.Unlock()
	slots++
	a, err := account.New(fmt.Sprintf("%032x", slots), slots)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func scope(t *testing.T, a account.Ref) context.Context {
	t.Helper()
	return namespaces.WithNamespace(t.Context(), a.ID())
}

// hostile is a registry whose answers a test can bend: before is asked first and says whether it has answered.
type hostile struct {
	*httptest.Server
	mu     sync.Mutex
	before func(w http.ResponseWriter, r *http.Request) bool
	asked  []string
}

func newRegistry(t *testing.T) *hostile {
	t.Helper()
	inner := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))
	h := &hostile{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		before := h.before
		h.asked = append(h.asked, r.Method+" "+r.URL.Path)
		h.mu.Unlock()
		if before == nil || !before(w, r) {
			inner.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hostile) bend(f func(w http.ResponseWriter, r *http.Request) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.before, h.asked = f, nil
}

// count counts the requests since the last bend whose method and path begin and contain this.
func (h *hostile) count(method, part string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, a := range h.asked {
		if strings.HasPrefix(a, method+" ") && strings.Contains(a, part) {
			n++
		}
	}
	return n
}

func (h *hostile) host() string { return strings.TrimPrefix(h.URL, "http://") }

// push makes an image of random layers for this machine and puts it under a repository and tag.
func (h *hostile) push(t *testing.T, ref string, size int64, layers int64) v1.Image {
	t.Helper()
	img, err := random.Image(size, layers)
	if err != nil {
		t.Fatal(err)
	}
	return h.pushImage(t, ref, img)
}

func (h *hostile) pushImage(t *testing.T, ref string, img v1.Image) v1.Image {
	t.Helper()
	cf, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	cf = cf.DeepCopy()
	cf.OS, cf.Architecture = "linux", "amd64"
	if img, err = mutate.ConfigFile(img, cf); err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(h.tag(t, ref), img); err != nil {
		t.Fatal(err)
	}
	return img
}

func (h *hostile) tag(t *testing.T, ref string) name.Reference {
	t.Helper()
	r, err := name.ParseReference(h.host() + "/" + ref)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// store is a Store that has h as a mirror of docker.io, and little patience.
func (h *hostile) store() *Store {
	return New(Config{Client: daemon.Client(), Mirrors: []string{h.URL}, AnswerTimeout: time.Second, IdleTimeout: time.Second})
}

// own is what a user types for an image of the registry itself.
func (h *hostile) own(ref string) engine.PullRequest {
	return engine.PullRequest{Ref: h.host() + "/" + ref}
}

// told collects progress; it would be told of two callers at once by the race detector.
type told struct{ all []engine.PullProgress }

func (p *told) take(x engine.PullProgress) { p.all = append(p.all, x) }

func (p *told) count(st engine.PullStatus) int {
	seen := map[string]bool{}
	for _, x := range p.all {
		if x.Status == st {
			seen[x.Layer] = true
		}
	}
	return len(seen)
}

// left is what an account has in containerd.
type left struct{ images, leases, blobs, snapshots int }

func remains(t *testing.T, a account.Ref) left {
	t.Helper()
	ctx := scope(t, a)
	c := daemon.Client()
	records, err := c.ImageService().List(ctx)
	if err != nil {
		t.Fatal(err)
	}
	held, err := c.LeasesService().List(ctx)
	if err != nil {
		t.Fatal(err)
	}
	out := left{images: len(records), leases: len(held)}
	if err := c.ContentStore().Walk(ctx, countBlobs(&out.blobs)); err != nil {
		t.Fatal(err)
	}
	if err := c.SnapshotService(snapshotter).Walk(ctx, func(context.Context, snapshots.Info) error { out.snapshots++; return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// collect makes containerd collect what nothing needs, now.
func collect(t *testing.T, a account.Ref) {
	t.Helper()
	ctx := scope(t, a)
	lm := daemon.Client().LeasesService()
	l, err := lm.Create(ctx, leases.WithRandomID())
	if err != nil {
		t.Fatal(err)
	}
	if err := lm.Delete(ctx, l, leases.SynchronousDelete); err != nil {
		t.Fatal(err)
	}
}
