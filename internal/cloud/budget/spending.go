package budget

import (
	"context"
	"maps"
	"math/big"
	"sync"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/metering"
)

// spending is what an account has spent in a calendar month by entries that are closed, up to a place in its ledger. What comes after that place is
// added when it is asked for, and what goes on is counted each time, so that the sum is the bill's to the last digit.
type spending struct {
	mu    sync.Mutex
	month time.Time // zero: nothing was read yet
	seq   int64
	sum   *big.Rat
	// fips are the months of floating IPs. One is charged once a month, however often it came and went, so they are not summed up: for each address
	// there is one entry that reaches over all of its own.
	fips map[string]metering.Entry
}

// add counts further closed entries.
func (sp *spending) add(entries []metering.Entry, book *metering.Book) error {
	var rest []metering.Entry
	fips := make(map[string]metering.Entry, len(sp.fips))
	maps.Copy(fips, sp.fips)
	until := sp.month.AddDate(0, 1, 0)
	for _, e := range entries {
		if e.Kind != metering.FloatingIP {
			rest = append(rest, e)
			continue
		}
		if !e.Start.Before(until) || e.End.Before(sp.month) {
			continue
		}
		if had, ok := fips[e.Resource]; ok {
			if had.Start.Before(e.Start) {
				e.Start = had.Start
			}
			if had.End.After(e.End) {
				e.End = had.End
			}
		}
		fips[e.Resource] = e
	}
	st, err := metering.Charges(rest, book, sp.month, until, metering.ByKind)
	if err != nil {
		return err
	}
	sp.sum.Add(sp.sum, st.Total)
	sp.fips = fips
	return nil
}

// total is all that is spent in the month, with what goes on.
func (sp *spending) total(running []metering.Entry, book *metering.Book) (*big.Rat, error) {
	entries := make([]metering.Entry, 0, len(running)+len(sp.fips))
	entries = append(entries, running...)
	for _, e := range sp.fips {
		entries = append(entries, e)
	}
	st, err := metering.Charges(entries, book, sp.month, sp.month.AddDate(0, 1, 0), metering.ByKind)
	if err != nil {
		return nil, err
	}
	return st.Total.Add(st.Total, sp.sum), nil
}

// spent is what an account has spent in this month.
func (s *Service) spent(ctx context.Context, a account.Ref) (month time.Time, total *big.Rat, err error) {
	s.mu.Lock()
	sp := s.accounts[a.ID()]
	if sp == nil {
		sp = &spending{}
		s.accounts[a.ID()] = sp
	}
	s.mu.Unlock()
	sp.mu.Lock()
	defer sp.mu.Unlock()
	// The view is taken under the lock, so that its place in the ledger is none before that of the sum.
	v := s.Store.View(a)
	now := s.Store.Now()
	month = metering.MonthOf(now)
	var entries []metering.Entry
	switch seq := v.LedgerSeq(); {
	case !sp.month.Equal(month) || sp.sum == nil:
		entries, err = s.Store.Ledger(ctx, v, month, month.AddDate(0, 1, 0))
		if err == nil {
			sp.month, sp.sum, sp.fips = month, new(big.Rat), nil
		}
	case seq > sp.seq:
		entries, err = s.Store.LedgerAfter(ctx, v, sp.seq)
	}
	if err == nil {
		err = sp.add(entries, s.Book)
	}
	if err != nil {
		sp.sum = nil // it is read anew
		return month, nil, err
	}
	sp.seq = v.LedgerSeq()
	total, err = sp.total(v.Meters(now), s.Book)
	return month, total, err
}

// forget drops what is known of accounts that are gone.
func (s *Service) forget(here map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.accounts {
		if !here[id] {
			delete(s.accounts, id)
		}
	}
	for id := range s.posted {
		if !here[id] {
			delete(s.posted, id)
		}
	}
}
