package container

import (
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// DefaultSize is the size of a container whose request names none.
const DefaultSize = "s4"

// mostProcesses is the limit that a container's processes see, and what the largest size may have (behaviour 2.2).
const mostProcesses = 30604

const mib = 1 << 20

// sizes are those of behaviour 2.1: whole CPUs and binary memory.
var sizes = map[string]engine.Limits{
	"s1": size(1, 64),
	"s2": size(1, 128),
	"s3": size(1, 256),
	"s4": size(1, 512),
	"m1": size(1, 1024),
	"m2": size(2, 2048),
	"m3": size(2, 4096),
	"l1": size(4, 4096),
	"l2": size(4, 8192),
	"l3": size(8, 16384),
}

// size is one with so many CPUs and megabytes. It may have a process for each megabyte, and 256 in any case: many more than that much
// memory is of use to are only a burden on the machine.
func size(cpus, megabytes int) engine.Limits {
	return engine.Limits{CPUs: cpus, Memory: int64(megabytes) * mib, Pids: int64(min(max(megabytes, 256), mostProcesses))}
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
