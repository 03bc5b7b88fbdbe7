package fake

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// failedPrecondition is for what the present state of the machine does not let happen.
func failedPrecondition(format string, args ...any) error {
	return oops.As(errdefs.ErrFailedPrecondition, fmt.Errorf(format, args...))
}

// Network is the state that was applied last, nil when the account has no router.
func (e *Engine) Network(a account.Ref) *engine.NetworkState {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.of(a).network
}

// ApplyNetwork implements engine.Networks.
func (e *Engine) ApplyNetwork(ctx context.Context, a account.Ref, state engine.NetworkState) error {
	if err := e.enter(ctx, a, "ApplyNetwork", "", state); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	e.of(a).network = &state
	return nil
}

// AttachEndpoints implements engine.Networks. A container that is in no network is attached to none.
func (e *Engine) AttachEndpoints(ctx context.Context, a account.Ref, containerID string, pid int) error {
	if err := e.enter(ctx, a, "AttachEndpoints", containerID, pid); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.of(a).network == nil {
		return failedPrecondition("container %s cannot be attached: the account has no router", containerID)
	}
	return nil
}

// DetachEndpoints implements engine.Networks.
func (e *Engine) DetachEndpoints(ctx context.Context, a account.Ref, containerID string) error {
	return e.enter(ctx, a, "DetachEndpoints", containerID, nil)
}

// EndpointStats implements engine.Networks.
func (e *Engine) EndpointStats(ctx context.Context, a account.Ref, containerID string) (map[string]engine.NetStats, error) {
	return map[string]engine.NetStats{"eth0": {}}, e.enter(ctx, a, "EndpointStats", containerID, nil)
}

// Publishes implements engine.Networks.
func (e *Engine) Publishes(proto string) bool {
	return proto == "tcp" || proto == "udp" || proto == "sctp" && !e.withoutSCTP.Load()
}

// WithoutSCTP has the machine's kernel know nothing of SCTP.
func (e *Engine) WithoutSCTP() { e.withoutSCTP.Store(true) }

// Hold has another host, named who, hold an address; "" lets go of it.
func (e *Engine) Hold(addr netip.Addr, who string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.elsewhere == nil {
		e.elsewhere = map[netip.Addr]string{}
	}
	if e.elsewhere[addr] = who; who == "" {
		delete(e.elsewhere, addr)
	}
}

// HeldElsewhere implements engine.Networks.
func (e *Engine) HeldElsewhere(_ context.Context, addrs []netip.Addr) (map[netip.Addr]string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked += len(addrs)
	out := map[netip.Addr]string{}
	for _, addr := range addrs {
		if who, ok := e.elsewhere[addr]; ok {
			out[addr] = who
		}
	}
	return out, nil
}

// Asked is how many addresses HeldElsewhere was asked for.
func (e *Engine) Asked() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.asked
}

// RemoveNetwork implements engine.Networks.
func (e *Engine) RemoveNetwork(ctx context.Context, a account.Ref) error {
	if err := e.enter(ctx, a, "RemoveNetwork", "", nil); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	e.of(a).network = nil
	return nil
}
