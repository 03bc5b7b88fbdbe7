package runtime

import (
	"context"
	"fmt"
	"os"
	goruntime "runtime"
	"strconv"
	"strings"
	"time"

	v1 "github.com/containerd/cgroups/v3/cgroup1/stats"
	v2 "github.com/containerd/cgroups/v3/cgroup2/stats"
	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	"github.com/containerd/typeurl/v2"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// Stats implements engine.Containers.
func (r *Runtime) Stats(ctx context.Context, a account.Ref, id string) (engine.Stats, error) {
	ctx, p, err := r.running(ctx, a, id)
	if err != nil {
		return engine.Stats{}, err
	}
	reply, err := r.tasks().Metrics(ctx, &tasksapi.MetricsRequest{Filters: []string{"id==" + id}})
	if err != nil {
		return engine.Stats{}, told(id, "measuring", err)
	}
	if len(reply.GetMetrics()) == 0 {
		return engine.Stats{}, oops.NotFound("container %s is not running", id)
	}
	v, err := typeurl.UnmarshalAny(reply.GetMetrics()[0].GetData())
	if err != nil {
		return engine.Stats{}, fmt.Errorf("reading what container %s uses: %w", id, err)
	}
	out := engine.Stats{Time: time.Now(), OnlineCPUs: uint32(goruntime.NumCPU()), SystemCPU: systemCPU()}
	switch s := v.(type) {
	case *v1.Metrics:
		fromV1(&out, s)
	case *v2.Metrics:
		fromV2(&out, s)
	default:
		return out, fmt.Errorf("what container %s uses is told in an unknown form %T", id, v)
	}
	if m := p.spec.Linux.Resources.Memory; m != nil && m.Limit != nil {
		out.MemoryLimit = uint64(*m.Limit)
	}
	return out, nil
}

func fromV1(out *engine.Stats, s *v1.Metrics) {
	cpu, m := s.GetCPU(), s.GetMemory()
	out.CPUTotal = cpu.GetUsage().GetTotal()
	out.CPUUser = cpu.GetUsage().GetUser()
	out.CPUSystem = cpu.GetUsage().GetKernel()
	out.Throttled = cpu.GetThrottling().GetThrottledTime()
	out.ThrottledPeriods = cpu.GetThrottling().GetThrottledPeriods()
	out.Periods = cpu.GetThrottling().GetPeriods()
	memory(out, m.GetUsage().GetUsage(), m.GetTotalInactiveFile())
	out.MemoryLimit = m.GetUsage().GetLimit()
	out.MemoryStats = map[string]uint64{
		"cache": m.GetCache(), "rss": m.GetRSS(), "mapped_file": m.GetMappedFile(), "dirty": m.GetDirty(), "writeback": m.GetWriteback(),
		"pgfault": m.GetPgFault(), "pgmajfault": m.GetPgMajFault(), "active_anon": m.GetActiveAnon(), "inactive_anon": m.GetInactiveAnon(),
		"active_file": m.GetActiveFile(), "inactive_file": m.GetInactiveFile(), "unevictable": m.GetUnevictable(),
		"total_cache": m.GetTotalCache(), "total_rss": m.GetTotalRSS(), "total_inactive_file": m.GetTotalInactiveFile(), "total_active_file": m.GetTotalActiveFile(),
	}
	out.Pids, out.PidsLimit = s.GetPids().GetCurrent(), s.GetPids().GetLimit()
	for _, e := range s.GetBlkio().GetIoServiceBytesRecursive() {
		switch strings.ToLower(e.GetOp()) {
		case "read":
			out.BlockRead += e.GetValue()
		case "write":
			out.BlockWrite += e.GetValue()
		}
	}
}

func fromV2(out *engine.Stats, s *v2.Metrics) {
	cpu, m := s.GetCPU(), s.GetMemory()
	out.CPUTotal = cpu.GetUsageUsec() * 1000
	out.CPUUser = cpu.GetUserUsec() * 1000
	out.CPUSystem = cpu.GetSystemUsec() * 1000
	out.Throttled = cpu.GetThrottledUsec() * 1000
	out.ThrottledPeriods = cpu.GetNrThrottled()
	out.Periods = cpu.GetNrPeriods()
	memory(out, m.GetUsage(), m.GetInactiveFile())
	out.MemoryLimit = m.GetUsageLimit()
	out.MemoryStats = map[string]uint64{
		"anon": m.GetAnon(), "file": m.GetFile(), "kernel_stack": m.GetKernelStack(), "slab": m.GetSlab(), "sock": m.GetSock(), "shmem": m.GetShmem(),
		"file_mapped": m.GetFileMapped(), "file_dirty": m.GetFileDirty(), "file_writeback": m.GetFileWriteback(),
		"active_anon": m.GetActiveAnon(), "inactive_anon": m.GetInactiveAnon(), "active_file": m.GetActiveFile(), "inactive_file": m.GetInactiveFile(),
		"unevictable": m.GetUnevictable(), "pgfault": m.GetPgfault(), "pgmajfault": m.GetPgmajfault(),
	}
	out.Pids, out.PidsLimit = s.GetPids().GetCurrent(), s.GetPids().GetLimit()
	for _, e := range s.GetIo().GetUsage() {
		out.BlockRead += e.GetRbytes()
		out.BlockWrite += e.GetWbytes()
	}
}

// memory sets what is used less the file cache that the kernel drops first, which is nobody's need.
func memory(out *engine.Stats, usage, inactive uint64) {
	out.MemoryUsage, out.MemoryCache = usage, inactive
	if inactive < usage {
		out.MemoryUsage -= inactive
	}
}

// systemCPU is the time of all CPUs since boot, in ns; /proc/stat counts in hundredths of a second.
func systemCPU() uint64 {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	f := strings.Fields(first)
	var sum uint64
	for i := 1; i < len(f) && i <= 8; i++ {
		n, _ := strconv.ParseUint(f[i], 10, 64)
		sum += n
	}
	return sum * 10_000_000
}
