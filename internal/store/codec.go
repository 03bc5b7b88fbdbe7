package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// What is put is encoded for the database and decoded again for the memory, so that a row looks the same
// before and after a restart and shares no slice or map with the one who put it.

func encodeTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func decodeTime(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UTC(), err
}

// plainTime is t as it comes back from the database: in UTC and without a monotonic clock.
func plainTime(t time.Time) time.Time { return t.Round(0).UTC() }

// recode returns v as JSON and as it reads when it comes back.
func recode[T any](v T) (text string, back T, err error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", back, err
	}
	err = json.Unmarshal(b, &back)
	return string(b), back, err
}

// each calls fn for every row of the query. The caller knows by what key a row went wrong.
func each(ctx context.Context, conn *sql.Conn, query string, fn func(scan func(...any) error) error) error {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// viewOf finds the picture that a row belongs to; foreign keys make its absence impossible in a sound database.
func viewOf(views map[string]*View, account string) (*View, error) {
	if v, ok := views[account]; ok {
		return v, nil
	}
	return nil, fmt.Errorf("a row belongs to account %q, which does not exist", account)
}
