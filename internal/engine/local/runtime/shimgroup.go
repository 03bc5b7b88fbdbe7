package runtime

import (
	"os"
	"path/filepath"
	"strconv"

	"github.com/hypercloud/hyper/internal/account"
)

// shims is the control group, among those of an account's containers, in which its shims, their runc and what works on its containers' files run: the time that starts and
// execs take is the account's own, and one that asks for many of them takes it from nobody else. No container's id is so short.
const shims = "shims"

// shimGroup makes an account's group for shims, and returns its path as the shim takes it; "" if it cannot be had, since a
// container that is accounted less well is better than none. On cgroup v1 it is one of processors only.
func (r *Runtime) shimGroup(a account.Ref) string {
	path := r.cgroup(a.ID(), shims)
	controller := "cpu"
	if unified() {
		controller = ""
	}
	if err := os.MkdirAll(filepath.Join(v1Root, controller, path), 0o755); err != nil {
		r.Log.Warn("the account's shims are in no control group of their own", "account", a.ID(), "error", err)
		return ""
	}
	return path
}

// charge puts a process that works for an account among its shims. Where it cannot be, it works all the same.
func (r *Runtime) charge(a account.Ref, pid int) {
	path := r.shimGroup(a)
	if path == "" {
		return
	}
	controller := "cpu"
	if unified() {
		controller = ""
	}
	if err := os.WriteFile(filepath.Join(v1Root, controller, path, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644); err != nil {
		r.Log.Warn("a process that works for an account is in no control group of the account's", "account", a.ID(), "error", err)
	}
}
