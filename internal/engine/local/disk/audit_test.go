package disk

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

func TestAuditNamesWhatNobodyHas(t *testing.T) {
	d := newDisks(t, place(t))
	ctx := context.Background()
	create(t, d, ann, one, small)
	create(t, d, bob, two, small)
	attach(t, d, ann, one)
	attach(t, d, bob, two)
	roots := d.Roots(small)
	if err := roots.Create(ctx, ann, snap); err != nil {
		t.Fatal(err)
	}
	if _, _, err := roots.Attach(ctx, ann, snap, false); err != nil {
		t.Fatal(err)
	}
	all := []engine.Owner{{Account: ann, Volumes: []string{one}, Containers: []string{snap}}, {Account: bob, Volumes: []string{two}}}
	audit := func(want string, owners ...engine.Owner) {
		t.Helper()
		found, err := d.Audit(ctx, func() []engine.Owner { return owners })
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range found {
			if f.Kind != engine.Problem {
				t.Errorf("%s is a %s", f.Text, f.Kind)
			}
			got = append(got, f.Text)
		}
		if s := strings.Join(got, "\n"); s != want {
			t.Errorf("found\n%s\nwant\n%s", s, want)
		}
	}
	device := func(a account.Ref, dir, id string) (name, target string) {
		target = filepath.Join(d.base, dir, a.ID(), id)
		name, _, err := mountedLoop(target)
		if err != nil || name == "" {
			t.Fatalf("%s: %q, %v", target, name, err)
		}
		return "/dev/" + name, target
	}
	audit("", all...)
	dev, target := device(bob, mountsDir, two)
	audit(dev+" is mounted at "+target+" for no volume and no container: 'umount "+target+"' lets go of it", all[0])
	dev, target = device(ann, rootsDir, snap)
	audit(dev+" is mounted at "+target+" for no volume and no container: 'umount "+target+"' lets go of it", engine.Owner{Account: ann, Volumes: []string{one}}, all[1])

	dev, target = device(ann, mountsDir, one)
	held, err := os.Open(dev) // somebody has the device, and nobody the mount
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if err := unix.Unmount(target, 0); err != nil {
		t.Fatal(err)
	}
	audit("the loop device "+dev+" holds the disk "+filepath.Join(d.pool, ann.ID(), one+imageSuffix)+", which is mounted nowhere: 'losetup -d "+dev+"' lets go of it", all...)
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	audit("", all...)
}
