package usage

import (
	"context"
	"time"

	"github.com/hypercloud/hyper/internal/metering"
	"github.com/hypercloud/hyper/internal/oops"
)

// Bill is what an account owes for a calendar month.
type Bill struct {
	Subject
	*metering.Statement

	Month string // as 2026-11
	// Final says that the month is over.
	Final bool
	// Seq is the place in the ledger up to which entries were counted.
	Seq int64
}

// month finds out which month is meant: "" is this one. Errors: ErrInvalidArgument.
func month(text string, now time.Time) (name string, since, until time.Time, err error) {
	if text == "" {
		text = metering.MonthOf(now).Format(monthFormat)
	}
	since, until, err = metering.Month(text)
	if err == nil && since.After(now) {
		err = oops.Invalid("the month %s is still to come: nothing was used in it, and this one is %s", text, metering.MonthOf(now).Format(monthFormat))
	}
	return text, since, until, err
}

const monthFormat = "2006-01"

// Bill is that of a month, as 2026-11; "" is this month. Errors: ErrInvalidArgument.
func (s *Service) Bill(ctx context.Context, sub Subject, text string) (Bill, error) {
	m, err := s.look(ctx, sub)
	if err != nil {
		return Bill{}, err
	}
	name, since, until, err := month(text, m.now)
	if err != nil {
		return Bill{}, err
	}
	st, err := s.charges(ctx, m, since, until, metering.ByPrice)
	if err != nil {
		return Bill{}, err
	}
	return Bill{Subject: m.sub, Month: name, Final: !m.now.Before(until), Seq: m.view.LedgerSeq(), Statement: st}, nil
}

// Bills are those of all accounts, and of accounts that were removed if they owe something for the month. Errors: ErrInvalidArgument.
func (s *Service) Bills(ctx context.Context, text string) ([]Bill, error) {
	if _, _, _, err := month(text, s.Store.Now()); err != nil {
		return nil, err
	}
	var out []Bill
	told := map[string]bool{}
	for _, acc := range s.Store.Accounts() {
		b, err := s.Bill(ctx, subject(acc), text)
		if err != nil {
			return nil, err
		}
		told[b.ID] = true
		out = append(out, b)
	}
	former, err := s.Store.FormerAccounts(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range former {
		if told[f.ID] {
			continue // it was removed meanwhile
		}
		b, err := s.Bill(ctx, Subject{Name: f.Name, ID: f.ID, Former: true}, text)
		if err != nil {
			return nil, err
		}
		if len(b.Lines) > 0 {
			out = append(out, b)
		}
	}
	return out, nil
}
