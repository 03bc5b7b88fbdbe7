package docker

import (
	"context"
	"maps"
	"net/http"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// statsEvery is the time between two readings.
const statsEvery = time.Second

// stats tells what a container uses, once or every second until it is removed. One that does not run uses nothing: the
// reading has a name and no numbers.
func (api *API) stats(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	c, err := api.Containers.Get(a, r.PathValue("name"))
	if err != nil {
		return err
	}
	stream := rest.BoolOr(r, "stream", true)
	answer := func(before, s engine.Stats) container.StatsResponse {
		out := statsAnswer(ctx, c, before, s)
		if fromOriginal(ctx, r) && !s.Time.IsZero() {
			cpuForOriginal(&out, before, s)
		}
		return out
	}
	last, err := api.Containers.Stats(ctx, a, c.ID)
	if err != nil {
		return err
	}
	if !stream {
		// The CPU's share is seen between two readings only; who asks for one shot does that sum himself.
		var before engine.Stats
		if !rest.Bool(r, "one-shot") && !last.Time.IsZero() {
			before = last
			if !sleep(ctx, statsEvery) {
				return nil
			}
			if last, err = api.Containers.Stats(ctx, a, c.ID); err != nil {
				return err
			}
		}
		return rest.WriteJSON(w, http.StatusOK, answer(before, last))
	}
	out := rest.NewMessages(w, "application/json", "")
	var before engine.Stats
	for {
		if err := out.Send(answer(before, last)); err != nil {
			return err
		}
		before = last
		if !sleep(ctx, statsEvery) {
			return nil
		}
		last, err = api.Containers.Stats(ctx, a, c.ID)
		switch {
		case err == nil:
		case api.gone(a, c.ID):
			return nil
		case errdefs.IsNotFound(err), errdefs.IsConflict(err), errdefs.IsFailedPrecondition(err):
			last = engine.Stats{} // it ended in between
		default:
			return err
		}
	}
}

func (api *API) gone(a account.Ref, id string) bool {
	_, err := api.Containers.Get(a, id)
	return errdefs.IsNotFound(err)
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func statsAnswer(ctx context.Context, c *cloud.Container, before, s engine.Stats) container.StatsResponse {
	out := container.StatsResponse{ID: c.ID, Name: "/" + c.Name}
	if !rest.Before(ctx, 52) {
		out.OSType = "linux"
	}
	if s.Time.IsZero() {
		out.Read = time.Now().UTC()
		return out
	}
	out.Read, out.PreRead = s.Time.UTC(), before.Time.UTC()
	out.CPUStats, out.PreCPUStats = cpuStats(s), cpuStats(before)
	out.PidsStats = container.PidsStats{Current: s.Pids, Limit: s.PidsLimit}
	out.MemoryStats = memoryStats(ctx, s)
	ops := [2]string{"read", "write"}
	if rest.Before(ctx, 24) {
		ops = [2]string{"Read", "Write"}
	}
	out.BlkioStats = container.BlkioStats{IoServiceBytesRecursive: []container.BlkioStatEntry{
		{Op: ops[0], Value: s.BlockRead}, {Op: ops[1], Value: s.BlockWrite},
	}}
	if len(s.Networks) > 0 {
		out.Networks = map[string]container.NetworkStats{}
	}
	for name, n := range s.Networks {
		out.Networks[name] = container.NetworkStats{
			RxBytes: n.RxBytes, RxPackets: n.RxPackets, RxErrors: n.RxErrors, RxDropped: n.RxDropped,
			TxBytes: n.TxBytes, TxPackets: n.TxPackets, TxErrors: n.TxErrors, TxDropped: n.TxDropped,
		}
	}
	return out
}

func cpuStats(s engine.Stats) container.CPUStats {
	return container.CPUStats{
		CPUUsage:    container.CPUUsage{TotalUsage: s.CPUTotal, UsageInKernelmode: s.CPUSystem, UsageInUsermode: s.CPUUser},
		SystemUsage: s.SystemCPU,
		OnlineCPUs:  s.OnlineCPUs,
		ThrottlingData: container.ThrottlingData{
			Periods: s.Periods, ThrottledPeriods: s.ThrottledPeriods, ThrottledTime: s.Throttled,
		},
	}
}

// memoryStats gives today's clients the usage with the page cache in it, which they take off by the name that it has in
// the machine's version of cgroups; the original's client shows the usage as it comes.
func memoryStats(ctx context.Context, s engine.Stats) container.MemoryStats {
	m := container.MemoryStats{Usage: s.MemoryUsage, Limit: s.MemoryLimit, Stats: s.MemoryStats}
	if rest.Before(ctx, 24) {
		return m
	}
	m.Usage += s.MemoryCache
	m.Stats = maps.Clone(s.MemoryStats)
	if m.Stats == nil {
		m.Stats = map[string]uint64{}
	}
	if _, v1 := m.Stats["total_inactive_file"]; v1 {
		m.Stats["total_inactive_file"] = s.MemoryCache
	} else {
		m.Stats["inactive_file"] = s.MemoryCache
	}
	return m
}
