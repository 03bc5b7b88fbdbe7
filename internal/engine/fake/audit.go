package fake

import (
	"context"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

// Ail makes audits find something: of the account, or with the zero Ref of the machine. Drift stays until it is mended, everything
// else for ever.
func (e *Engine) Ail(a account.Ref, c engine.Check) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ills[a] = append(e.ills[a], c)
}

func (e *Engine) found(a account.Ref) []engine.Check {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]engine.Check{{Name: "sound"}}, e.ills[a]...)
}

func (e *Engine) mended(a account.Ref) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var left []engine.Check
	for _, c := range e.ills[a] {
		kept := engine.Check{Name: c.Name}
		for _, f := range c.Findings {
			if f.Kind != engine.Drift {
				kept.Findings = append(kept.Findings, f)
			}
		}
		left = append(left, kept)
	}
	e.ills[a] = left
}

// AuditMachine implements engine.Auditor.
func (e *Engine) AuditMachine(ctx context.Context, meant func() []engine.Owner) ([]engine.Check, error) {
	if err := e.system(ctx, "AuditMachine", meant()); err != nil {
		return nil, err
	}
	return e.found(account.Ref{}), nil
}

// MendMachine implements engine.Auditor.
func (e *Engine) MendMachine(ctx context.Context, meant func() []engine.Owner) error {
	if err := e.system(ctx, "MendMachine", meant()); err != nil {
		return err
	}
	e.mended(account.Ref{})
	return nil
}

// AuditNetwork implements engine.Auditor.
func (e *Engine) AuditNetwork(ctx context.Context, a account.Ref, meant func() engine.Routing) ([]engine.Check, error) {
	if err := e.enter(ctx, a, "AuditNetwork", "", meant()); err != nil {
		return nil, err
	}
	return e.found(a), nil
}

// MendNetwork implements engine.Auditor.
func (e *Engine) MendNetwork(ctx context.Context, a account.Ref, meant func() engine.Routing) error {
	if err := e.enter(ctx, a, "MendNetwork", "", meant()); err != nil {
		return err
	}
	e.mended(a)
	return nil
}

// system records a call that is about no account.
func (e *Engine) system(ctx context.Context, method string, arg any) error {
	c := Call{Method: method, Arg: arg}
	e.mu.Lock()
	hook := e.hooks[method]
	e.calls = append(e.calls, c)
	e.mu.Unlock()
	if hook != nil {
		if err := hook(ctx, c); err != nil {
			return err
		}
	}
	return ctx.Err()
}
