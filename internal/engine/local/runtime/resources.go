package runtime

import (
	"os"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/hypercloud/hyper/internal/engine"
)

const cpuPeriod = 100000 // microseconds

// resources are the bounds of a container's control group. No device is allowed but those that runc gives to every container.
func resources(l engine.Limits) *specs.LinuxResources {
	pids := l.Pids
	if pids <= 0 {
		pids = limitProcesses
	}
	out := &specs.LinuxResources{
		Devices: []specs.LinuxDeviceCgroup{{Allow: false, Access: "rwm"}},
		Pids:    &specs.LinuxPids{Limit: &pids},
	}
	if l.CPUs > 0 {
		quota, period := int64(l.CPUs)*cpuPeriod, uint64(cpuPeriod)
		out.CPU = &specs.LinuxCPU{Quota: &quota, Period: &period}
	}
	if l.Memory > 0 {
		out.Memory = &specs.LinuxMemory{Limit: &l.Memory}
		if swapBounded() {
			out.Memory.Swap = &l.Memory // together with memory: no swap on top
		}
	}
	return out
}

// swapBounded reports whether the kernel can bound swap. On cgroup v1 that is an option of the kernel; on v2 runc copes
// with its absence.
func swapBounded() bool {
	if unified() {
		return true
	}
	_, err := os.Stat(v1Root + "/memory/memory.memsw.limit_in_bytes")
	return err == nil
}

// oomScore is the adjustment of a process's OOM score. Like limits, it cannot be set below hyperd's own without
// CAP_SYS_RESOURCE.
func oomScore(want int) *int {
	if want < 0 && !mayRaise() {
		want = 0
	}
	return &want
}
