package containerd

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sirupsen/logrus"
)

const (
	accountA = "0123456789abcdef0123456789abcdef"
	accountB = "fedcba9876543210fedcba9876543210"
)

// room makes a directory with a short name: sockets are in it.
func room(t *testing.T) Config {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "hc-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return Config{Root: filepath.Join(dir, "root"), State: filepath.Join(dir, "state")}
}

func start(t *testing.T, c Config) *Daemon {
	t.Helper()
	d, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func in(ctx context.Context, account string) context.Context {
	return namespaces.WithNamespace(ctx, account)
}

func TestStartAgain(t *testing.T) {
	c := room(t)
	d := start(t, c)
	ctx := in(t.Context(), accountA)
	if _, err := Start(t.Context(), c); err == nil || !strings.Contains(err.Error(), "in use by another hyperd") {
		t.Errorf("a second one on the same root: %v", err)
	}
	if _, err := d.Client().LeasesService().Create(ctx, leases.WithID("kept")); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = start(t, c)
	defer d.Close()
	list, err := d.Client().LeasesService().List(ctx)
	if err != nil || len(list) != 1 || list[0].ID != "kept" {
		t.Errorf("after a restart: %v, %v", list, err)
	}
}

// A long run directory has its sockets elsewhere, and nothing stays there for good.
func TestLongState(t *testing.T) {
	c := room(t)
	c.State += strings.Repeat("x", 64)
	d := start(t, c)
	dir := socketDir(c.State)
	if !strings.HasPrefix(dir, "/run/hyper-") {
		t.Error(dir)
	}
	if _, err := os.Stat(filepath.Join(dir, "c.sock.ttrpc")); err != nil {
		t.Error(err)
	}
	if err := d.Destroy(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}

func TestSocketsAreForRootAlone(t *testing.T) {
	c := room(t)
	d := start(t, c)
	defer d.Close()
	for _, s := range sockets(c) {
		st, err := os.Stat(s)
		if err != nil {
			t.Error(err)
			continue
		}
		if st.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", s, st.Mode())
		}
	}
	for dir, want := range map[string]os.FileMode{c.Root: 0o700, c.State: 0o711} {
		if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", dir, st.Mode(), err, want)
		}
	}
}

// What one account has fetched is not another's for knowing the digest.
func TestContentIsIsolated(t *testing.T) {
	d := start(t, room(t))
	defer d.Close()
	cs := d.Client().ContentStore()
	blob := []byte("a private layer")
	desc := ocispec.Descriptor{Digest: digest.FromBytes(blob), Size: int64(len(blob))}
	if err := content.WriteBlob(in(t.Context(), accountA), cs, "ref", bytes.NewReader(blob), desc); err != nil {
		t.Fatal(err)
	}
	b := in(t.Context(), accountB)
	if _, err := cs.Info(b, desc.Digest); !errdefs.IsNotFound(err) {
		t.Errorf("info: %v", err)
	}
	if _, err := content.ReadBlob(b, cs, desc); !errdefs.IsNotFound(err) {
		t.Errorf("read: %v", err)
	}
	w, err := cs.Writer(b, content.WithRef("mine"), content.WithDescriptor(desc))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if st, err := w.Status(); err != nil || st.Offset != 0 {
		t.Errorf("a writer of a known digest begins at %d, %v", st.Offset, err)
	}
	if err := w.Commit(b, desc.Size, desc.Digest); err == nil {
		t.Error("committed without having sent anything")
	}
}

// A container's root is a host id of its account's: the snapshotter maps on the mount and copies nothing.
func TestSnapshotsAreIDMapped(t *testing.T) {
	d := start(t, room(t))
	defer d.Close()
	ctx := in(t.Context(), accountA)
	caps, err := d.Client().GetSnapshotterCapabilities(ctx, "overlayfs")
	if err != nil || !slices.Contains(caps, "remap-ids") || !slices.Contains(caps, "only-remap-ids") {
		t.Fatalf("capabilities %v, %v", caps, err)
	}
	sn := d.Client().SnapshotService("overlayfs")
	base, err := sn.Prepare(ctx, "making", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := mount.WithTempMount(ctx, base, func(root string) error {
		return os.WriteFile(filepath.Join(root, "file"), []byte("x"), 0o600)
	}); err != nil {
		t.Fatal(err)
	}
	if err := sn.Commit(ctx, "layer", "making"); err != nil {
		t.Fatal(err)
	}
	ids := "0:1048576:65536"
	mounts, err := sn.Prepare(ctx, "hyper-c", "layer", snapshots.WithLabels(map[string]string{
		snapshots.LabelSnapshotUIDMapping: ids, snapshots.LabelSnapshotGIDMapping: ids,
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := mount.WithTempMount(ctx, mounts, func(root string) error {
		for _, name := range []string{".", "file"} {
			if uid := owner(t, filepath.Join(root, name)); uid != 1048576 {
				t.Errorf("%s is owned by %d", name, uid)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestLogGoesToSlog(t *testing.T) {
	var out bytes.Buffer
	quiet(slog.New(slog.NewTextHandler(&out, nil)))
	defer quiet(nil)
	logrus.WithField("id", "x").Error("bad")
	logrus.Info("chatter")
	logrus.Error("copy shim log")
	if got := out.String(); !strings.Contains(got, "level=WARN msg=bad from=containerd id=x") || strings.Contains(got, "chatter") || strings.Contains(got, "shim") {
		t.Errorf("%q", got)
	}
}

// A process that died between making a snapshot's directory and recording it must not be in the next one's way,
// whether it was the first of all or a later one.
func TestSnapshotAfterOneThatWasNeverRecorded(t *testing.T) {
	c := room(t)
	ctx := in(t.Context(), accountA)
	for _, next := range []string{"1", "2", "3"} {
		d := start(t, c)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		half := filepath.Join(c.Root, "io.containerd.snapshotter.v1.overlayfs", "snapshots", next, "fs")
		if err := os.MkdirAll(half, 0o755); err != nil {
			t.Fatal(err)
		}
		d = start(t, c)
		label := snapshots.WithLabels(map[string]string{"containerd.io/gc.root": "x"})
		if _, err := d.Client().SnapshotService("overlayfs").Prepare(ctx, "number "+next, "", label); err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
