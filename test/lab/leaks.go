package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Inventory counts what a container cloud could leak on the lab's machine.
type Inventory map[string]int

// Inventory takes stock of the machine and of the data directory.
func (l *Lab) Inventory() (Inventory, error) {
	inv := Inventory{}
	links, err := l.lines("ip", "-o", "link")
	if err != nil {
		return nil, err
	}
	inv["host interfaces"] = len(links)
	mounts, err := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", l.holder.Process.Pid))
	if err != nil {
		return nil, err
	}
	for _, m := range strings.Split(string(mounts), "\n") {
		if strings.Contains(m, l.Dir) {
			inv["mounts"]++
		}
	}
	loops, err := l.lines("losetup", "-n", "-l", "-O", "NAME,BACK-FILE")
	if err != nil {
		return nil, err
	}
	for _, d := range loops {
		if strings.Contains(d, l.Dir) {
			inv["loop devices"]++
		}
	}
	procs, err := l.lines("ps", "-eo", "args")
	if err != nil {
		return nil, err
	}
	for _, p := range procs {
		if strings.Contains(p, "containerd-shim") {
			inv["shims"]++
		}
	}
	for _, pattern := range []string{
		"data/containers/*/*", "data/logs/*/*", "run/io/*/*", "run/netns/*", "run/tmp/*",
		"data/volumes/[0-9a-f]*/*.img*", "data/volumes/roots/*/*.img*", "data/volumes/snapshots/*/*", "data/volumes/orphans/*",
		"run/volumes/pool/[0-9a-f]*/*.img*", "run/volumes/pool/roots/*/*.img*", "run/volumes/pool/snapshots/*/*", "run/volumes/pool/orphans/*",
	} {
		// As the lab's processes see it: the pool of volumes is a mount.
		found, _ := filepath.Glob(filepath.Join(fmt.Sprintf("/proc/%d/root", l.holder.Process.Pid), l.Dir, pattern))
		inv[pattern] = len(found)
	}
	routers, _ := filepath.Glob(filepath.Join(fmt.Sprintf("/proc/%d/root", l.holder.Process.Pid), l.Dir, "run/netns/*"))
	for _, r := range routers {
		for what, object := range map[string][]string{"interfaces": {"link"}, "addresses": {"-4", "addr"}, "routes": {"-4", "route"}} {
			here := filepath.Join(l.Dir, "run/netns", filepath.Base(r))
			found, err := l.lines("nsenter", append([]string{"--net=" + here, "ip", "-o"}, object...)...)
			if err != nil {
				return nil, err
			}
			inv["routers' "+what] += len(found)
		}
	}
	sockets, _ := filepath.Glob(fmt.Sprintf("/proc/%d/root/run/hyper-*/s/*", l.holder.Process.Pid))
	near, _ := filepath.Glob(filepath.Join(l.Dir, "run/containerd/s/*"))
	inv["sockets of shims"] = len(sockets) + len(near)
	cgroups, _ := filepath.Glob("/sys/fs/cgroup/memory/hyper-" + l.Instance + "/*/*")
	unified, _ := filepath.Glob("/sys/fs/cgroup/hyper-" + l.Instance + "/*/*")
	inv["cgroups"] = 0
	for _, c := range append(cgroups, unified...) {
		if st, err := os.Stat(c); err == nil && st.IsDir() {
			inv["cgroups"]++
		}
	}
	return inv, nil
}

func (l *Lab) lines(name string, args ...string) ([]string, error) {
	out, err := l.Command(context.Background(), name, args...).Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	text := strings.TrimSpace(string(out))
	if text == "" {
		return nil, nil
	}
	return strings.Split(text, "\n"), nil
}

// Diff says in what other differs from inv, "" if in nothing.
func (inv Inventory) Diff(other Inventory) string {
	var out []string
	for k, n := range other {
		if inv[k] != n {
			out = append(out, fmt.Sprintf("%s: %d before, %d after", k, inv[k], n))
		}
	}
	for k, n := range inv {
		if _, ok := other[k]; !ok && n != 0 {
			out = append(out, fmt.Sprintf("%s: %d before, none after", k, n))
		}
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}
