package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/moby/sys/mountinfo"

	"github.com/hypercloud/hyper/internal/engine"
)

// A disk that is being attached has a device before it has a mount: what is found is believed when it is found each time.
const (
	looks       = 4
	betweenThem = 300 * time.Millisecond
)

// Audit lists mounts and loop devices of this place that nobody has. The first look is at the machine and the second at what is
// meant, since whoever makes a disk wrote it down before. Nothing is mended: what is mounted may be in use.
func (d *Disks) Audit(ctx context.Context, meant func() []engine.Owner) ([]engine.Finding, error) {
	var found []string
	for look := range looks {
		now, err := d.strays(meant)
		if err != nil {
			return nil, err
		}
		if look > 0 {
			now = slices.DeleteFunc(now, func(s string) bool { return !slices.Contains(found, s) })
		}
		if found = now; len(found) == 0 {
			return nil, nil
		}
		if look == looks-1 {
			break
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(betweenThem):
		}
	}
	var out []engine.Finding
	for _, s := range found {
		out = append(out, engine.Finding{Kind: engine.Problem, Text: s})
	}
	return out, nil
}

func (d *Disks) strays(meant func() []engine.Owner) ([]string, error) {
	bound, err := d.boundHere()
	if err != nil {
		return nil, err
	}
	mounts, err := mountinfo.GetMounts(nil)
	if err != nil {
		return nil, fmt.Errorf("read the table of mounts: %w", err)
	}
	known := map[string]bool{}
	for _, o := range meant() {
		for dir, ids := range map[string][]string{mountsDir: o.Volumes, rootsDir: o.Containers} {
			for _, id := range ids {
				known[filepath.Join(d.base, dir, o.Account.ID(), id)] = true
			}
		}
	}
	var out []string
	mounted := map[string]bool{}
	for _, m := range mounts {
		mounted[m.Source] = true
		for _, dir := range []string{mountsDir, rootsDir} {
			if at := strings.TrimSuffix(m.Mountpoint, fillSuffix); strings.HasPrefix(at, filepath.Join(d.base, dir)+"/") && !known[at] {
				out = append(out, fmt.Sprintf("%s is mounted at %s for no volume and no container: 'umount %s' lets go of it", m.Source, m.Mountpoint, m.Mountpoint))
			}
		}
	}
	for device, file := range bound {
		if !mounted[device] {
			out = append(out, fmt.Sprintf("the loop device %s holds the disk %s, which is mounted nowhere: 'losetup -d %s' lets go of it", device, file, device))
		}
	}
	slices.Sort(out)
	return out, nil
}

// boundHere are the loop devices that hold disks of this place, and which.
func (d *Disks) boundHere() (map[string]string, error) {
	attributes, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, a := range attributes {
		raw, err := os.ReadFile(a)
		if err != nil {
			continue // it let go of its file meanwhile
		}
		file := strings.TrimSpace(string(raw))
		if strings.HasPrefix(file, d.pool+"/") || file == filepath.Join(d.dir, poolFile) {
			out["/dev/"+filepath.Base(filepath.Dir(filepath.Dir(a)))] = file
		}
	}
	return out, nil
}

// MissingTools are sentences about programs that disks are made with and that are not installed.
func (d *Disks) MissingTools() (list []string) {
	tools := [][2]string{{"mkfs.ext4", "e2fsprogs"}, {"e2fsck", "e2fsprogs"}, {"resize2fs", "e2fsprogs"}}
	if d.backend == backendPool {
		tools = append(tools, [2]string{"mkfs.xfs", "xfsprogs"})
	}
	for _, t := range tools {
		if _, err := findTool(t[0], t[1]); errors.Is(err, errNoTool) {
			list = append(list, err.Error())
		}
	}
	return list
}
