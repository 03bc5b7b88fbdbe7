package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
)

// Budget is what an account may spend in a calendar month (UTC).
type Budget struct {
	Amount string // a decimal, in the price book's currency
	Mail   string `json:",omitempty"` // address that is written to; "": nobody
	Stop   bool   `json:",omitempty"` // what runs is stopped when it is spent
	// ToldMonth and ToldPercent are what was told of last: the month, as 2026-11, and 80 or 100.
	ToldMonth   string `json:",omitempty"`
	ToldPercent int    `json:",omitempty"`
}

// BudgetBy is who set a budget. An account can have one of its own and one of the operator's, and is held to both.
type BudgetBy string

// Who sets budgets.
const (
	ByAccount  BudgetBy = "account"
	ByOperator BudgetBy = "operator"
)

// Budget is the budget that was set by that one.
func (v *View) Budget(by BudgetBy) (Budget, bool) {
	b, ok := v.budgets[by]
	return b, ok
}

// PutBudget sets a budget, in the place of an earlier one.
func (tx *Tx) PutBudget(by BudgetBy, b Budget) error {
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	err = tx.write("INSERT INTO budgets (account, set_by, spec) VALUES (?, ?, ?) ON CONFLICT (account, set_by) DO UPDATE SET spec = excluded.spec",
		tx.account.ID(), string(by), string(text))
	if err != nil {
		return err
	}
	changed := maps.Clone(tx.budgets)
	changed[by] = b
	tx.budgets = changed
	return nil
}

// DeleteBudget lifts a budget. Absent is no error.
func (tx *Tx) DeleteBudget(by BudgetBy) error {
	if _, ok := tx.budgets[by]; !ok {
		return nil
	}
	if err := tx.write("DELETE FROM budgets WHERE account = ? AND set_by = ?", tx.account.ID(), string(by)); err != nil {
		return err
	}
	changed := maps.Clone(tx.budgets)
	delete(changed, by)
	tx.budgets = changed
	return nil
}

func loadBudgets(ctx context.Context, conn *sql.Conn, views map[string]*View) error {
	return each(ctx, conn, "SELECT account, set_by, spec FROM budgets", func(scan func(...any) error) error {
		var account, spec string
		var by BudgetBy
		var b Budget
		if err := scan(&account, &by, &spec); err != nil {
			return err
		}
		v, err := viewOf(views, account)
		if err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(spec), &b); err != nil {
			return fmt.Errorf("budget of %s: %w", account, err)
		}
		v.budgets[by] = b
		return nil
	})
}
