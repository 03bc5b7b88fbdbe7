package build

import (
	"context"
	"path"
	"time"

	"github.com/moby/buildkit/client"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

const (
	// Name is what an account's builder is called, and the volume of its cache.
	Name = "hyper-buildkit"
	// stateDir is where buildkitd keeps its cache.
	stateDir = "/var/lib/buildkit"
	socket   = "/run/buildkit/buildkitd.sock"
	// startTime is how long a builder may take until it answers.
	startTime = time.Minute
)

// command runs buildkitd. Its steps share the builder's network, which is the account's; no step gets more rights than Docker gives
// a container, since no entitlement is granted.
var command = []string{
	path.Join(engine.BuilderDir, "buildkitd"), "--config", "/dev/null", "--root", stateDir, "--addr", "unix://" + socket,
	"--containerd-worker=false", "--oci-worker-net=host", "--oci-worker-snapshotter=overlayfs", "--oci-worker-gc=true",
	"--oci-worker-binary", path.Join(engine.BuilderDir, "runc"),
}

// Builder is an account's builder in use. Release must be called once.
type Builder struct {
	*client.Client
	release func()
}

// Release lets go of the builder.
func (b *Builder) Release() {
	_ = b.Close()
	b.release()
}

// Builder makes sure that the account has a builder that runs, and connects to it.
func (s *Service) Builder(ctx context.Context, a account.Ref) (*Builder, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	if s.Off {
		return nil, oops.NotImplemented("this machine's operator does not offer to build images: build elsewhere, and push to a registry or load")
	}
	if err := quota.Afford(ctx, s.Spending, a); err != nil {
		return nil, err
	}
	return s.builder(ctx, a)
}

func (s *Service) builder(ctx context.Context, a account.Ref) (*Builder, error) {
	leave := s.enter(a)
	id, err := s.ensure(ctx, a)
	if err != nil {
		leave()
		return nil, err
	}
	c, err := client.New(ctx, "", client.WithContextDialer(s.dialer(a, id)))
	if err != nil {
		leave()
		return nil, err
	}
	b := &Builder{c, leave}
	if err := s.answers(ctx, a, id, c); err != nil {
		b.Release()
		return nil, err
	}
	return b, nil
}

// Existing connects to the account's builder if there is one, and starts it if need be. It makes none.
func (s *Service) Existing(ctx context.Context, a account.Ref) (*Builder, bool, error) {
	if _, ok := s.Containers.Builder(a); !ok || s.Off {
		return nil, false, nil
	}
	if err := a.Check(); err != nil {
		return nil, false, err
	}
	b, err := s.builder(ctx, a)
	return b, err == nil, err
}

// enter counts a user of the builder. The returned function counts it off again; some time after the last has left, the builder stops.
func (s *Service) enter(a account.Ref) (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.uses[a]
	if u == nil {
		u = &use{}
		s.uses[a] = u
	}
	u.users++
	if u.stop != nil {
		u.stop.Stop()
		u.stop = nil
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if u.users--; u.users == 0 {
			u.stop = time.AfterFunc(s.Idle, func() { s.rest(a, u) })
		}
	}
}

// rest stops a builder that nobody uses.
func (s *Service) rest(a account.Ref, u *use) {
	s.turns.Lock(a.ID())
	defer func() { _ = s.turns.Unlock(a.ID()) }()
	s.mu.Lock()
	idle := u.users == 0 && s.uses[a] == u
	if idle {
		delete(s.uses, a)
	}
	s.mu.Unlock()
	if c, ok := s.Containers.Builder(a); ok && idle && c.State.Status.Live() {
		if err := s.Containers.Stop(context.Background(), a, c.ID, container.StopOptions{}); err != nil {
			s.Log.Warn("stopping an idle builder", "container", c.ID, "error", err)
		}
	}
}

// Recover sees to it that a builder which ran when hyperd ended stops when nobody uses it.
func (s *Service) Recover(a account.Ref) {
	if c, ok := s.Containers.Builder(a); ok && c.State.Status.Live() {
		s.enter(a)()
	}
}

// ensure makes the account's builder unless it has one of this hyperd's, and starts it unless it runs. It returns its container's id.
func (s *Service) ensure(ctx context.Context, a account.Ref) (string, error) {
	s.turns.Lock(a.ID())
	defer func() { _ = s.turns.Unlock(a.ID()) }()
	c, ok := s.Containers.Builder(a)
	if ok && c.Spec.Labels[versionLabel] != version() { // another hyperd's: the cache in its volume stays
		ctx = quota.Once(ctx)
		if err := quota.Afford(ctx, s.Spending, a); err != nil {
			return "", err // while it is still there
		}
		if _, err := s.Containers.Remove(ctx, a, c.ID, container.RemoveOptions{Force: true}); err != nil {
			return "", err
		}
		ok = false
	}
	if !ok {
		made, err := s.make(ctx, a)
		if err != nil {
			return "", err
		}
		if c, err = s.Containers.Get(a, made); err != nil {
			return "", err
		}
	}
	switch c.State.Status {
	case store.StatusRunning:
		return c.ID, nil
	case store.StatusPaused:
		return "", oops.Conflict("the container %s, which builds images, is paused: unpause it", c.Name)
	}
	return c.ID, s.Containers.Start(ctx, a, c.ID)
}

func (s *Service) make(ctx context.Context, a account.Ref) (string, error) {
	if c, err := s.Containers.Get(a, Name); err == nil {
		return "", oops.Conflict("images are built in a container of the name %s, and you have another of that name (%s): rename it", Name, c.ID[:12])
	}
	img, err := s.base(ctx, a)
	if err != nil {
		return "", err
	}
	failpoint.Hit("build.builder.after-image")
	made, err := s.Containers.Create(ctx, a, container.CreateRequest{
		Name: Name, Image: img, Cmd: command, Builder: true, Init: true, ReadOnly: true,
		Env: []string{"PATH=" + engine.BuilderDir}, Binds: []string{Name + ":" + stateDir},
		Tmpfs:  map[string]string{"/run": "exec", "/tmp": ""}, // runc runs a copy of itself, which it makes there
		Labels: map[string]string{sizeLabel: s.Size, versionLabel: version()},
	})
	if err != nil {
		return "", err
	}
	failpoint.Hit("build.builder.after-create")
	return made.ID, nil
}

// answers waits until buildkitd does.
func (s *Service) answers(ctx context.Context, a account.Ref, id string, c *client.Client) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		_, err := c.Info(ctx)
		if err == nil {
			return nil
		}
		if now, gone := s.Containers.Get(a, id); gone != nil || !now.State.Status.Live() {
			return oops.Unavailable("the container %s, which builds images, has ended: its log tells why", Name)
		}
		select {
		case <-ctx.Done():
			return oops.Unavailable("the container %s, which builds images, does not answer: %v", Name, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Ready makes sure that the account has a builder that answers, as long as an error can still be told.
func (s *Service) Ready(ctx context.Context, a account.Ref) error {
	b, err := s.Builder(ctx, a)
	if err == nil {
		b.Release()
	}
	return err
}
