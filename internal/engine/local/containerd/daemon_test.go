package containerd

import (
	"os"
	"testing"

	"github.com/containerd/containerd/v2/pkg/namespaces"
)

func TestStart(t *testing.T) {
	dir, err := os.MkdirTemp("/var/tmp", "hyper-ctrd-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	d, err := Start(t.Context(), Config{Root: dir + "/root", State: dir + "/state"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ctx := namespaces.WithNamespace(t.Context(), "0123456789abcdef0123456789abcdef")
	if v, err := d.Client().Version(ctx); err != nil {
		t.Errorf("%v %v", v, err)
	}
	if list, err := d.Client().ImageService().List(ctx); err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
	caps, err := d.Client().GetSnapshotterCapabilities(ctx, "overlayfs")
	if err != nil {
		t.Error(err)
	}
	t.Log("overlayfs:", caps)
}
