package disk

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/engine"
)

// fill writes a file to the new content of a volume, and lets it be whole.
func fill(t *testing.T, d *Disks, id, text string) {
	t.Helper()
	dir, err := d.BeginFill(context.Background(), ann, id, small)
	if err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Fatalf("new content begins with %v, %v", entries, err)
	}
	write(t, filepath.Join(dir, "f"), text)
	if err := d.EndFill(context.Background(), ann, id); err != nil {
		t.Fatal(err)
	}
}

// content is what the file in a volume says.
func content(t *testing.T, d *Disks, id string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(attach(t, d, ann, id), "f"))
	detach(t, d, ann, id)
	if os.IsNotExist(err) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFillTakesThePlaceOfAVolume(t *testing.T) {
	ctx := context.Background()
	d := newDisks(t, place(t))
	create(t, d, ann, one, small)
	fill(t, d, one, "first")
	if got := content(t, d, one); got != "" {
		t.Errorf("the volume holds %q before its word", got)
	}
	dir := attach(t, d, ann, one)
	if err := d.TakeFill(ctx, ann, one); !errdefs.IsFailedPrecondition(err) {
		t.Errorf("filling an attached volume: %v", err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
	detach(t, d, ann, one)
	for range 2 { // the second time there is nothing to be done
		if err := d.TakeFill(ctx, ann, one); err != nil {
			t.Fatal(err)
		}
		if got := content(t, d, one); got != "first" {
			t.Errorf("the volume holds %q", got)
		}
	}
	fill(t, d, one, "second")
	if err := d.DropFill(ctx, ann, one); err != nil {
		t.Fatal(err)
	}
	if err := d.TakeFill(ctx, ann, one); err != nil {
		t.Fatal(err)
	}
	if got := content(t, d, one); got != "first" {
		t.Errorf("after a filling that was given up the volume holds %q", got)
	}
	// A volume need not be there before.
	fill(t, d, two, "third")
	if err := d.TakeFill(ctx, ann, two); err != nil {
		t.Fatal(err)
	}
	if got := content(t, d, two); got != "third" {
		t.Errorf("a volume that was not there holds %q", got)
	}
}

// What a hyperd left that died while it filled goes at the next start, or with the volume; what is whole waits.
func TestFillingThatWasCutOff(t *testing.T) {
	ctx := context.Background()
	d := newDisks(t, place(t))
	create(t, d, ann, one, small)
	create(t, d, ann, two, small)
	fill(t, d, one, "whole")
	if _, err := d.BeginFill(ctx, ann, two, small); err != nil {
		t.Fatal(err)
	}
	if err := d.Reap(ctx, []engine.Keep{{Account: ann, Volumes: []string{one, two}}}); err != nil {
		t.Fatal(err)
	}
	if n := len(loopsIn(t, d.dir)); n != 1 { // the pool's
		t.Errorf("loop devices are left: %v", loopsIn(t, d.dir))
	}
	wantFiles(t, d, one+".img", one+".img.filled", two+".img")
	if _, err := d.BeginFill(ctx, ann, two, small); err != nil {
		t.Fatal(err)
	}
	if err := d.RemoveVolume(ctx, ann, two); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, d, one+".img", one+".img.filled")
	if err := d.Reap(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(d.pool, ann.ID(), "*")); len(left) > 0 {
		t.Errorf("nobody's disks are left: %v", left)
	}
}

// wantFiles wants these files, in their order, and no others to be the account's disks.
func wantFiles(t *testing.T, d *Disks, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(d.pool, ann.ID()))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if len(got) != len(want) {
		t.Fatalf("the account's disks are %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("the account's disks are %v, want %v", got, want)
		}
	}
}
