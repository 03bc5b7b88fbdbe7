package usage

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/hypercloud/hyper/internal/metering"
)

// How the ledger is read for who wants all of it: in pieces of time, each of which is in memory as a whole, and of a length that makes them neither
// many nor large. A client that reads slowly so holds no place at the database.
const (
	firstPiece  = 24 * time.Hour
	shortest    = time.Minute
	fewEntries  = 500
	manyEntries = 5000
)

// Entries tells fn of the entries of which something is charged in a time, in order of their Start; those that go on come last. Of an account that has none it tells
// nothing. begin is called before, when nothing is wrong with what was asked. Errors: ErrInvalidArgument, and those of fn.
func (s *Service) Entries(ctx context.Context, sub Subject, span Span, begin func(), fn func(metering.Entry) error) error {
	m, err := s.look(ctx, sub)
	if err != nil {
		return err
	}
	since, until, _, err := span.resolve(m.now)
	if err != nil {
		return err
	}
	begin()
	for at, piece := since, firstPiece; at.Before(until); {
		end := until
		if until.Sub(at) > piece {
			end = at.Add(piece)
		}
		list, err := s.Store.Ledger(ctx, m.view, at, end)
		if err != nil {
			return err
		}
		read := len(list)
		if at.After(since) { // what began earlier was in an earlier piece
			list = slices.DeleteFunc(list, func(e metering.Entry) bool { return e.Start.Before(at) })
		}
		if err := each(list, fn); err != nil {
			return err
		}
		at = end
		switch {
		case read < fewEntries && piece < until.Sub(at):
			piece *= 2
		case read > manyEntries && piece > shortest:
			piece /= 2
		}
	}
	return each(slices.DeleteFunc(m.running, func(e metering.Entry) bool {
		charged := e.Until()
		if e.Kind == metering.FloatingIP {
			charged = e.End.Add(metering.Resolution)
		}
		return !e.Start.Before(until) || !charged.After(since)
	}), fn)
}

func each(list []metering.Entry, fn func(metering.Entry) error) error {
	slices.SortStableFunc(list, func(a, b metering.Entry) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Seq, b.Seq)) })
	for _, e := range list {
		if err := fn(e); err != nil {
			return err
		}
	}
	return nil
}
