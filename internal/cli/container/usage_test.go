package container

import (
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
)

func TestUsage(t *testing.T) {
	read := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	m := container.StatsResponse{
		Read: read, PreRead: read.Add(-time.Second),
		CPUStats:    container.CPUStats{CPUUsage: container.CPUUsage{TotalUsage: 1_004_200_000}},
		PreCPUStats: container.CPUStats{CPUUsage: container.CPUUsage{TotalUsage: 1_000_000_000}},
		MemoryStats: container.MemoryStats{Usage: 71_300_000, Limit: 512 << 20, Stats: map[string]uint64{"inactive_file": 10_000_000}},
		Networks: map[string]container.NetworkStats{
			"eth0": {RxBytes: 1_000_000, TxBytes: 640_000}, "eth1": {RxBytes: 270_000},
		},
		BlkioStats: container.BlkioStats{IoServiceBytesRecursive: []container.BlkioStatEntry{{Op: "Read", Value: 12_400_000}}},
	}
	got := usageOf("shop", m)
	want := usageRow{
		Container: "shop", CPUPerc: "0.42%", MemUsage: "61.3 MB / 536.9 MB", MemPerc: "11.42%", NetIO: "1.27 MB / 640 kB",
		BlockIO: "12.4 MB / 0 B", PIDs: "0",
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestCPUShareOfAllCPUs(t *testing.T) {
	m := container.StatsResponse{
		PreRead:     now,
		CPUStats:    container.CPUStats{CPUUsage: container.CPUUsage{TotalUsage: 300}, SystemUsage: 2000, OnlineCPUs: 4},
		PreCPUStats: container.CPUStats{CPUUsage: container.CPUUsage{TotalUsage: 100}, SystemUsage: 1000},
	}
	if got := cpuShare(m); got != 80 {
		t.Errorf("got %v, want 80", got)
	}
}

func TestCPUShareOfTheFirstMeasurementIsNone(t *testing.T) {
	if got := cpuShare(container.StatsResponse{CPUStats: container.CPUStats{CPUUsage: container.CPUUsage{TotalUsage: 300}}}); got != 0 {
		t.Errorf("got %v", got)
	}
}
