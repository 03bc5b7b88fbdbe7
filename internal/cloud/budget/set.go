package budget

import (
	"context"
	"math/big"
	"regexp"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/mail"
	"github.com/hypercloud/hyper/internal/metering"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Request is a budget that is wanted.
type Request struct {
	Amount string
	Mail   string
	Stop   bool
}

// amounts are those of budgets: up to twelve digits, and cents.
var amounts = regexp.MustCompile(`^(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?$`)

func (s *Service) check(by store.BudgetBy, req Request) error {
	r, err := metering.ParseAmount(req.Amount)
	switch {
	case err != nil:
		return err
	case r.Sign() <= 0:
		return oops.Invalid("a budget cannot be %.40s: give an amount above 0, or remove the budget for none", req.Amount)
	case !amounts.MatchString(req.Amount):
		return oops.Invalid("a budget cannot be %.40s: an amount has up to 12 digits before the point and 2 after it", req.Amount)
	case req.Stop && by != store.ByOperator:
		return oops.Forbidden("only the operator can have a budget stop what runs: leave Stop out, and ask the operator if that is what you want")
	case req.Mail == "":
		return nil
	case s.Mail == nil:
		return oops.Invalid("no mail can be sent, since this machine's operator has no mail server for that: leave the address out, and watch for events of the type budget")
	}
	return mail.CheckAddress(req.Mail)
}

// Set gives an account a budget, in the place of an earlier one. What was told of that one is told again when this one is higher. Errors: ErrInvalidArgument,
// ErrPermissionDenied, ErrNotFound.
func (s *Service) Set(ctx context.Context, a account.Ref, by store.BudgetBy, req Request) error {
	if err := s.check(by, req); err != nil {
		return err
	}
	return s.Store.Update(ctx, a, func(tx *store.Tx) error {
		b := store.Budget{Amount: req.Amount, Mail: req.Mail, Stop: req.Stop}
		if old, ok := tx.Budget(by); ok && !higher(b.Amount, old.Amount) {
			b.ToldMonth, b.ToldPercent = old.ToldMonth, old.ToldPercent
		}
		return tx.PutBudget(by, b)
	})
}

// higher compares amounts. One that cannot be read is lower than any.
func higher(amount, than string) bool {
	read := func(text string) *big.Rat {
		r, err := metering.ParseAmount(text)
		if err != nil {
			return new(big.Rat)
		}
		return r
	}
	return read(amount).Cmp(read(than)) > 0
}

// Remove lifts a budget; an account that has none is none the worse. Errors: ErrNotFound for the account.
func (s *Service) Remove(ctx context.Context, a account.Ref, by store.BudgetBy) error {
	return s.Store.Update(ctx, a, func(tx *store.Tx) error { return tx.DeleteBudget(by) })
}
