package quota

import (
	"context"
	"sync/atomic"

	"github.com/hypercloud/hyper/internal/account"
)

// Spending says whether an account may begin what costs money (package budget).
type Spending interface {
	// Check refuses when a budget of the account is spent: ErrResourceExhausted.
	Check(ctx context.Context, a account.Ref) error
}

// Afford asks s, which may be nil, before something is begun that costs. It is called before a transaction and not within one, since it may
// read the ledger. What runs is never asked about, nor what goes on by itself, as restarts by a policy do.
func Afford(ctx context.Context, s Spending, a account.Ref) error {
	if s == nil {
		return nil
	}
	g, _ := ctx.Value(grantKey{}).(*grant)
	if g != nil && g.Load() == a {
		return nil
	}
	if err := s.Check(ctx, a); err != nil {
		return err
	}
	if g != nil {
		g.Store(a)
	}
	return nil
}

// Once makes what is done with the context one thing: when the first part of it could be afforded, so can the rest. Without it, a budget that
// is spent in between would leave halves: a container that was stopped to be replaced, or an image that was built and cannot be kept.
func Once(ctx context.Context) context.Context {
	if ctx.Value(grantKey{}) != nil {
		return ctx
	}
	return context.WithValue(ctx, grantKey{}, &grant{})
}

type grantKey struct{}

// grant is the account that could afford it, or the zero Ref.
type grant struct{ atomic.Value }

// Load returns the account.
func (g *grant) Load() account.Ref {
	a, _ := g.Value.Load().(account.Ref)
	return a
}
