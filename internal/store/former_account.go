package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
)

// FormerAccount is one that was removed; its ledger stays.
type FormerAccount struct {
	ID, Name  string
	RemovedAt time.Time // by the ledger's time
}

// FormerAccounts lists removed accounts, in order of their removal.
func (s *Store) FormerAccounts(ctx context.Context) ([]FormerAccount, error) {
	rows, err := s.reader.QueryContext(ctx, "SELECT id, name, removed_at FROM former_accounts ORDER BY removed_at, id")
	if err != nil {
		return nil, fmt.Errorf("read the former accounts: %w", err)
	}
	defer rows.Close()
	var list []FormerAccount
	for rows.Next() {
		var f FormerAccount
		var removed int64
		if err := rows.Scan(&f.ID, &f.Name, &removed); err != nil {
			return nil, fmt.Errorf("read the former accounts: %w", err)
		}
		f.RemovedAt = time.UnixMilli(removed).UTC()
		list = append(list, f)
	}
	return list, rows.Err()
}

// FormerView is an empty view of a removed account, for reading its ledger. Errors: ErrNotFound.
func (s *Store) FormerView(ctx context.Context, id string) (*View, error) {
	var one int
	err := s.reader.QueryRowContext(ctx, "SELECT 1 FROM former_accounts WHERE id = ?", id).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, oops.NotFound("No such account: %s", id)
	}
	if err != nil {
		return nil, fmt.Errorf("read the former accounts: %w", err)
	}
	ref, err := account.New(id, 0)
	if err != nil {
		return nil, err
	}
	v := newView(ref)
	if v.ledgerSeq, err = lastSeq(ctx, s.reader, id); err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	return v, nil
}
