package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hypercloud/hyper/internal/boottime"
	"github.com/hypercloud/hyper/internal/metering"
)

// Clock is where a Store gets the time from.
type Clock struct {
	Wall func() time.Time       // what the machine's clock shows, which may be set
	Boot func() time.Duration   // since the machine's boot, its sleep included, which only advances
	ID   func() (string, error) // which boot that is
}

// SystemClock is this machine's.
func SystemClock() Clock { return Clock{Wall: time.Now, Boot: boottime.Now, ID: boottime.ID} }

// A clock that was set counts as right when it has been shown for so long. Until then the ledger goes on by its own count, so that a clock which
// is wrong for a moment touches no other month.
const (
	clockSettles   = 10 * time.Minute
	clockTolerance = time.Second
)

// ledgerClock is the ledger's time: the machine's count since its boot, and a shift. So an interval is as long as it was, whatever the machine's clock was
// set to meanwhile, and what no count has measured, as when the machine was off, is charged to nobody.
type ledgerClock struct {
	Clock
	boot  string
	shift atomic.Int64 // milliseconds
	// seen is the time that was noted last before the store was opened.
	seen time.Time

	// Guarded by the store's turn.
	astray      int64         // by how much the machine's clock differs, in milliseconds
	astraySince time.Duration // since boot
}

func (c *ledgerClock) at(boot time.Duration) time.Time {
	return time.UnixMilli(boot.Milliseconds() + c.shift.Load()).UTC()
}

// Now is the time that the ledger goes by, in UTC and whole milliseconds. It advances as the machine's own count of time does. When the machine's
// clock is set, it follows after ten minutes, and what is running is not charged for the difference.
func (s *Store) Now() time.Time { return s.clock.at(s.clock.Boot()) }

// SinceBoot is how long the machine has been up, as AtBoot takes it. It is what to remember of a moment: the ledger's time may be another by then.
func (s *Store) SinceBoot() time.Duration { return s.clock.Boot() }

// AtBoot is the ledger's time when the machine had been up for so long.
func (s *Store) AtBoot(boot time.Duration) time.Time { return s.clock.at(boot) }

// AtWall is the ledger's time when the machine's clock showed t, if it has not been set since.
func (s *Store) AtWall(t time.Time) time.Time {
	return s.Now().Add(-s.clock.Wall().Sub(t)).Truncate(metering.Resolution)
}

// Seen is the latest time of which it is known that a hyperd was there, before this one opened the store.
func (s *Store) Seen() time.Time { return s.clock.seen }

// startClock goes on with the ledger's time. The caller has the turn, or is the only one.
func (s *Store) startClock(ctx context.Context) error {
	id, err := s.clock.ID()
	if err != nil {
		return fmt.Errorf("which boot of the machine this is: %w", err)
	}
	boot := s.clock.Boot()
	var before string
	var shift, reached int64
	err = s.conn.QueryRowContext(ctx, "SELECT boot, shift, reached FROM clock").Scan(&before, &shift, &reached)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	fresh := err != nil
	s.clock.boot = id
	switch {
	case fresh:
		s.clock.shift.Store(s.clock.Wall().UnixMilli() - boot.Milliseconds())
		s.clock.seen = s.Now()
		return s.noteTime(ctx, s.conn, s.clock.shift.Load(), s.Now())
	case before == id:
		s.clock.shift.Store(shift)
		s.clock.seen = time.UnixMilli(reached).UTC()
		return nil
	}
	// Nobody has counted since the machine went down, and what its clock shows now may be anything: it is believed as one that was set, later.
	s.clock.seen = time.UnixMilli(reached).UTC()
	s.clock.shift.Store(reached - boot.Milliseconds())
	return s.noteTime(ctx, s.conn, s.clock.shift.Load(), s.clock.seen)
}

// KeepTime notes how far the ledger's time has come, which entries and meters note as well, and follows the machine's clock when that was set. It is to be called once a minute.
func (s *Store) KeepTime(ctx context.Context) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.release()
	return s.keepTime(context.WithoutCancel(ctx))
}

func (s *Store) keepTime(ctx context.Context) error {
	boot := s.clock.Boot()
	now := s.clock.at(boot)
	c, astray := &s.clock, s.clock.Wall().UnixMilli()-now.UnixMilli()
	switch tolerance := clockTolerance.Milliseconds(); {
	case abs(astray) <= tolerance:
		c.astray = 0
	case c.astray == 0 || abs(astray-c.astray) > tolerance:
		c.astray, c.astraySince = astray, boot
	case boot-c.astraySince >= clockSettles:
		c.astray = 0
		return s.step(ctx, now, c.shift.Load()+astray, now.Add(time.Duration(astray)*time.Millisecond))
	}
	return s.noteTime(ctx, s.conn, c.shift.Load(), now)
}

func abs(n int64) int64 { return max(n, -n) }

// step lets the ledger's time be another one: all that is open has an entry up to from, and goes on at to.
func (s *Store) step(ctx context.Context, from time.Time, shift int64, to time.Time) error {
	return s.updateAll(ctx, func(tx *Tx) error { return tx.shiftMeters(from, to) }, func(conn *sql.Conn) error {
		return s.noteTime(ctx, conn, shift, to)
	}, func() { s.clock.shift.Store(shift) })
}

func (s *Store) noteTime(ctx context.Context, conn *sql.Conn, shift int64, reached time.Time) error {
	_, err := conn.ExecContext(ctx, `INSERT INTO clock (one, boot, shift, reached) VALUES (1, ?, ?, ?)
		ON CONFLICT (one) DO UPDATE SET boot = excluded.boot, shift = excluded.shift, reached = excluded.reached`, s.clock.boot, shift, reached.UnixMilli())
	if err != nil {
		return writeError(err)
	}
	return nil
}
