package store

import (
	"context"
	"fmt"
	"time"
)

// Prices are what things cost from a day on, as they were noted when they came into force.
type Prices struct {
	From    string    // day, as 2026-11-27
	NotedAt time.Time // by the ledger's time
	Text    string    // the version, as JSON
}

// Prices lists the noted versions by day.
func (s *Store) Prices(ctx context.Context) ([]Prices, error) {
	rows, err := s.reader.QueryContext(ctx, "SELECT day, noted_at, text FROM prices ORDER BY day")
	if err != nil {
		return nil, fmt.Errorf("read the prices: %w", err)
	}
	defer rows.Close()
	var list []Prices
	for rows.Next() {
		var p Prices
		var noted int64
		if err := rows.Scan(&p.From, &noted, &p.Text); err != nil {
			return nil, fmt.Errorf("read the prices: %w", err)
		}
		p.NotedAt = time.UnixMilli(noted).UTC()
		list = append(list, p)
	}
	return list, rows.Err()
}

// NotePrices adds versions, all of them or none. A day that is there already is an error: what was noted stays.
func (s *Store) NotePrices(ctx context.Context, list ...Prices) error {
	if len(list) == 0 {
		return nil
	}
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.release()
	ctx = context.WithoutCancel(ctx)
	tx, err := s.conn.BeginTx(ctx, nil)
	if err != nil {
		return writeError(err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to undo
	for _, p := range list {
		if _, err := tx.ExecContext(ctx, "INSERT INTO prices (day, noted_at, text) VALUES (?, ?, ?)", p.From, p.NotedAt.UnixMilli(), p.Text); err != nil {
			return writeError(err)
		}
	}
	if err := tx.Commit(); err != nil {
		return writeError(err)
	}
	return nil
}
