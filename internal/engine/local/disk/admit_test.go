package disk

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/containerd/errdefs"
)

// Volumes are promised no more together than the operator allows, whoever asks at the same time.
func TestOvercommit(t *testing.T) {
	ctx := t.Context()
	d := newDisks(t, place(t))
	total, _, err := space(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	d.overcommit = 3.5 * float64(small) / float64(total)
	var made atomic.Int32
	var kept atomic.Pointer[string]
	var wg sync.WaitGroup
	ids := make([]string, 12)
	for i := range ids {
		ids[i] = strings.Repeat("ab", 31) + string(rune('a'+i/6)) + string(rune('a'+i%6))
		wg.Go(func() {
			err := d.CreateVolume(ctx, ann, ids[i], small)
			if err == nil {
				made.Add(1)
				kept.Store(&ids[i])
			} else if !errdefs.IsResourceExhausted(err) || !strings.Contains(err.Error(), "promised") {
				t.Errorf("error is %v", err)
			}
		})
	}
	wg.Wait()
	if made.Load() != 3 {
		t.Fatalf("%d volumes were made, want 3", made.Load())
	}
	id := *kept.Load()
	if err := d.ResizeVolume(ctx, ann, id, 2*small); !errdefs.IsResourceExhausted(err) {
		t.Errorf("growing: error is %v", err)
	}
	if err := d.SnapshotVolume(ctx, ann, id, one); err != nil {
		t.Fatal(err)
	}
	if err := d.CreateVolumeFrom(ctx, ann, two, one); !errdefs.IsResourceExhausted(err) {
		t.Errorf("of a snapshot: error is %v", err)
	}
	if err := d.RemoveVolume(ctx, ann, id); err != nil {
		t.Fatal(err)
	}
	if err := d.CreateVolumeFrom(ctx, ann, two, one); err != nil {
		t.Errorf("once there is room: %v", err)
	}
	if len(d.begun) != 0 {
		t.Errorf("%v are still being made", d.begun)
	}
}
