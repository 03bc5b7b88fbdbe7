package usage

import (
	"context"
	"time"

	"github.com/hypercloud/hyper/internal/metering"
	"github.com/hypercloud/hyper/internal/store"
)

// Prices is the price book.
func (s *Service) Prices() *metering.Book { return s.Book }

// Begin takes the price book in use. One that would change what was charged is refused with a sentence: versions that are noted stay as they are, and others may begin
// on a day that is still to come. Errors: ErrConflict.
func (s *Service) Begin(ctx context.Context) error {
	_, err := s.note(ctx, s.Store.Seen())
	return err
}

// note notes the versions that are in force, or are about to be. What is noted cannot be changed any more. Seen is the time up to which it is known that all is
// noted; now is the next such.
func (s *Service) note(ctx context.Context, seen time.Time) (now time.Time, err error) {
	noted, err := s.noted(ctx)
	if err != nil {
		return seen, err
	}
	now = s.Store.Now()
	list, err := s.Book.Extends(noted, seen, now)
	if err != nil {
		return seen, err
	}
	if len(list) == 0 {
		return now, nil
	}
	fresh := make([]store.Prices, 0, len(list))
	for _, p := range list {
		fresh = append(fresh, store.Prices{From: p.Day(), NotedAt: now, Text: p.Text()})
	}
	if err := s.Store.NotePrices(ctx, fresh...); err != nil {
		return seen, err
	}
	for _, p := range fresh {
		s.Log.Info("prices were noted", "from", p.From)
	}
	return now, nil
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
	seen := s.Store.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
		var err error
		if seen, err = s.note(ctx, seen); err != nil && ctx.Err() == nil {
			s.Log.Error("noting the prices of a day that comes", "error", err)
		}
	}
}
