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
	"github.com/containerd/typeurl/v2"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

// Stats implements engine.Containers.
func (r *Runtime) Stats(ctx context.Context, a account.Ref, id string) (engine.Stats, error) {
	ctx, p, err := r.running(ctx, a, id)
	if err != nil {
		return engine.Stats{}, err
	}
	m, err := p.task.Metrics(ctx)
	if err != nil {
		return engine.Stats{}, fmt.Errorf("reading the container's use: %w", err)
	}
	v, err := typeurl.UnmarshalAny(m.Data)
	if err != nil {
		return engine.Stats{}, err
	}
	out := engine.Stats{Time: time.Now(), OnlineCPUs: uint32(goruntime.NumCPU()), SystemCPU: systemCPU()}
	switch s := v.(type) {
	case *v1.Metrics:
		fromV1(&out, s)
	case *v2.Metrics:
		fromV2(&out, s)
	default:
		return out, fmt.Errorf("the use of the container is told in an unknown form %T", v)
	}
	if res := p.spec.Linux.Resources; res != nil && res.Memory != nil && res.Memory.Limit != nil {
		out.MemoryLimit = uint64(*res.Memory.Limit)
	}
	return out, nil
}

func fromV1(out *engine.Stats, s *v1.Metrics) {
	out.CPUTotal = s.GetCPU().GetUsage().GetTotal()
	out.CPUUser = s.GetCPU().GetUsage().GetUser()
	out.CPUSystem = s.GetCPU().GetUsage().GetKernel()
	out.Throttled = s.GetCPU().GetThrottling().GetThrottledTime()
	out.ThrottledPeriods = s.GetCPU().GetThrottling().GetThrottledPeriods()
	out.Periods = s.GetCPU().GetThrottling().GetPeriods()
	m := s.GetMemory()
	out.MemoryCache = m.GetTotalInactiveFile()
	out.MemoryUsage = m.GetUsage().GetUsage()
	if out.MemoryCache < out.MemoryUsage {
		out.MemoryUsage -= out.MemoryCache
	}
	out.MemoryLimit = m.GetUsage().GetLimit()
	out.MemoryStats = map[string]uint64{"cache": m.GetCache(), "rss": m.GetRSS(), "inactive_file": m.GetInactiveFile(),
		"active_file": m.GetActiveFile(), "total_inactive_file": m.GetTotalInactiveFile(), "pgfault": m.GetPgFault()}
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
	out.CPUTotal = s.GetCPU().GetUsageUsec() * 1000
	out.CPUUser = s.GetCPU().GetUserUsec() * 1000
	out.CPUSystem = s.GetCPU().GetSystemUsec() * 1000
	out.Throttled = s.GetCPU().GetThrottledUsec() * 1000
	out.ThrottledPeriods = s.GetCPU().GetNrThrottled()
	out.Periods = s.GetCPU().GetNrPeriods()
	m := s.GetMemory()
	out.MemoryCache = m.GetInactiveFile()
	out.MemoryUsage = m.GetUsage()
	if out.MemoryCache < out.MemoryUsage {
		out.MemoryUsage -= out.MemoryCache
	}
	out.MemoryLimit = m.GetUsageLimit()
	out.MemoryStats = map[string]uint64{"anon": m.GetAnon(), "file": m.GetFile(), "inactive_file": m.GetInactiveFile(),
		"active_file": m.GetActiveFile(), "slab": m.GetSlab(), "sock": m.GetSock(), "pgfault": m.GetPgfault()}
	out.Pids, out.PidsLimit = s.GetPids().GetCurrent(), s.GetPids().GetLimit()
	for _, e := range s.GetIo().GetUsage() {
		out.BlockRead += e.GetRbytes()
		out.BlockWrite += e.GetWbytes()
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
