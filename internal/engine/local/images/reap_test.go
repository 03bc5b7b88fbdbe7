package images

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/namespaces"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

// alone reaps as if the accounts of this test were the only ones.
func alone(t *testing.T, s *Store, keep ...engine.Keep) {
	t.Helper()
	if err := s.Reap(t.Context(), keep); err != nil {
		t.Fatal(err)
	}
}

func TestReap(t *testing.T) {
	reg := newRegistry(t)
	reg.push(t, "library/kept:1", 1000, 1)
	reg.push(t, "library/gone:1", 1000, 2)
	s, a, stray := reg.store(), anAccount(t), anAccount(t)
	pull := func(a account.Ref, ref string) string {
		img, err := s.Pull(t.Context(), a, engine.PullRequest{Ref: "docker.io/library/" + ref}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"in", "out"} {
			if _, err := daemon.Client().SnapshotService(snapshotter).Prepare(scope(t, a), ContainerSnapshot+id+ref[:4], chainID(img.Config.RootFS.DiffIDs),
				snapshots.WithLabels(map[string]string{"containerd.io/gc.root": "x"})); err != nil {
				t.Fatal(err)
			}
		}
		return img.ID
	}
	kept := pull(a, "kept:1")
	pull(a, "gone:1")
	pull(stray, "kept:1")
	alone(t, s, engine.Keep{Account: a, Images: []string{kept}, Containers: []string{"inkept"}})
	collect(t, a)
	if r := remains(t, a); r != (left{images: 1, blobs: 3, snapshots: 2}) {
		t.Errorf("%+v", r)
	}
	all, err := daemon.Client().NamespaceService().List(t.Context())
	if err != nil || slices.Contains(all, stray.ID()) || !slices.Contains(all, a.ID()) {
		t.Errorf("%v, %v", all, err)
	}
	alone(t, s) // again, and for nobody
	if all, err := daemon.Client().NamespaceService().List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
}

// What an operator made in a namespace of another name than an account's is not Hyper's to remove.
func TestReapLeavesForeignNamespacesAlone(t *testing.T) {
	s := newRegistry(t).store()
	const foreign = "operators"
	ctx := namespaces.WithNamespace(t.Context(), foreign)
	sn, lm := daemon.Client().SnapshotService(snapshotter), daemon.Client().LeasesService()
	if err := daemon.Client().NamespaceService().Create(ctx, foreign, nil); err != nil {
		t.Fatal(err)
	}
	l, err := lm.Create(ctx, leases.WithID("theirs"))
	if err != nil {
		t.Fatal(err)
	}
	label := snapshots.WithLabels(map[string]string{"containerd.io/gc.root": "x"})
	if _, err := sn.Prepare(ctx, ContainerSnapshot+"theirs", "", label); err != nil {
		t.Fatal(err)
	}
	alone(t, s)
	if held, err := lm.List(ctx); err != nil || len(held) != 1 {
		t.Errorf("leases %v, %v", held, err)
	}
	if _, err := sn.Stat(ctx, ContainerSnapshot+"theirs"); err != nil {
		t.Error(err)
	}
	if err := errors.Join(sn.Remove(ctx, ContainerSnapshot+"theirs"), lm.Delete(ctx, l), daemon.Client().NamespaceService().Delete(ctx, foreign)); err != nil {
		t.Error(err)
	}
}

// What a pull had fetched when hyperd died waits for the next one, for a while.
func TestReapOfADiedPull(t *testing.T) {
	reg := newRegistry(t)
	img := reg.push(t, "team/app:1", 1<<20, 1)
	s, a := reg.store(), anAccount(t)
	ctx := scope(t, a)
	l, leased, err := s.lease(ctx, reg.host()+"/team/app:1")
	if err != nil {
		t.Fatal(err)
	}
	// A life that ends before the record: its labels are set.
	from, err := parse(reg.own("team/app:1").Ref)
	if err != nil {
		t.Fatal(err)
	}
	places, err := s.endpoints(from)
	if err != nil {
		t.Fatal(err)
	}
	p := &pull{work: &work{Store: s, account: a.ID(), lease: l, tell: newReporter(nil)}, from: from}
	if _, err := p.anywhere(leased, places, engine.PullRequest{}); err != nil {
		t.Fatal(err)
	}
	if err := daemon.Client().ImageService().Delete(ctx, idOf(t, img)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Client.LeasesService().Create(ctx, leases.WithID("somebody's")); err != nil {
		t.Fatal(err)
	}
	alone(t, s, engine.Keep{Account: a})
	collect(t, a)
	if r := remains(t, a); r != (left{leases: 1, blobs: 3, snapshots: 1}) {
		t.Errorf("%+v", r)
	}
	alone(t, s, engine.Keep{Account: a}) // another start changes nothing
	if r := remains(t, a); r != (left{leases: 1, blobs: 3, snapshots: 1}) {
		t.Errorf("after another start: %+v", r)
	}
	reg.bend(nil)
	if _, err := s.Pull(t.Context(), a, reg.own("team/app:1"), nil); err != nil {
		t.Fatal(err)
	}
	if n := reg.count(http.MethodGet, "/"); n != 0 {
		t.Errorf("%d things were fetched again: %s", n, strings.Join(reg.asked, ", "))
	}

	// Too long ago.
	s.KeepPartial = time.Nanosecond
	if _, _, err := s.lease(ctx, "other"); err != nil {
		t.Fatal(err)
	}
	alone(t, s, engine.Keep{Account: a, Images: []string{idOf(t, img)}})
	if r := remains(t, a); r.leases != 0 || r.images != 1 {
		t.Errorf("%+v", r)
	}
}
