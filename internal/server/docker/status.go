package docker

import (
	"fmt"
	"time"

	"github.com/docker/go-units"
	"github.com/moby/moby/api/types/container"

	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/store"
)

// now is replaced by tests that show ages.
var now = time.Now

// shownStatus is a container's state in Docker's words. While it starts it is what it was before.
func shownStatus(c *cloud.Container) container.ContainerState {
	if c.State.Status != store.StatusStarting {
		return container.ContainerState(c.State.Status)
	}
	if c.State.FinishedAt.IsZero() {
		return container.StateCreated
	}
	return container.StateExited
}

// statusText is the STATUS column: Up 4 seconds (healthy), Exited (0) 2 minutes ago, Created.
func statusText(c *cloud.Container, health *cloud.Health, at time.Time) string {
	s := c.State
	age := func(t time.Time) string { return units.HumanDuration(max(at.Sub(t), 0)) }
	switch shownStatus(c) {
	case container.StateRunning:
		return "Up " + age(s.StartedAt) + healthText(health)
	case container.StatePaused:
		return "Up " + age(s.StartedAt) + " (Paused)"
	case container.StateRestarting:
		return fmt.Sprintf("Restarting (%d) %s ago", s.ExitCode, age(s.FinishedAt))
	case container.StateCreated:
		return "Created"
	}
	if s.FinishedAt.IsZero() { // it could not be started
		return "Created"
	}
	return fmt.Sprintf("Exited (%d) %s ago", s.ExitCode, age(s.FinishedAt))
}

func healthText(h *cloud.Health) string {
	switch {
	case h == nil || h.Status == "" || h.Status == "none":
		return ""
	case h.Status == "starting":
		return " (health: starting)"
	}
	return " (" + h.Status + ")"
}
