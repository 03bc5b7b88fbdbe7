package docker

import (
	"context"
	"math"
	"net/http"

	"github.com/moby/moby/api/types/container"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// fromOriginal reports whether a request is the original client's: it signs, and asks for 1.23. Docker's clients of that version do
// not sign, and Hyper's own asks for a later one.
func fromOriginal(ctx context.Context, r *http.Request) bool {
	return rest.Signed(r) && rest.VersionOf(ctx) == rest.OriginalVersion
}

// cpuForOriginal puts a container's share of CPU time where the original's client looks for it: hundredths of a percent of one CPU in
// total_usage, of which it makes no differences (api 6.6). Who does the sum that Docker's clients do gets a number, and not that one.
func cpuForOriginal(out *container.StatsResponse, before, now engine.Stats) {
	share := uint64(0)
	if wall := now.Time.Sub(before.Time); !before.Time.IsZero() && wall > 0 && now.CPUTotal >= before.CPUTotal {
		share = uint64(math.Round(float64(now.CPUTotal-before.CPUTotal) / float64(wall.Nanoseconds()) * 100 * 100))
	}
	out.CPUStats.CPUUsage.TotalUsage = share
	out.CPUStats.CPUUsage.PercpuUsage = make([]uint64, max(now.OnlineCPUs, 1))
	out.CPUStats.CPUUsage.PercpuUsage[0] = share
	out.PreCPUStats.CPUUsage = container.CPUUsage{}
}
