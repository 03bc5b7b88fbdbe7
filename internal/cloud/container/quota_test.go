package container

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/quota"
)

func (w *world) limit(t *testing.T, l quota.Limits) {
	t.Helper()
	if err := w.store.Update(t.Context(), w.a, l.Put); err != nil {
		t.Fatal(err)
	}
}

// many creates a hundred containers at once and tells how many there are then.
func (w *world) many(t *testing.T, req CreateRequest) int {
	t.Helper()
	var made atomic.Int32
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			_, err := w.Create(t.Context(), w.a, req)
			if err == nil {
				made.Add(1)
			} else if !errdefs.IsResourceExhausted(err) || !strings.HasPrefix(err.Error(), "Exceeded quota, please either ") {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := w.store.View(w.a).Counts().Containers; n != int(made.Load()) {
		t.Errorf("%d were made, %d are there", made.Load(), n)
	}
	return int(made.Load())
}

func TestQuotasHoldForManyAtOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		limits quota.Limits
		req    CreateRequest
		want   int
	}{
		"containers":         {quota.Limits{quota.Containers: 10}, CreateRequest{Image: "app"}, 10},
		"volumes of images":  {quota.Limits{quota.Volumes: 6}, CreateRequest{Image: "db"}, 6},
		"volumes of -v":      {quota.Limits{quota.Volumes: 6}, CreateRequest{Image: "app", Binds: []string{"/a", "/b"}}, 3},
		"memory":             {quota.Limits{quota.Memory: 2 << 30}, CreateRequest{Image: "app"}, 4},
		"memory of a size":   {quota.Limits{quota.Memory: 200 << 20}, CreateRequest{Image: "app", Labels: map[string]string{labelSize: "s1"}}, 3},
		"CPUs":               {quota.Limits{quota.CPUs: 5}, CreateRequest{Image: "app", Labels: map[string]string{labelSize: "m2"}}, 2},
		"floating IPs":       {quota.Limits{quota.FloatingIPs: 3}, CreateRequest{Image: "app", Labels: asks("auto")}, 3},
		"the least of them":  {quota.Limits{quota.Containers: 9, quota.CPUs: 8, quota.Memory: 1 << 40}, CreateRequest{Image: "app"}, 8},
		"none at all":        {quota.Limits{quota.Containers: quota.None}, CreateRequest{Image: "app"}, 0},
		"none that it needs": {quota.Limits{quota.Volumes: quota.None, quota.Containers: 2}, CreateRequest{Image: "app"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.limit(t, tc.limits)
			if got := w.many(t, tc.req); got != tc.want {
				t.Errorf("%d were made, want %d", got, tc.want)
			}
			if v := w.store.View(w.a); len(v.Volumes()) > 6 {
				t.Errorf("%d volumes are there", len(v.Volumes()))
			}
		})
	}
}

func TestRemovalMakesRoomAtOnce(t *testing.T) {
	w := newWorld(t)
	w.limit(t, quota.Limits{quota.Containers: 1, quota.Volumes: 1, quota.Memory: 512 << 20, quota.CPUs: 1})
	for range 3 {
		c := w.create(t, CreateRequest{Image: "db"})
		if _, err := w.Remove(t.Context(), w.a, c.ID, RemoveOptions{Volumes: true}); err != nil {
			t.Fatal(err)
		}
	}
	// The volume that stays is what there is no room for.
	c := w.create(t, CreateRequest{Image: "db"})
	if _, err := w.Remove(t.Context(), w.a, c.ID, RemoveOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := w.Create(t.Context(), w.a, CreateRequest{Image: "db"})
	if !errdefs.IsResourceExhausted(err) || !strings.HasPrefix(err.Error(), "Exceeded quota, please either delete volumes") {
		t.Errorf("error is %v", err)
	}
	w.create(t, CreateRequest{Image: "app"})
}

// A name that is taken is complained of before a quota is.
func TestNameBeforeQuota(t *testing.T) {
	w := newWorld(t)
	w.limit(t, quota.Limits{quota.Containers: 1})
	w.create(t, CreateRequest{Image: "app", Name: "web"})
	if _, err := w.Create(t.Context(), w.a, CreateRequest{Image: "app", Name: "web"}); !errdefs.IsConflict(err) {
		t.Errorf("error is %v", err)
	}
}

func TestReserved(t *testing.T) {
	w := newWorld(t)
	for _, size := range []string{"s1", "m2", "l3"} {
		w.create(t, CreateRequest{Image: "app", Labels: map[string]string{labelSize: size}})
	}
	if memory, cpus := Reserved(w.store.View(w.a)); memory != (64+2048+16384)<<20 || cpus != 11 {
		t.Errorf("%d bytes and %d CPUs", memory, cpus)
	}
}
