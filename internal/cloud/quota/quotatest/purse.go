// Package quotatest stands in for the budgets of accounts in tests of what asks about them.
package quotatest

import (
	"context"
	"sync"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
)

// Purse is money that all accounts have together. It implements quota.Spending.
type Purse struct {
	mu    sync.Mutex
	left  int
	asked int
}

// Plenty has no end.
const Plenty = -1

// New has enough for so many questions.
func New(left int) *Purse { return &Purse{left: left} }

// Set lets there be enough for so many questions from now on.
func (p *Purse) Set(left int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left, p.asked = left, 0
}

// Asked is how often somebody asked since Set.
func (p *Purse) Asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// Check implements quota.Spending.
func (p *Purse) Check(context.Context, account.Ref) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	if p.left == 0 {
		return oops.Exhausted("Exceeded budget")
	}
	if p.left > 0 {
		p.left--
	}
	return nil
}
