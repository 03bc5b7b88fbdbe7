package container

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/moby/term"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// execs are the records of execs, by id. They live in memory: an exec does not outlive the daemon's knowledge of it.
type execs struct {
	mu   sync.Mutex
	byID map[string]*execRecord
	turn uint64 // of the last one that was made
}

type execRecord struct {
	Exec
	account account.Ref
	size    int // of its strings
	turn    uint64
}

// What an account's records of execs may take: how many there are, and their bytes. Clients ask for an exec within moments of its end; those that
// do not run are forgotten for new ones, the oldest first.
const (
	maxExecs     = 1024
	maxExecBytes = 4 << 20
)

func (c *ExecConfig) size() int {
	n := len(c.User) + len(c.DetachKeys) + len(c.WorkingDir)
	for _, list := range [][]string{c.Cmd, c.Env} {
		for _, s := range list {
			n += len(s) + 16
		}
	}
	return n
}

func (x *execs) add(r *execRecord) error {
	r.size = r.Config.size()
	x.mu.Lock()
	defer x.mu.Unlock()
	var idle []*execRecord
	n, bytes := 1, r.size
	for _, o := range x.byID {
		if o.account != r.account {
			continue
		}
		n, bytes = n+1, bytes+o.size
		if !o.Running {
			idle = append(idle, o)
		}
	}
	if n > maxExecs || bytes > maxExecBytes {
		slices.SortFunc(idle, func(a, b *execRecord) int { return cmp.Compare(a.turn, b.turn) })
		// Several at a time, so that not each of many looks at all.
		for _, o := range idle {
			if n <= maxExecs*3/4 && bytes <= maxExecBytes*3/4 {
				break
			}
			delete(x.byID, o.ID)
			n, bytes = n-1, bytes-o.size
		}
		if n > maxExecs || bytes > maxExecBytes {
			return oops.Exhausted("your account has %d execs that run, with commands and variables of %d KiB: there can be %d, of %d KiB together", n-1, (bytes-r.size)>>10, maxExecs, maxExecBytes>>10)
		}
	}
	x.turn++
	r.turn = x.turn
	x.byID[r.ID] = r
	return nil
}

func (x *execs) forget(container string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for id, r := range x.byID {
		if r.ContainerID == container {
			delete(x.byID, id)
		}
	}
}

func (x *execs) get(a account.Ref, id string) (*execRecord, error) {
	r := x.byID[id]
	if r == nil || r.account != a {
		return nil, oops.NotFound("No such exec instance: %s", id)
	}
	return r, nil
}

// ExecCreate records a further process that is to run in a running container.
func (s *Service) ExecCreate(_ context.Context, a account.Ref, ref string, cfg ExecConfig) (string, error) {
	c, err := s.Get(a, ref)
	if err != nil {
		return "", err
	}
	if err := open(c); err != nil {
		return "", err
	}
	if len(cfg.Cmd) == 0 {
		return "", oops.Invalid("No exec command specified")
	}
	if cfg.Privileged {
		return "", oops.Forbidden("privileged execs are not offered")
	}
	if _, err := detachKeys(cfg.DetachKeys); err != nil {
		return "", err
	}
	if _, err := mergeEnv(nil, cfg.Env); err != nil {
		return "", err
	}
	if err := execable(c); err != nil {
		return "", err
	}
	r := &execRecord{Exec: Exec{ID: newID(), ContainerID: c.ID, Config: cfg}, account: a}
	if err := s.execs.add(r); err != nil {
		return "", err
	}
	s.publish(a, c, "exec_create: "+cfg.Cmd[0], map[string]string{"execID": r.ID})
	return r.ID, nil
}

func execable(c *Container) error {
	switch c.State.Status {
	case store.StatusRunning:
		return nil
	case store.StatusPaused:
		return oops.Conflict("container %s is paused, unpause the container before exec", c.Name)
	}
	return oops.Conflict("container %s is not running", c.ID)
}

// ExecStart runs what ExecCreate recorded. Attached, it returns when the process has ended.
func (s *Service) ExecStart(ctx context.Context, a account.Ref, execID string, streams engine.Streams, detach bool, size [2]uint16) error {
	s.execs.mu.Lock()
	r, err := s.execs.get(a, execID)
	if err == nil && r.Started {
		err = oops.Conflict("exec %s has already run", execID)
	}
	if err != nil {
		s.execs.mu.Unlock()
		return err
	}
	c, err := s.Get(a, r.ContainerID)
	if err == nil {
		err = execable(c)
	}
	if err != nil {
		s.execs.mu.Unlock()
		return err
	}
	r.Started, r.Running = true, true
	cfg := r.Config
	s.execs.mu.Unlock()

	if size == [2]uint16{} {
		size = cfg.ConsoleSize
	}
	spec := engine.ExecSpec{ID: r.ID, Args: cfg.Cmd, Env: cfg.Env, User: cfg.User, WorkingDir: cfg.WorkingDir, Tty: cfg.Tty, ConsoleSize: size}
	if cfg.Tty && streams.Stdin != nil {
		keys, err := detachKeys(cfg.DetachKeys)
		if err != nil {
			return err
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		streams.Stdin = &escapeReader{r: term.NewEscapeProxy(streams.Stdin, keys), escaped: cancel}
	}
	started := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		runCtx := ctx
		if detach {
			runCtx = s.base
		}
		code, err := s.Engine.Exec(runCtx, a, c.ID, spec, streams, func(pid int) {
			s.execs.mu.Lock()
			r.Pid = pid
			s.execs.mu.Unlock()
			s.publish(a, c, "exec_start: "+cfg.Cmd[0], map[string]string{"execID": r.ID})
			close(started)
		})
		var cmd *engine.CommandError
		s.execs.mu.Lock()
		switch {
		case errors.As(err, &cmd):
			code = cmd.Code
		case err != nil && r.Pid == 0:
			code = 126 // nothing has run: there is no such user, or no such directory
		}
		r.Running, r.ExitCode = false, &code
		s.execs.mu.Unlock()
		done <- err
	}()
	if detach {
		select {
		case <-started:
			return nil
		case err := <-done:
			return err
		}
	}
	return <-done
}

// startPatience is how long a call waits for an exec that was made to begin.
const startPatience = 2 * time.Second

// ExecResize sets the size of an exec's terminal.
func (s *Service) ExecResize(ctx context.Context, a account.Ref, execID string, rows, cols uint16) error {
	x, err := s.ExecInspect(a, execID)
	// A client asks as soon as it hears that the start was accepted, which may be before the exec has begun, and has a terminal.
	for end := time.Now().Add(startPatience); err == nil && (!x.Started || x.Running && x.Pid == 0) && time.Now().Before(end) && ctx.Err() == nil; {
		time.Sleep(5 * time.Millisecond)
		x, err = s.ExecInspect(a, execID)
	}
	if err != nil {
		return err
	}
	if !x.Running {
		return oops.Conflict("exec %s is not running", execID)
	}
	return s.Engine.ExecResize(ctx, a, x.ContainerID, execID, rows, cols)
}

// ExecInspect returns the record of an exec.
func (s *Service) ExecInspect(a account.Ref, execID string) (Exec, error) {
	s.execs.mu.Lock()
	defer s.execs.mu.Unlock()
	r, err := s.execs.get(a, execID)
	if err != nil {
		return Exec{}, err
	}
	return r.Exec, nil
}

// ExecIDs lists the execs that run in a container.
func (s *Service) ExecIDs(a account.Ref, containerID string) []string {
	s.execs.mu.Lock()
	defer s.execs.mu.Unlock()
	var ids []string
	for id, r := range s.execs.byID {
		if r.ContainerID == containerID && r.account == a && r.Running {
			ids = append(ids, id)
		}
	}
	return ids
}
