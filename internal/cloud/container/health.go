package container

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

// Defaults of Docker's HEALTHCHECK.
const (
	healthInterval      = 30 * time.Second
	healthTimeout       = 30 * time.Second
	healthStartInterval = 5 * time.Second
	healthRetries       = 3
	healthOutput        = 4096
	healthKept          = 5
	healthRest          = 100 * time.Millisecond // between two probes, however often they are asked for
)

// healthMonitor probes one running container. It ends with the container's process.
type healthMonitor struct {
	mu     sync.Mutex
	state  Health
	cancel context.CancelFunc
}

func (m *healthMonitor) stop() { m.cancel() }

// startHealth begins to probe c, whose run lock is held.
func (s *Service) startHealth(a account.Ref, c *Container, e *entry) {
	if c.Spec.Healthcheck == nil {
		return
	}
	ctx, cancel := context.WithCancel(s.base)
	m := &healthMonitor{cancel: cancel, state: Health{Status: "starting"}}
	e.health.Store(m)
	go s.probe(ctx, a, c, m)
}

func orElse(d, def time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return def
}

func (s *Service) probe(ctx context.Context, a account.Ref, c *Container, m *healthMonitor) {
	h := c.Spec.Healthcheck
	interval, startInterval := orElse(h.Interval, healthInterval), orElse(h.StartInterval, healthStartInterval)
	begin := time.Now()
	for {
		wait := interval
		starting := h.StartPeriod > 0 && time.Since(begin) < h.StartPeriod
		m.mu.Lock()
		if starting && m.state.Status == "starting" {
			wait = min(startInterval, interval)
		}
		m.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-time.After(max(wait, healthRest)):
		}
		r := s.probeOnce(ctx, a, c, h)
		if ctx.Err() != nil {
			return
		}
		if status := m.record(r, h, time.Since(begin) < h.StartPeriod); status != "" {
			s.publish(a, c, "health_status: "+status, nil)
		}
	}
}

// record takes a result in and returns the new status if it changed.
func (m *healthMonitor) record(r HealthResult, h *engine.Healthcheck, grace bool) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.state.Status
	m.state.Log = append(m.state.Log, r)
	if len(m.state.Log) > healthKept {
		m.state.Log = m.state.Log[len(m.state.Log)-healthKept:]
	}
	retries := h.Retries
	if retries == 0 {
		retries = healthRetries
	}
	switch {
	case r.ExitCode == 0:
		m.state.Status, m.state.FailingStreak = "healthy", 0
	case grace && before == "starting":
	default:
		m.state.FailingStreak++
		if m.state.FailingStreak >= retries {
			m.state.Status = "unhealthy"
		}
	}
	if m.state.Status != before {
		return m.state.Status
	}
	return ""
}

func (s *Service) probeOnce(ctx context.Context, a account.Ref, c *Container, h *engine.Healthcheck) HealthResult {
	args := h.Test[1:]
	if h.Test[0] == "CMD-SHELL" {
		args = append([]string{"/bin/sh", "-c"}, args...)
	}
	timeout := orElse(h.Timeout, healthTimeout)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	out := &bounded{left: healthOutput}
	r := HealthResult{Start: time.Now()}
	code, err := s.Engine.Exec(ctx, a, c.ID, engine.ExecSpec{ID: newID(), Args: args}, engine.Streams{Stdout: out, Stderr: out}, func(int) {})
	r.End, r.ExitCode, r.Output = time.Now(), code, out.String()
	var cmd *engine.CommandError
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		r.ExitCode, r.Output = -1, "Health check exceeded timeout ("+timeout.String()+")"
	case errors.As(err, &cmd):
		r.ExitCode, r.Output = cmd.Code, cmd.Msg
	case err != nil:
		r.ExitCode, r.Output = -1, err.Error()
	}
	return r
}

// Health is the state of a container's health check; nil when it has none or does not run.
func (s *Service) Health(_ account.Ref, containerID string) *Health {
	s.mu.Lock()
	e := s.entries[containerID]
	s.mu.Unlock()
	if e == nil {
		return nil
	}
	m := e.health.Load()
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.state
	h.Log = append([]HealthResult(nil), m.state.Log...)
	return &h
}

// bounded keeps the first bytes that are written to it.
type bounded struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(p), b.left)
	b.buf.Write(p[:n])
	b.left -= n
	return len(p), nil
}

func (b *bounded) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
