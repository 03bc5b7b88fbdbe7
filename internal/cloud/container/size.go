package container

import (
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// DefaultSize is the size of a container whose request names none.
const DefaultSize = "s4"

// pidsLimit bounds the processes of a container of any size (behaviour 2.2).
const pidsLimit = 30604

const mib = 1 << 20

// sizes are those of behaviour 2.1: whole CPUs and binary memory.
var sizes = map[string]engine.Limits{
	"s1": {CPUs: 1, Memory: 64 * mib, Pids: pidsLimit},
	"s2": {CPUs: 1, Memory: 128 * mib, Pids: pidsLimit},
	"s3": {CPUs: 1, Memory: 256 * mib, Pids: pidsLimit},
	"s4": {CPUs: 1, Memory: 512 * mib, Pids: pidsLimit},
	"m1": {CPUs: 1, Memory: 1024 * mib, Pids: pidsLimit},
	"m2": {CPUs: 2, Memory: 2048 * mib, Pids: pidsLimit},
	"m3": {CPUs: 2, Memory: 4096 * mib, Pids: pidsLimit},
	"l1": {CPUs: 4, Memory: 4096 * mib, Pids: pidsLimit},
	"l2": {CPUs: 4, Memory: 8192 * mib, Pids: pidsLimit},
	"l3": {CPUs: 8, Memory: 16384 * mib, Pids: pidsLimit},
}

// SizeOf returns the limits of a size by its name.
func SizeOf(name string) (engine.Limits, bool) {
	l, ok := sizes[name]
	return l, ok
}

// Reserved is the memory, in bytes, and the CPUs of all containers of an account, running or not.
func Reserved(v *store.View) (memory, cpus int64) {
	for _, c := range v.Containers() {
		l := sizes[c.Spec.Size]
		memory += l.Memory
		cpus += int64(l.CPUs)
	}
	return memory, cpus
}

// room says whether the view's account may have one more container, of that size and with so many new volumes. The container that it
// replaces, if there is one, does not count any more.
func room(v *store.View, size string, volumes int, old *Container) error {
	n := v.Counts()
	var less engine.Limits
	if old != nil {
		n.Containers--
		less = sizes[old.Spec.Size]
	}
	if err := quota.Room(v, quota.Containers, int64(n.Containers), 1); err != nil {
		return err
	}
	if err := quota.Room(v, quota.Volumes, int64(n.Volumes), int64(volumes)); err != nil {
		return err
	}
	if v.Quota(quota.Memory) == 0 && v.Quota(quota.CPUs) == 0 {
		return nil
	}
	memory, cpus := Reserved(v)
	more := sizes[size]
	if err := quota.Room(v, quota.Memory, memory-less.Memory, more.Memory); err != nil {
		return err
	}
	return quota.Room(v, quota.CPUs, cpus-int64(less.CPUs), int64(more.CPUs))
}

func checkSize(name string) (string, error) {
	if name == "" {
		return DefaultSize, nil
	}
	if _, ok := sizes[name]; !ok {
		return "", oops.Invalid("size %q does not exist: choose one of s1, s2, s3, s4, m1, m2, m3, l1, l2, l3", name)
	}
	return name, nil
}
