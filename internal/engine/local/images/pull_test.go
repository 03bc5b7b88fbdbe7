package images

import (
	"archive/tar"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/errdefs"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/engine"
)

func countBlobs(n *int) content.WalkFunc {
	return func(content.Info) error { *n++; return nil }
}

func digestOf(t *testing.T, d interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	h, err := d.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h.String()
}

func idOf(t *testing.T, img v1.Image) string {
	t.Helper()
	h, err := img.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	return h.String()
}

func TestPull(t *testing.T) {
	reg := newRegistry(t)
	img := reg.push(t, "library/app:1", 200_000, 3)
	s, a := reg.store(), anAccount(t)
	var p told
	got, err := s.Pull(t.Context(), a, engine.PullRequest{Ref: "docker.io/library/app:1"}, p.take)
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != idOf(t, img) || got.Digest != digestOf(t, img) || len(got.DiffIDs) != 3 || got.Config.Architecture != "amd64" {
		t.Errorf("%+v", got)
	}
	if got.Size < 600_000 || got.Size > 1_200_000 {
		t.Errorf("unpacked size %d", got.Size)
	}
	for _, st := range []engine.PullStatus{engine.PullWaiting, engine.PullDownloading, engine.PullVerifying, engine.PullDownloaded, engine.PullExtracting, engine.PullComplete} {
		if n := p.count(st); n != 3 {
			t.Errorf("%q was told of %d layers", st, n)
		}
	}
	// Nothing of it is collected, and there is no lease any more.
	collect(t, a)
	if r := remains(t, a); r != (left{images: 1, blobs: 5, snapshots: 3}) {
		t.Errorf("%+v", r)
	}
	layers, err := daemon.Client().GetImage(scope(t, a), got.ID)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := layers.IsUnpacked(scope(t, a), snapshotter); !ok || err != nil {
		t.Errorf("unpacked: %v, %v", ok, err)
	}
}

func TestPullAgainFetchesNothing(t *testing.T) {
	reg := newRegistry(t)
	reg.push(t, "library/app:1", 50_000, 2)
	s, a := reg.store(), anAccount(t)
	req := engine.PullRequest{Ref: "docker.io/library/app:1"}
	first, err := s.Pull(t.Context(), a, req, nil)
	if err != nil {
		t.Fatal(err)
	}
	reg.bend(nil)
	var p told
	second, err := s.Pull(t.Context(), a, req, p.take)
	if err != nil {
		t.Fatal(err)
	}
	if first.ID != second.ID || first.Size != second.Size || first.Digest != second.Digest {
		t.Errorf("%+v and %+v", first, second)
	}
	if n := reg.count("GET", "/"); n != 0 {
		t.Errorf("%d things were fetched", n)
	}
	if p.count(engine.PullExists) != 2 || p.count(engine.PullExtracting) != 0 {
		t.Errorf("%v", p.all)
	}
}

func TestPullOfAnIndexPicksThisMachines(t *testing.T) {
	reg := newRegistry(t)
	mine := reg.push(t, "library/one:1", 1000, 1)
	other, err := random.Image(1000, 1)
	if err != nil {
		t.Fatal(err)
	}
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: other, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "s390x"}}},
		mutate.IndexAddendum{Add: mine, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}})
	foreign := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: other, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "s390x"}}})
	for ref, idx := range map[string]v1.ImageIndex{"library/many:1": index, "library/foreign:1": foreign} {
		if err := remote.WriteIndex(reg.tag(t, ref), idx); err != nil {
			t.Fatal(err)
		}
	}
	s, a := reg.store(), anAccount(t)
	got, err := s.Pull(t.Context(), a, engine.PullRequest{Ref: "docker.io/library/many:1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != idOf(t, mine) || got.Digest != digestOf(t, index) {
		t.Errorf("%s, %s", got.ID, got.Digest)
	}
	collect(t, a)
	if r := remains(t, a); r != (left{images: 1, blobs: 4, snapshots: 1}) {
		t.Errorf("%+v", r)
	}
	// The same by its digest.
	again, err := s.Pull(t.Context(), a, engine.PullRequest{Ref: "docker.io/library/many@" + got.Digest}, nil)
	if err != nil || again.ID != got.ID {
		t.Errorf("by digest: %v, %v", again, err)
	}
	_, err = s.Pull(t.Context(), a, engine.PullRequest{Ref: "docker.io/library/foreign:1"}, nil)
	if !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), "linux/s390x") {
		t.Errorf("for another machine: %v", err)
	}
}

// What A has fetched is nothing to B, who knows the digest but has not the bytes.
func TestAccountsFetchForThemselves(t *testing.T) {
	reg := newRegistry(t)
	img := reg.push(t, "team/secret:1", 50_000, 2)
	s, a, b := reg.store(), anAccount(t), anAccount(t)
	if _, err := s.Pull(t.Context(), a, reg.own("team/secret:1"), nil); err != nil {
		t.Fatal(err)
	}
	// The registry still shows B the manifest, and no layer.
	reg.bend(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/blobs/") {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	})
	if _, err := s.Pull(t.Context(), b, reg.own("team/secret@"+digestOf(t, img)), nil); !errdefs.IsUnauthorized(err) {
		t.Errorf("%v", err)
	}
	if r := remains(t, b); r.images != 0 || r.snapshots != 0 {
		t.Errorf("%+v", r)
	}
	reg.bend(nil)
	if _, err := s.Pull(t.Context(), b, reg.own("team/secret:1"), nil); err != nil {
		t.Fatal(err)
	}
	if n := reg.count("GET", "/blobs/"); n != 3 {
		t.Errorf("B fetched %d blobs", n)
	}
	// One account's removal leaves the other's image.
	if err := s.RemoveImage(t.Context(), a, idOf(t, img)); err != nil {
		t.Fatal(err)
	}
	collect(t, a)
	// The lease is that of what B asked for in vain: another reference.
	if r := remains(t, b); r != (left{images: 1, leases: 1, blobs: 4, snapshots: 2}) {
		t.Errorf("%+v", r)
	}
	if r := remains(t, a); r != (left{}) {
		t.Errorf("A has %+v", r)
	}
}

func TestRemoveFreesBytes(t *testing.T) {
	reg := newRegistry(t)
	img := reg.push(t, "library/app:1", 50_000, 2)
	s, a := reg.store(), anAccount(t)
	if err := s.RemoveImage(t.Context(), a, idOf(t, img)); err != nil {
		t.Errorf("removing what is not there: %v", err)
	}
	if err := s.RemoveImage(t.Context(), a, "../x"); !errdefs.IsInvalidArgument(err) {
		t.Errorf("removing no image: %v", err)
	}
	got, err := s.Pull(t.Context(), a, engine.PullRequest{Ref: "docker.io/library/app:1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveImage(t.Context(), a, got.ID); err != nil {
		t.Fatal(err)
	}
	// It goes by itself, soon.
	eventually(t, func() bool { return remains(t, a) == (left{}) })
}

func TestLayersAreUnpacked(t *testing.T) {
	reg := newRegistry(t)
	img := reg.pushImage(t, "library/app:1", layered(t,
		[]entry{{name: "etc/", dir: true}, {name: "etc/a", body: "one"}, {name: "etc/b", body: "two"}},
		[]entry{{name: "etc/.wh.a"}, {name: "etc/c", body: "three", xattr: "trusted.overlay.redirect"}}))
	s, a := reg.store(), anAccount(t)
	got, err := s.Pull(t.Context(), a, engine.PullRequest{Ref: "docker.io/library/app:1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != idOf(t, img) {
		t.Errorf("id %s", got.ID)
	}
	ctx := scope(t, a)
	sn := daemon.Client().SnapshotService(snapshotter)
	mounts, err := sn.View(ctx, "look", chainID(got.Config.RootFS.DiffIDs), snapshots.WithLabels(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer sn.Remove(context.WithoutCancel(ctx), "look")
	if err := mount.WithTempMount(ctx, mounts, func(root string) error {
		if _, err := os.Stat(filepath.Join(root, "etc/a")); !os.IsNotExist(err) {
			t.Errorf("a removed file: %v", err)
		}
		for name, want := range map[string]string{"etc/b": "two", "etc/c": "three"} {
			if raw, err := os.ReadFile(filepath.Join(root, name)); err != nil || string(raw) != want {
				t.Errorf("%s: %q, %v", name, raw, err)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// A pull that finds the machine's disk all but full leaves that to what runs, whether it fetches or unpacks.
func TestPullOntoAFullDisk(t *testing.T) {
	reg := newRegistry(t)
	reg.push(t, "library/app:1", 200_000, 2)
	s, a := reg.store(), anAccount(t)
	s.Dir, s.Headroom = t.TempDir(), 1<<60
	_, err := s.Pull(t.Context(), a, engine.PullRequest{Ref: "docker.io/library/app:1"}, nil)
	if !errdefs.IsResourceExhausted(err) || !strings.Contains(err.Error(), "the machine's disk is full") {
		t.Errorf("fetching: %v", err)
	}
	left := int64(1 << 20)
	r := tar.NewReader(&limited{r: strings.NewReader("x"), left: &left, roomy: s.roomy})
	if _, err = r.Next(); !errdefs.IsResourceExhausted(broken(t.Context(), ocispec.Descriptor{}, err)) {
		t.Errorf("unpacking: %v", err)
	}
}
