package fake

import (
	"context"
	"fmt"
	"slices"

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
	e.of(a).network = &state
	return nil
}

// AttachEndpoint implements engine.Networks.
func (e *Engine) AttachEndpoint(ctx context.Context, a account.Ref, containerID string, pid int) error {
	if err := e.enter(ctx, a, "AttachEndpoint", containerID, pid); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	state := e.of(a).network
	if state == nil || !slices.ContainsFunc(state.Endpoints, func(p engine.Endpoint) bool { return p.ContainerID == containerID }) {
		return failedPrecondition("container %s is not in the applied network", containerID)
	}
	return nil
}

// DetachEndpoint implements engine.Networks.
func (e *Engine) DetachEndpoint(ctx context.Context, a account.Ref, containerID string) error {
	return e.enter(ctx, a, "DetachEndpoint", containerID, nil)
}

// EndpointStats implements engine.Networks.
func (e *Engine) EndpointStats(ctx context.Context, a account.Ref, containerID string) (engine.NetStats, error) {
	return engine.NetStats{}, e.enter(ctx, a, "EndpointStats", containerID, nil)
}

// RemoveNetwork implements engine.Networks.
func (e *Engine) RemoveNetwork(ctx context.Context, a account.Ref) error {
	if err := e.enter(ctx, a, "RemoveNetwork", "", nil); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.of(a).network = nil
	return nil
}
