// Package usage tells what accounts use and what that costs: by the ledger, which the store keeps, and by a price book.
//
// Nothing is kept here. What is closed is read from the ledger, what goes on from the account's view, both of one moment, and package metering makes
// sums of them; so what is told is what anybody computes who has the entries (GET /usage/entries) and the prices (GET /prices). Times are the
// ledger's (store.Store.Now), and days and months are those of UTC.
//
// The price book is the operator's, and read when hyperd starts. Versions of it that are in force are noted in the store, and a book that would change
// one of those is refused: see Begin.
package usage

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/metering"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Config is what a Service is made of.
type Config struct {
	Store *store.Store
	// Book is what things cost. Nil: metering.Original.
	Book *metering.Book
	Log  *slog.Logger
}

// Service tells of use.
type Service struct {
	Config

	turns *semaphore.Weighted
}

// atOnce is how many bills and sums are computed at a time.
const atOnce = 2

// New returns a Service. Begin must be called before it serves.
func New(c Config) *Service {
	if c.Book == nil {
		c.Book = metering.Original()
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Service{Config: c, turns: semaphore.NewWeighted(atOnce)}
}

// Subject is an account whose use is told of. One that was removed is one too.
type Subject struct {
	Name, ID string
	// Former says that the account was removed.
	Former bool
	ref    account.Ref // of no use if it was
}

// Self is the account that a Ref is of. Errors: ErrNotFound.
func (s *Service) Self(a account.Ref) (Subject, error) {
	acc, ok := s.Store.AccountOf(a)
	if !ok {
		return Subject{}, oops.NotFound("No such account: %s", a)
	}
	return subject(acc), nil
}

// Named finds an account by its name or its id; one that was removed by its id alone, since its name may be another's by now. Errors: ErrNotFound.
func (s *Service) Named(ctx context.Context, name string) (Subject, error) {
	if acc, ok := s.Store.Account(name); ok {
		return subject(acc), nil
	}
	if account.IsID(name) {
		for _, acc := range s.Store.Accounts() {
			if acc.Ref.ID() == name {
				return subject(acc), nil
			}
		}
	}
	former, err := s.Store.FormerAccounts(ctx)
	if err != nil {
		return Subject{}, err
	}
	known := false
	for _, f := range former {
		if f.ID == name {
			return Subject{Name: f.Name, ID: f.ID, Former: true}, nil
		}
		known = known || f.Name == name
	}
	if known {
		return Subject{}, oops.NotFound("No such account: %s. One of that name was removed: name it by its id, as the bills of all accounts do", name)
	}
	return Subject{}, oops.NotFound("No such account: %s", name)
}

func subject(acc store.Account) Subject {
	return Subject{Name: acc.Name, ID: acc.Ref.ID(), ref: acc.Ref}
}

// moment is a picture of an account's use: closed entries by view, and those that go on, up to now.
type moment struct {
	sub     Subject
	view    *store.View
	now     time.Time
	running []metering.Entry
}

// look takes the picture. The view comes first: what ends in between is running in both parts.
func (s *Service) look(ctx context.Context, sub Subject) (moment, error) {
	v := s.Store.View(sub.ref)
	if _, here := s.Store.AccountOf(sub.ref); !here { // it may have been removed since it was found
		var err error
		if v, err = s.Store.FormerView(ctx, sub.ID); err != nil {
			return moment{}, err
		}
		sub.Former = true
	}
	now := s.Store.Now()
	return moment{sub: sub, view: v, now: now, running: v.Meters(now)}, nil
}

// charges computes what [since, until) costs. All entries of that time are in memory meanwhile, and an account can have made many: so a few are computed at
// a time, and others wait. Entries reach back to the beginning of since's month, as floating IPs need it.
func (s *Service) charges(ctx context.Context, m moment, since, until time.Time, by metering.Cut) (*metering.Statement, error) {
	if err := s.turns.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer s.turns.Release(1)
	closed, err := s.Store.Ledger(ctx, m.view, metering.MonthOf(since), until)
	if err != nil {
		return nil, err
	}
	return metering.Charges(append(closed, m.running...), s.Book, since, until, by)
}
