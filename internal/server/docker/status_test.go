package docker

import (
	"testing"
	"time"

	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/store"
)

func TestStatusText(t *testing.T) {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return at.Add(-d) }
	for _, tc := range []struct {
		name   string
		state  cloud.State
		health *cloud.Health
		status string
		text   string
	}{
		{"created", cloud.State{Status: store.StatusCreated}, nil, "created", "Created"},
		{"starting for the first time", cloud.State{Status: store.StatusStarting}, nil, "created", "Created"},
		{"starting again", cloud.State{Status: store.StatusStarting, FinishedAt: ago(time.Minute), ExitCode: 1}, nil, "exited", "Exited (1) About a minute ago"},
		{"running", cloud.State{Status: store.StatusRunning, StartedAt: ago(4 * time.Second)}, nil, "running", "Up 4 seconds"},
		{"running, its clock ahead", cloud.State{Status: store.StatusRunning, StartedAt: ago(-time.Second)}, nil, "running", "Up Less than a second"},
		{"healthy", cloud.State{Status: store.StatusRunning, StartedAt: ago(4 * time.Second)}, &cloud.Health{Status: "healthy"}, "running", "Up 4 seconds (healthy)"},
		{"not known to be healthy", cloud.State{Status: store.StatusRunning, StartedAt: ago(4 * time.Second)}, &cloud.Health{Status: "starting"}, "running", "Up 4 seconds (health: starting)"},
		{"paused", cloud.State{Status: store.StatusPaused, StartedAt: ago(3 * time.Minute)}, &cloud.Health{Status: "healthy"}, "paused", "Up 3 minutes (Paused)"},
		{"restarting", cloud.State{Status: store.StatusRestarting, ExitCode: 1, FinishedAt: ago(2 * time.Second)}, nil, "restarting", "Restarting (1) 2 seconds ago"},
		{"exited", cloud.State{Status: store.StatusExited, FinishedAt: ago(2 * time.Minute)}, nil, "exited", "Exited (0) 2 minutes ago"},
		{"could not be started", cloud.State{Status: store.StatusExited, ExitCode: 127}, nil, "exited", "Created"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &cloud.Container{State: tc.state}
			if got := string(shownStatus(c)); got != tc.status {
				t.Errorf("status %q, want %q", got, tc.status)
			}
			if got := statusText(c, tc.health, at); got != tc.text {
				t.Errorf("text %q, want %q", got, tc.text)
			}
		})
	}
}
