// Package budget holds accounts to what they may spend in a calendar month (UTC).
//
// A budget is set by the account itself, or by the operator for it; an account can have both, and is held to both. When 80 % of one are spent, that is
// told once in the month: by an event, and by mail if there is an address and the operator has a mail server. When all of it is spent, that is told too, and nothing
// is begun any more that costs (quota.Spending): what runs, runs on. Only a budget of the operator's can say that everything is stopped then.
//
// What is spent is the exact total of the bill of the month (package usage), without reading the ledger of the whole month each time: see account.
//
// Budgets are rows of the account in the store, with what was told of last. That is written before anything is told, so that nothing is told twice; a hyperd that
// dies in between has not told it at all.
package budget

import (
	"context"
	"log/slog"
	"math/big"
	"sync"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/metering"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Mail sends what is told.
type Mail interface {
	// Post does not wait.
	Post(to, subject, body string)
}

// Config is what a Service is made of.
type Config struct {
	Store *store.Store
	Book  *metering.Book
	// Events is where accounts hear of their budgets.
	Events *event.Bus
	// Mail is nil where there is no mail server: addresses are refused then.
	Mail Mail
	Log  *slog.Logger
}

// Service carries out the rules of budgets.
type Service struct {
	Config

	mu       sync.Mutex
	accounts map[string]*spending // by id
	posted   map[string]*posted   // by id of the account
	stopping map[string]bool      // ids of containers that are being stopped
}

var _ quota.Spending = (*Service)(nil)

// New returns a Service.
func New(c Config) *Service {
	if c.Book == nil {
		c.Book = metering.Original()
	}
	if c.Events == nil {
		c.Events = event.NewBus()
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Service{Config: c, accounts: map[string]*spending{}, posted: map[string]*posted{}, stopping: map[string]bool{}}
}

// State is where an account is with its budgets.
type State struct {
	Currency string
	Month    time.Time // its first moment
	Spent    *big.Rat
	Own      *store.Budget
	Operator *store.Budget
	// Percent is how much of the lower one is spent, cut to a whole number; nil without a budget.
	Percent *int
}

// State tells where an account is with its budgets. Errors: ErrNotFound.
func (s *Service) State(ctx context.Context, a account.Ref) (State, error) {
	if _, ok := s.Store.AccountOf(a); !ok {
		return State{}, oops.NotFound("No such account: %s", a)
	}
	month, spent, err := s.spent(ctx, a)
	if err != nil {
		return State{}, err
	}
	st := State{Currency: s.Book.Currency(), Month: month, Spent: spent}
	v := s.Store.View(a)
	var lower *big.Rat
	for by, to := range map[store.BudgetBy]**store.Budget{store.ByAccount: &st.Own, store.ByOperator: &st.Operator} {
		b, ok := v.Budget(by)
		if !ok {
			continue
		}
		*to = &b
		amount, err := metering.ParseAmount(b.Amount)
		if err != nil {
			return State{}, err
		}
		if lower == nil || amount.Cmp(lower) < 0 {
			lower = amount
		}
	}
	if lower != nil {
		p := percent(spent, lower)
		st.Percent = &p
	}
	return st, nil
}

// percent is how much of an amount is spent, cut to a whole number. Who is owed something has spent nothing.
func percent(spent, amount *big.Rat) int {
	const most = 1_000_000_000
	if spent.Sign() <= 0 {
		return 0
	}
	r := new(big.Rat).Quo(spent, amount)
	r.Mul(r, big.NewRat(100, 1))
	n := new(big.Int).Quo(r.Num(), r.Denom())
	if !n.IsInt64() || n.Int64() > most {
		return most
	}
	return int(n.Int64())
}

// Check implements quota.Spending. It reads nothing from disk for an account without a budget.
func (s *Service) Check(ctx context.Context, a account.Ref) error {
	v := s.Store.View(a)
	for _, by := range []store.BudgetBy{store.ByOperator, store.ByAccount} {
		b, ok := v.Budget(by)
		if !ok {
			continue
		}
		amount, err := metering.ParseAmount(b.Amount)
		if err != nil {
			return err
		}
		month, spent, err := s.spent(ctx, a)
		if err != nil {
			return err
		}
		if spent.Cmp(amount) < 0 {
			continue
		}
		whose, remedy := "your own budget", "raise it, or remove it, by 'hyper budget'"
		if by == store.ByOperator {
			whose, remedy = "the budget that the operator gives this account", "ask the operator to raise it"
		}
		return oops.Exhausted("Exceeded budget: %s of %s are spent, which is all of %s in %s (UTC): what runs goes on, and what costs can be begun again on %s, or %s",
			s.money(spent), s.money(amount), whose, month.Format("January 2006"), month.AddDate(0, 1, 0).Format("2006-01-02"), remedy)
	}
	return nil
}

// money is an amount for people, cut to cents.
func (s *Service) money(r *big.Rat) string {
	return metering.Money(s.Book.Currency(), metering.Cents(r))
}
