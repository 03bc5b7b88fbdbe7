package usage

import (
	"context"
	"time"

	"github.com/hypercloud/hyper/internal/metering"
	"github.com/hypercloud/hyper/internal/store"
)

// lead is how long before its day a version of the price book is noted. It is so long that a version is noted for certain before it is noted that the ledger's time
// has come to it, even if hyperd is killed at any moment; otherwise the next hyperd would take it for one that changes the past. Both are done once a minute.
const lead = 5 * time.Minute

// Prices is the price book.
func (s *Service) Prices() *metering.Book { return s.Book }

// Begin takes the price book in use. One that would change what was charged is refused with a sentence: versions that are noted stay as they are, and others may begin
// on a day that is still to come. Errors: ErrConflict.
func (s *Service) Begin(ctx context.Context) error {
	noted, err := s.noted(ctx)
	if err != nil {
		return err
	}
	if _, err := s.Book.Extends(noted, s.Store.Seen(), s.Store.Now()); err != nil {
		return err
	}
	return s.note(ctx)
}

// note notes the versions that are in force, or are about to be. What is noted cannot be changed any more.
func (s *Service) note(ctx context.Context) error {
	noted, err := s.noted(ctx)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, p := range noted {
		known[p.Day()] = true
	}
	now := s.Store.Now()
	var fresh []store.Prices
	for _, p := range s.Book.Versions() {
		if !known[p.Day()] && !p.From().After(now.Add(lead)) {
			fresh = append(fresh, store.Prices{From: p.Day(), NotedAt: now, Text: p.Text()})
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := s.Store.NotePrices(ctx, fresh...); err != nil {
		return err
	}
	for _, p := range fresh {
		s.Log.Info("prices were noted", "from", p.From)
	}
	return nil
}

// noted lists the versions that are noted.
func (s *Service) noted(ctx context.Context) ([]*metering.Prices, error) {
	rows, err := s.Store.Prices(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]*metering.Prices, 0, len(rows))
	for _, row := range rows {
		p, err := metering.ParseVersion(row.Text)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// Watch notes prices whose day comes, each time that something comes from ticks: once a minute. It ends with ctx.
func (s *Service) Watch(ctx context.Context, ticks <-chan time.Time) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
		if err := s.note(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("noting the prices of a day that comes", "error", err)
		}
	}
}
