package budget

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/metering"
	"github.com/hypercloud/hyper/internal/store"
)

// Often is how often budgets are to be looked at.
const Often = 30 * time.Second

// Percentages at which something is told.
const (
	warned    = 80
	exhausted = 100
)

const monthFormat = "2006-01"

// Watch looks at all budgets at once, and each time that something comes from ticks, and stops containers where a budget says so. It ends with ctx, and does
// not wait for containers to stop: those that are still there are stopped by the next hyperd.
func (s *Service) Watch(ctx context.Context, containers Containers, ticks <-chan time.Time) {
	stops := &stops{Service: s, containers: containers}
	for {
		s.look(ctx, stops)
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
	}
}

// look looks at all budgets once.
func (s *Service) look(ctx context.Context, stops *stops) {
	here := map[string]bool{}
	for _, acc := range s.Store.Accounts() {
		here[acc.Ref.ID()] = true
		if acc.State == store.Leaving || ctx.Err() != nil {
			continue
		}
		if err := s.lookAt(ctx, acc, stops); err != nil && ctx.Err() == nil {
			s.Log.Error("looking at the budgets of an account", "account", acc.Name, "error", err)
		}
	}
	s.forget(here)
}

func (s *Service) lookAt(ctx context.Context, acc store.Account, stops *stops) error {
	for _, by := range []store.BudgetBy{store.ByOperator, store.ByAccount} {
		b, ok := s.Store.View(acc.Ref).Budget(by)
		if !ok {
			continue
		}
		amount, err := metering.ParseAmount(b.Amount)
		if err != nil {
			return err
		}
		month, spent, err := s.spent(ctx, acc.Ref)
		if err != nil {
			return err
		}
		n := notice{acc: acc, by: by, budget: b, month: month, spent: spent, amount: amount, percent: percent(spent, amount)}
		switch {
		case n.percent >= exhausted:
			n.threshold = exhausted
		case n.percent >= warned:
			n.threshold = warned
		default:
			continue
		}
		if err := s.tell(ctx, n); err != nil {
			return err
		}
		if n.threshold == exhausted && b.Stop && by == store.ByOperator {
			stops.all(ctx, acc.Ref, n)
		}
	}
	return nil
}

// notice is something to tell of a budget.
type notice struct {
	acc           store.Account
	by            store.BudgetBy
	budget        store.Budget
	month         time.Time
	spent, amount *big.Rat
	percent       int
	threshold     int // 80 or 100
}

// told tells whether the owner of a budget has heard of it.
func (n notice) told(b store.Budget) bool {
	return b.ToldMonth == n.month.Format(monthFormat) && b.ToldPercent >= n.threshold
}

// errMeanwhile ends a transaction that is not wanted any more.
var errMeanwhile = errors.New("the budget has changed meanwhile")

// tell tells of a budget, unless that was done. What is told is written before.
func (s *Service) tell(ctx context.Context, n notice) error {
	if n.told(n.budget) {
		return nil
	}
	err := s.Store.Update(ctx, n.acc.Ref, func(tx *store.Tx) error {
		b, ok := tx.Budget(n.by)
		if !ok || b.Amount != n.budget.Amount || n.told(b) {
			return errMeanwhile
		}
		b.ToldMonth, b.ToldPercent = n.month.Format(monthFormat), n.threshold
		n.budget = b
		return tx.PutBudget(n.by, b)
	})
	if errors.Is(err, errMeanwhile) {
		return nil
	}
	if err != nil {
		return err
	}
	action := "warning"
	if n.threshold == exhausted {
		action = "exhausted"
	}
	s.publish(n, action)
	s.Log.Info("a budget is spent", "account", n.acc.Name, "by", n.by, "percent", n.percent, "spent", metering.Cents(n.spent), "amount", n.budget.Amount)
	s.post(n)
	return nil
}

func (s *Service) publish(n notice, action string) {
	s.Events.Publish(n.acc.Ref, event.Event{Type: "budget", Action: action, ID: string(n.by), Attributes: map[string]string{
		"name": string(n.by), "month": n.month.Format(monthFormat), "spent": metering.Exact(n.spent), "amount": n.budget.Amount, "currency": s.Book.Currency(),
		"percent": strconv.Itoa(n.percent), "by": string(n.by),
	}})
}

// mostMails is how many an account's own budget may cause in a day. It is the account that says to whom.
const mostMails = 10

// posted counts mail of a day.
type posted struct {
	day   string
	count int
}

// post sends mail, if somebody is to have it.
func (s *Service) post(n notice) {
	if n.budget.Mail == "" || s.Mail == nil {
		return
	}
	if n.by == store.ByAccount && !s.mayPost(n.acc.Ref, s.Store.Now().Format(time.DateOnly)) {
		s.Log.Warn("mail about a budget is not sent: the account had its share of the day", "account", n.acc.Name, "share", mostMails)
		return
	}
	subject, body := s.letter(n)
	s.Mail.Post(n.budget.Mail, subject, body)
}

func (s *Service) mayPost(a account.Ref, day string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.posted[a.ID()]
	if p == nil || p.day != day {
		p = &posted{day: day}
		s.posted[a.ID()] = p
	}
	p.count++
	return p.count <= mostMails
}

// letter writes what a mail says.
func (s *Service) letter(n notice) (subject, body string) {
	month := n.month.Format("January 2006")
	whose := "The budget that the account has set itself"
	if n.by == store.ByOperator {
		whose = "The budget that the operator has set for the account"
	}
	subject = fmt.Sprintf("Hyper: %d %% of the budget of account %s for %s is spent", min(n.percent, exhausted), n.acc.Name, month)
	body = fmt.Sprintf("The account %s has spent %s in %s (UTC). That is %d %% of %s.\n\n%s is %s for each calendar month.\n\n",
		n.acc.Name, s.money(n.spent), month, n.percent, s.money(n.amount), whose, s.money(n.amount))
	next := n.month.AddDate(0, 1, 0).Format("2 January 2006")
	switch {
	case n.threshold == warned:
		body += "Nothing happens by that. When all of it is spent, nothing that costs can be begun until the month is over.\n"
	case n.budget.Stop:
		body += "All of the account's containers are stopped now. What is stored stays, and goes on to cost. Nothing that costs can be begun until " + next + ", or until the budget is raised.\n"
	default:
		body += "What runs goes on, and goes on to cost. Nothing that costs can be begun until " + next + ", or until the budget is raised.\n"
	}
	return subject, body
}
