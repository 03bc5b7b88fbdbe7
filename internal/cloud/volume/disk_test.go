package volume

import (
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/store"
)

func TestMaterialiseAndDiscard(t *testing.T) {
	b := newBench(t)
	one, two := NewRow("one", 10, false, nil), NewRow("", 20, true, nil)
	b.put(one, two)
	if err := b.volumes.Materialise(t.Context(), b.a, []string{one.ID, two.ID}); err != nil {
		t.Fatal(err)
	}
	for _, row := range []store.Volume{one, two} {
		v, ok := b.store.View(b.a).Volume(row.ID)
		if !ok || v.Phase != store.Ready || b.engine.VolumeSize(b.a, row.ID) != int64(row.SizeGB)<<30 {
			t.Errorf("%+v", v)
		}
	}
	if err := b.volumes.Materialise(t.Context(), b.a, []string{one.ID}); err != nil {
		t.Errorf("a second time: %v", err)
	}
	if err := b.volumes.Materialise(t.Context(), b.a, []string{"none"}); !errdefs.IsNotFound(err) {
		t.Errorf("an unknown one: %v", err)
	}
	if err := b.volumes.Discard(t.Context(), b.a, []string{one.ID}); !errdefs.IsConflict(err) || b.engine.VolumeSize(b.a, one.ID) == 0 {
		t.Errorf("a ready volume was discarded: %v", err)
	}
	one.Phase = store.Removing
	b.put(one)
	if err := b.volumes.Discard(t.Context(), b.a, []string{one.ID, "none"}); err != nil {
		t.Errorf("Discard: %v", err)
	}
	if b.engine.VolumeSize(b.a, one.ID) != 0 || len(b.store.View(b.a).Volumes()) != 1 {
		t.Error("not exactly the doomed volume is gone")
	}
}

func TestRecover(t *testing.T) {
	b := newBench(t)
	ready := b.create("ready", nil)
	intended, half, doomed, gone := NewRow("intended", 10, false, nil), NewRow("half", 10, false, nil), NewRow("doomed", 10, false, nil), NewRow("gone", 10, false, nil)
	doomed.Phase, gone.Phase = store.Removing, store.Removing
	b.put(intended, half, doomed, gone)
	for _, id := range []string{half.ID, doomed.ID} {
		if err := b.engine.CreateVolume(t.Context(), b.a, id, 1); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.engine.AttachVolume(t.Context(), b.a, doomed.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.volumes.Recover(t.Context(), b.a); err != nil {
			t.Fatal(err)
		}
		if left := b.store.View(b.a).Volumes(); len(left) != 1 || left[0].ID != ready.ID {
			t.Errorf("rows: %+v", left)
		}
		if left := b.engine.Left(b.a); len(left) != 1 || left[0] != "volume "+ready.ID {
			t.Errorf("disks: %v", left)
		}
	}
}
