package runtime

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

const v1Root = "/sys/fs/cgroup"

// unified reports whether this machine has cgroup v2 only. A hybrid is used as v1.
var unified = sync.OnceValue(func() bool {
	var st unix.Statfs_t
	return unix.Statfs(v1Root, &st) == nil && st.Type == unix.CGROUP2_SUPER_MAGIC
})

// cgroup is the path of a container's control group below the root of each hierarchy.
func (r *Runtime) cgroup(account, id string) string {
	return filepath.Join("/", r.CgroupParent, account, id)
}

// cgroupFile is the host path of a file in a container's control group; controller counts on v1 only.
func (r *Runtime) cgroupFile(k key, controller, name string) string {
	if unified() {
		controller = ""
	}
	return filepath.Join(v1Root, controller, r.cgroup(k.account, k.id), name)
}

// oomKills counts the processes of a container that the kernel killed for want of memory.
func (r *Runtime) oomKills(k key) uint64 {
	name := "memory.events"
	if !unified() {
		name = "memory.oom_control"
	}
	f, err := os.Open(r.cgroupFile(k, "memory", name))
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if v, ok := strings.CutPrefix(s.Text(), "oom_kill "); ok {
			n, _ := strconv.ParseUint(v, 10, 64)
			return n
		}
	}
	return 0
}

// pidsOf lists the processes of a container.
func (r *Runtime) pidsOf(k key) ([]int, error) {
	var out []int
	root := r.cgroupFile(k, "pids", "")
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(filepath.Join(p, "cgroup.procs"))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) {
			return nil // gone meanwhile
		}
		for f := range strings.FieldsSeq(string(raw)) {
			if n, err := strconv.Atoi(f); err == nil && n > 0 {
				out = append(out, n)
			}
		}
		return err
	})
	slices.Sort(out)
	return out, err
}

// removeCgroups removes the control groups below CgroupParent that belong to no container of keep and have no process,
// and those of accounts that are empty then.
func (r *Runtime) removeCgroups(keep func(key) bool) {
	roots := []string{filepath.Join(v1Root, r.CgroupParent)}
	if !unified() {
		roots, _ = filepath.Glob(filepath.Join(v1Root, "*", r.CgroupParent))
	}
	for _, root := range roots {
		for _, account := range subdirs(root) {
			for _, id := range subdirs(filepath.Join(root, account)) {
				if !keep(key{account, id}) {
					removeTree(filepath.Join(root, account, id))
				}
			}
			_ = os.Remove(filepath.Join(root, account)) // a group that is not empty stays
		}
	}
}

// removeTree removes a control group and those below it.
func removeTree(root string) {
	for _, d := range subdirs(root) {
		removeTree(filepath.Join(root, d))
	}
	_ = os.Remove(root)
}

// subdirs lists the names of the directories in dir.
func subdirs(dir string) []string {
	entries, _ := os.ReadDir(dir)
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out
}
