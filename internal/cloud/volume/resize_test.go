package volume

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/engine/fake"
)

func TestResize(t *testing.T) {
	b := newBench(t)
	v := b.create("data", nil)
	b.attach(v)
	for _, gb := range []int{30, 30} {
		if err := b.volumes.Resize(t.Context(), b.a, "data", gb); err != nil {
			t.Fatal(err)
		}
	}
	now, err := b.volumes.Find(b.a, "data")
	if err != nil || now.SizeGB != 30 || now.Spec.Resizing != 0 || b.engine.VolumeSize(b.a, v.ID) != 30<<30 {
		t.Errorf("%+v, %v, on the machine %d", now, err, b.engine.VolumeSize(b.a, v.ID))
	}
	for gb, says := range map[int]string{
		20: "has 30 GB and cannot be made smaller", 0: "cannot have 0 GB", 35: "cannot have 35 GB", 60: "from 10 to 50 GB", -10: "cannot have -10 GB", 1e9: "cannot have 1000000000 GB",
	} {
		if err := b.volumes.Resize(t.Context(), b.a, "data", gb); !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), says) {
			t.Errorf("to %d GB: %v", gb, err)
		}
	}
	if err := b.volumes.Resize(t.Context(), b.a, "nothing", 20); !errdefs.IsNotFound(err) {
		t.Errorf("what is not there: %v", err)
	}
	if err := b.volumes.Resize(t.Context(), b.b, "data", 40); !errdefs.IsNotFound(err) {
		t.Errorf("another account's: %v", err)
	}
	b.engine.FailOnce("ResizeVolume", errors.New("not today"))
	if err := b.volumes.Resize(t.Context(), b.a, "data", 40); err == nil {
		t.Error("it went well")
	}
	if now, _ := b.volumes.Find(b.a, "data"); now.SizeGB != 30 || now.Spec.Resizing != 0 {
		t.Errorf("after a failure it is %+v", now)
	}
}

// Of two that resize a volume at once, one is told to wait.
func TestResizeTwiceAtOnce(t *testing.T) {
	b := newBench(t)
	v := b.create("data", nil)
	b.engine.On("ResizeVolume", func(ctx context.Context, _ fake.Call) error {
		if err := b.volumes.Resize(ctx, b.a, "data", 40); !errdefs.IsConflict(err) || !strings.Contains(err.Error(), "is being resized") {
			t.Errorf("meanwhile: %v", err)
		}
		return nil
	})
	if err := b.volumes.Resize(t.Context(), b.a, "data", 30); err != nil {
		t.Fatal(err)
	}
	if now, err := b.volumes.Find(b.a, "data"); err != nil || now.SizeGB != 30 || now.Spec.Resizing != 0 || b.engine.VolumeSize(b.a, v.ID) != 30<<30 {
		t.Errorf("it is %+v, %v", now, err)
	}
}

// What an earlier hyperd did not come to do is done at start.
func TestRecoverResizes(t *testing.T) {
	b := newBench(t)
	row := *b.create("data", nil)
	row.Spec.Resizing = 20
	b.put(row)
	if err := b.volumes.Recover(t.Context(), b.a); err != nil {
		t.Fatal(err)
	}
	if now, err := b.volumes.Find(b.a, "data"); err != nil || now.SizeGB != 20 || now.Spec.Resizing != 0 || b.engine.VolumeSize(b.a, row.ID) != 20<<30 {
		t.Errorf("it is %+v, %v", now, err)
	}
}
