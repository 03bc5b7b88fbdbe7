package container

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/hypercloud/hyper/internal/cli/human"
	"github.com/moby/moby/api/types/container"
	dockerclient "github.com/moby/moby/client"
)

// board is what stats shows: the newest measurement of each container, in the order in which they were added.
type board struct {
	mu    sync.Mutex
	order []string
	shown map[string]usageRow
}

func newBoard() *board { return &board{shown: map[string]usageRow{}} }

func (b *board) add(label string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.order, label) {
		b.order = append(b.order, label)
	}
}

func (b *board) set(label string, r usageRow) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shown[label] = r
}

func (b *board) remove(label string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.order = slices.DeleteFunc(b.order, func(l string) bool { return l == label })
	delete(b.shown, label)
}

// ready says whether there is something to show: every container measured, or none there.
func (b *board) ready() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.shown) == len(b.order)
}

func (b *board) rows() []usageRow {
	b.mu.Lock()
	defer b.mu.Unlock()
	var rows []usageRow
	for _, label := range b.order {
		if r, ok := b.shown[label]; ok {
			rows = append(rows, r)
		}
	}
	return rows
}

type usageRow struct {
	Container, Name, ID, CPUPerc, MemUsage, MemPerc, NetIO, BlockIO, PIDs string
}

// follow puts one container's measurements on the board until they end.
func (w *statsWatch) follow(ctx context.Context, t target, stream bool) error {
	answer, err := w.session.Docker().ContainerStats(ctx, t.name, dockerclient.ContainerStatsOptions{Stream: stream, IncludePreviousSample: !stream})
	if err != nil {
		w.board.remove(t.label)
		return err
	}
	defer answer.Body.Close()
	measurements := json.NewDecoder(answer.Body)
	for {
		var m container.StatsResponse
		err := measurements.Decode(&m)
		if errors.Is(err, io.EOF) || ctx.Err() != nil {
			if stream {
				w.board.remove(t.label)
			}
			return nil
		}
		if err != nil {
			w.board.remove(t.label)
			return fmt.Errorf("%s: read the server's measurements: %w", t.label, err)
		}
		stopped := m.Read.IsZero() || m.MemoryStats.Usage == 0
		if stopped && !w.options.all {
			w.board.remove(t.label)
			return fmt.Errorf("%s: This container is stopped.", t.label)
		}
		w.board.set(t.label, usageOf(t.label, m))
	}
}

func usageOf(label string, m container.StatsResponse) usageRow {
	used, limit := memoryInUse(m.MemoryStats), m.MemoryStats.Limit
	var share float64
	if limit > 0 {
		share = float64(used) / float64(limit) * 100
	}
	var received, sent, read, written float64
	for _, n := range m.Networks {
		received += float64(n.RxBytes)
		sent += float64(n.TxBytes)
	}
	for _, e := range m.BlkioStats.IoServiceBytesRecursive {
		switch strings.ToLower(e.Op) {
		case "read":
			read += float64(e.Value)
		case "write":
			written += float64(e.Value)
		}
	}
	return usageRow{
		Container: label, Name: m.Name, ID: human.ShortID(m.ID),
		CPUPerc:  fmt.Sprintf("%.2f%%", cpuShare(m)),
		MemUsage: human.Size(float64(used)) + " / " + human.Size(float64(limit)),
		MemPerc:  fmt.Sprintf("%.2f%%", share),
		NetIO:    human.Size(received) + " / " + human.Size(sent),
		BlockIO:  human.Size(read) + " / " + human.Size(written),
		PIDs:     fmt.Sprint(m.PidsStats.Current),
	}
}

// cpuShare is how much of one CPU was used since the measurement before, in percent.
func cpuShare(m container.StatsResponse) float64 {
	used := float64(m.CPUStats.CPUUsage.TotalUsage) - float64(m.PreCPUStats.CPUUsage.TotalUsage)
	if used <= 0 || m.PreRead.IsZero() || m.PreCPUStats.CPUUsage.TotalUsage == 0 {
		return 0
	}
	if system := float64(m.CPUStats.SystemUsage) - float64(m.PreCPUStats.SystemUsage); m.PreCPUStats.SystemUsage > 0 && system > 0 {
		cpus := float64(m.CPUStats.OnlineCPUs)
		if cpus == 0 {
			cpus = max(1, float64(len(m.CPUStats.CPUUsage.PercpuUsage)))
		}
		return used / system * cpus * 100
	}
	if passed := float64(m.Read.Sub(m.PreRead)); passed > 0 {
		return used / passed * 100
	}
	return 0
}

// memoryInUse leaves out file pages that the kernel would drop before it refused memory to anyone.
func memoryInUse(m container.MemoryStats) uint64 {
	for _, key := range []string{"total_inactive_file", "inactive_file"} { // cgroup v1, v2
		if cache := m.Stats[key]; cache > 0 && cache < m.Usage {
			return m.Usage - cache
		}
	}
	return m.Usage
}
