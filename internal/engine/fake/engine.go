// Package fake is an engine without a machine, for tests of the rules.
//
// It keeps what it is told in memory, holds to the contract of package engine (what is idempotent is, what is
// refused is, no account sees another's), records every call, and fails or waits where a test says so with On. Its
// processes do nothing: they end by a signal, or when a test calls Exit.
package fake

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/boottime"
	"github.com/hypercloud/hyper/internal/engine"
)

var _ engine.Engine = (*Engine)(nil)

// Call is one call that was made of the engine.
type Call struct {
	Method  string // of engine.Engine
	Account account.Ref
	ID      string // of the container, volume or image; the reference of a pull
	Arg     any    // what else says something: a RunSpec, NetworkState, signal, size, ...
}

// Hook runs before a call takes effect, without a lock held. An error fails the call.
type Hook func(ctx context.Context, c Call) error

// Engine is an engine.Engine in memory.
type Engine struct {
	// Now and Boot are what the machine's clock says and the time since its boot: that of the machine which the test runs on, unless the test
	// sets them before it uses the engine. They are called with a lock held.
	Now  func() time.Time
	Boot func() time.Duration

	mu       sync.Mutex
	calls    []Call
	hooks    map[string]Hook
	accounts map[string]*tenant
	registry map[string]remote
	listener *listener
	nextPid  int
	stdout   string // see Says
	stderr   string
	burn     uint64 // nanoseconds of CPU a second; see Burn
	born     time.Time
	facts    engine.Info

	elsewhere map[netip.Addr]string // see Hold
	asked     int

	withoutSCTP atomic.Bool
	ills        map[account.Ref][]engine.Check // see Ail

	file string // see Load
	runs []Run
}

// tenant is what one account has on the machine.
type tenant struct {
	images     map[string]*engine.Image
	containers map[string]*container
	volumes    map[string]*volume
	snapshots  map[string]*volume
	fills      map[string]fill
	network    *engine.NetworkState
}

// New returns an engine of an empty machine.
func New() *Engine {
	return &Engine{
		Now: time.Now, Boot: boottime.Now,
		hooks:    map[string]Hook{},
		accounts: map[string]*tenant{},
		ills:     map[account.Ref][]engine.Check{},
		registry: map[string]remote{},
		nextPid:  1000,
		born:     time.Now(),
		facts: engine.Info{
			KernelVersion: "6.18.0", OperatingSystem: "Fake OS", Architecture: "x86_64", NCPU: 4, MemTotal: 8 << 30,
			CgroupVersion: "2", CgroupDriver: "cgroupfs", StorageDriver: "overlayfs", VolumeBackend: "reflink", RootfsQuota: true,
			Room: engine.Room{Total: 100 << 30, Free: 60 << 30, Promised: 50 << 30, Used: 10 << 30},
		},
	}
}

// On sets the hook of a method; nil takes it away.
func (e *Engine) On(method string, h Hook) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.hooks[method] = h
}

// Fail makes all calls of a method fail from now on; nil ends that.
func (e *Engine) Fail(method string, err error) {
	e.On(method, func(context.Context, Call) error { return err })
}

// FailOnce makes the next call of a method fail.
func (e *Engine) FailOnce(method string, err error) {
	var once sync.Once
	e.On(method, func(context.Context, Call) (failed error) {
		once.Do(func() { failed = err })
		return failed
	})
}

// Calls lists the calls that were made, of these methods or of all, in their order.
func (e *Engine) Calls(methods ...string) []Call {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []Call
	for _, c := range e.calls {
		if len(methods) == 0 || slices.Contains(methods, c.Method) {
			out = append(out, c)
		}
	}
	return out
}

// ForgetCalls empties the record.
func (e *Engine) ForgetCalls() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = nil
}

// enter records a call and runs its hook.
func (e *Engine) enter(ctx context.Context, a account.Ref, method, id string, arg any) error {
	if err := a.Check(); err != nil {
		return err
	}
	c := Call{Method: method, Account: a, ID: id, Arg: arg}
	e.mu.Lock()
	e.calls = append(e.calls, c)
	hook := e.hooks[method]
	e.mu.Unlock()
	if hook != nil {
		if err := hook(ctx, c); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// of is the account's part of the machine. e.mu is held.
func (e *Engine) of(a account.Ref) *tenant {
	t := e.accounts[a.ID()]
	if t == nil {
		t = &tenant{
			images: map[string]*engine.Image{}, containers: map[string]*container{}, volumes: map[string]*volume{}, snapshots: map[string]*volume{}, fills: map[string]fill{},
		}
		e.accounts[a.ID()] = t
	}
	return t
}
