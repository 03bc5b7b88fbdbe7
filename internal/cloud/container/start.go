package container

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Start runs a container's process.
func (s *Service) Start(ctx context.Context, a account.Ref, ref string) error {
	c, e, err := s.lock(a, ref)
	if err != nil {
		return err
	}
	defer e.ops.Unlock()
	switch c.State.Status {
	case store.StatusRunning:
		return oops.NotModified("container %s is running", c.Name)
	case store.StatusPaused:
		return oops.Conflict("cannot start a paused container, try unpause instead")
	}
	if err := quota.Afford(ctx, s.Spending, a); err != nil {
		return err
	}
	e.backoff = 0
	return s.start(context.WithoutCancel(ctx), a, c, e, false)
}

// start runs the process of a container whose operation lock is held.
func (s *Service) start(ctx context.Context, a account.Ref, c *Container, e *entry, again bool) error {
	begin := time.Now()
	defer s.Trace("start", begin)
	if err := checkLinks(s.Store.View(a), c); err != nil {
		return err
	}
	if err := checkMounts(s.Store.View(a), c); err != nil {
		return err
	}
	e.cancelRestart()
	e.mu.Lock()
	defer e.mu.Unlock()
	before := c.State
	c, err := s.intendStart(ctx, a, c.ID, again)
	if err != nil {
		return err
	}
	failpoint.Hit("container.start.after-intent")
	s.Trace("start.intent", begin)
	e.began = s.Store.SinceBoot()
	started, err := s.run(ctx, a, c)
	if err != nil {
		s.startFailed(ctx, a, c, before, err)
		return err
	}
	failpoint.Hit("container.start.after-engine")
	recorded := time.Now()
	if started.Boot == 0 {
		started.Boot = s.Store.SinceBoot()
	}
	c, err = s.change(ctx, a, c.ID, func(tx *store.Tx, c *Container) {
		tx.Began(c.ID, s.Store.AtBoot(started.Boot))
		c.State = State{Status: store.StatusRunning, Pid: started.Pid, StartedAt: time.Now().UTC(), FinishedAt: c.State.FinishedAt, RestartCount: c.State.RestartCount}
	})
	s.Trace("start.record", recorded)
	if err != nil {
		// The process runs and cannot be recorded: it must not run on unknown.
		_ = s.Engine.RemoveContainer(ctx, a, c.ID)
		return err
	}
	e.exited = make(chan struct{})
	s.publishPlaces(a, c, true)
	s.publish(a, c, "start", nil)
	s.startHealth(a, c, e)
	return nil
}

// intendStart writes that the container is to run, and gives it the floating IP that it waits for.
func (s *Service) intendStart(ctx context.Context, a account.Ref, id string, again bool) (*Container, error) {
	var out Container
	var addr netip.Addr
	ctx = context.WithoutCancel(ctx)
	err := s.FIPs.Vetted(ctx, func() error {
		return s.Store.Update(ctx, a, func(tx *store.Tx) error {
			c, ok := tx.Container(id)
			if !ok {
				return notFound(id)
			}
			out = *c
			out.State.Status = store.StatusStarting
			out.State.UserStopped = false
			if !again {
				out.State.RestartCount = 0
			}
			var err error
			if addr, err = s.FIPs.SettleAtStart(tx, &out); err != nil {
				return err
			}
			return tx.PutContainer(out)
		})
	})
	if err != nil {
		return nil, err
	}
	s.FIPs.Attached(a, addr, id)
	return &out, nil
}

// startFailed puts the row back to what it was, with the reason.
func (s *Service) startFailed(ctx context.Context, a account.Ref, c *Container, before State, cause error) {
	s.release(ctx, a, c)
	_, err := s.modify(ctx, a, c.ID, func(c *Container) {
		c.State = before
		if before.Status == store.StatusRestarting || before.Status == store.StatusStarting {
			c.State.Status = store.StatusExited
		}
		c.State.Pid = 0
		c.State.Error = cause.Error()
		c.State.ExitCode = 128
		var cmd *engine.CommandError
		if errors.As(cause, &cmd) {
			c.State.ExitCode = cmd.Code
		}
	})
	if err != nil {
		s.Log.Error("recording a failed start", "container", c.ID, "error", err)
	}
	s.unname(ctx, a, c)
	if c.Spec.AutoRemove {
		go s.autoRemove(a, c.ID) // whoever ran it waits for its removal
	}
}

// run makes everything that the process needs, side by side, and starts it.
func (s *Service) run(ctx context.Context, a account.Ref, c *Container) (started engine.Started, err error) {
	defer s.Trace("start.run", time.Now())
	mounts, err := s.mounts(ctx, a, c)
	if err != nil {
		return started, err
	}
	files, err := s.files(a, c)
	if err != nil {
		return started, err
	}
	limits, _ := SizeOf(c.Spec.Size)
	spec := engine.RunSpec{
		ID: c.ID, Image: c.ImageID, Args: c.Spec.Args, Env: s.env(a, c), WorkingDir: c.Spec.WorkingDir, User: c.Spec.User,
		Hostname: hostname(c), Tty: c.Spec.Tty, ConsoleSize: c.Spec.ConsoleSize, OpenStdin: c.Spec.OpenStdin, Init: c.Spec.Init,
		ReadOnly: c.Spec.ReadOnly, Ephemeral: c.Spec.AutoRemove, Limits: limits, Mounts: append(files, mounts...), Tmpfs: c.Spec.Tmpfs, ShmSize: c.Spec.ShmSize,
		CapAdd: c.Spec.CapAdd, CapDrop: c.Spec.CapDrop, NoNewPrivileges: c.Spec.NoNewPrivileges, GroupAdd: c.Spec.GroupAdd, Sysctls: c.Spec.Sysctls, Log: s.LogConfig,
		Builder: c.Spec.Builder,
	}
	var g errgroup.Group
	applied := make(chan struct{})
	var applyErr error
	g.Go(func() error {
		defer close(applied)
		defer s.Trace("start.network", time.Now())
		applyErr = s.Network.Apply(ctx, a)
		return nil
	})
	defer g.Wait() //nolint:errcheck // its error is taken through applyErr
	return s.Engine.StartContainer(ctx, a, spec, func(ctx context.Context, pid int) error {
		<-applied
		if applyErr != nil {
			return applyErr
		}
		defer s.Trace("start.endpoint", time.Now())
		return s.Engine.AttachEndpoints(ctx, a, c.ID, pid)
	})
}

// mounts attaches the container's volumes.
func (s *Service) mounts(ctx context.Context, a account.Ref, c *Container) ([]engine.Mount, error) {
	defer s.Trace("start.volumes", time.Now())
	out := make([]engine.Mount, len(c.Spec.Mounts))
	var g errgroup.Group
	view := s.Store.View(a)
	for i, m := range c.Spec.Mounts {
		g.Go(func() error {
			dir, err := s.attachVolume(ctx, a, m.VolumeID)
			out[i] = engine.Mount{Source: dir, Destination: m.Destination, ReadOnly: m.ReadOnly, IDMap: true}
			if v, ok := view.Volume(m.VolumeID); ok {
				out[i].File = v.Spec.File
			}
			return err
		})
	}
	return out, g.Wait()
}

// files writes /etc/hosts, /etc/hostname and /etc/resolv.conf. They belong to nobody inside: a tenant who could
// write them would write to the machine's disk without a bound.
func (s *Service) files(a account.Ref, c *Container) ([]engine.Mount, error) {
	dir := s.dir(a, c.ID)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the container's directory: %w", err)
	}
	content := map[string]string{
		"hosts":       hostsFile(s.Store.View(a), c),
		"hostname":    hostname(c) + "\n",
		"resolv.conf": resolvConf(c),
	}
	var out []engine.Mount
	for _, name := range []string{"hosts", "hostname", "resolv.conf"} {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(content[name]), 0o644); err != nil {
			return nil, fmt.Errorf("writing %s: %w", name, err)
		}
		out = append(out, engine.Mount{Source: p, Destination: "/etc/" + name})
	}
	return out, nil
}

func hostname(c *Container) string {
	if c.Spec.Domainname != "" {
		return c.Spec.Hostname + "." + c.Spec.Domainname
	}
	return c.Spec.Hostname
}

// env is the environment of the container's process: the platform's, the links', the image's and the user's.
func (s *Service) env(a account.Ref, c *Container) []string {
	var out []string
	has := func(name string) bool {
		for _, kv := range c.Spec.Env {
			if strings.HasPrefix(kv, name+"=") {
				return true
			}
		}
		return false
	}
	if !has("PATH") {
		out = append(out, defaultPath)
	}
	if !has("HOSTNAME") {
		out = append(out, "HOSTNAME="+hostname(c))
	}
	if c.Spec.Tty && !has("TERM") {
		out = append(out, "TERM=xterm")
	}
	for _, kv := range linkEnv(s.Store.View(a), c) {
		name, _, _ := strings.Cut(kv, "=")
		if !has(name) {
			out = append(out, kv)
		}
	}
	return append(out, c.Spec.Env...)
}

// release lets go of what only a running container needs.
func (s *Service) release(ctx context.Context, a account.Ref, c *Container) {
	if err := s.Engine.DetachEndpoints(ctx, a, c.ID); err != nil {
		s.Log.Error("detaching endpoints", "container", c.ID, "error", err)
	}
	s.detachVolumes(ctx, a, c)
}

func (s *Service) detachVolumes(ctx context.Context, a account.Ref, c *Container) {
	defer s.Trace("exit.volumes", time.Now())
	seen := map[string]bool{}
	for _, m := range c.Spec.Mounts {
		if seen[m.VolumeID] {
			continue
		}
		seen[m.VolumeID] = true
		if err := s.detachVolume(ctx, a, c, m.VolumeID); err != nil {
			s.Log.Error("detaching a volume", "container", c.ID, "volume", m.VolumeID, "error", err)
		}
	}
}
