package store

import (
	"context"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/metering"
)

// Now is the time that the ledger goes by, in UTC and whole milliseconds. It advances as the machine's own count of time does, and is not put forward or back
// with its clock.
func (s *Store) Now() time.Time { panic("to come") }

// LedgerSeq is the place of the account's last entry in its ledger.
func (v *View) LedgerSeq() int64 { panic("to come") }

// Meters lists the use that goes on, with Seq 0 and End at now.
func (v *View) Meters(now time.Time) []metering.Entry { panic("to come") }

// Ledger reads the closed entries of the view's account, up to the view's LedgerSeq, of which something is charged in [since, until), in order of
// their places. With v.Meters it is all that the account has used.
func (s *Store) Ledger(ctx context.Context, v *View, since, until time.Time) ([]metering.Entry, error) {
	panic("to come")
}

// LedgerAfter reads the closed entries with places after seq and up to the view's LedgerSeq.
func (s *Store) LedgerAfter(ctx context.Context, v *View, seq int64) ([]metering.Entry, error) {
	panic("to come")
}

// Correct adds a correction to the ledger, at the present time. The amount is a decimal such as -1.50.
func (tx *Tx) Correct(amount, note string) error { panic("to come") }

// Budget is what an account may spend in a calendar month (UTC).
type Budget struct {
	Amount string // a decimal, in the price book's currency
	Mail   string `json:",omitempty"` // address that is written to; "": nobody
	Stop   bool   `json:",omitempty"` // what runs is stopped when it is spent
	// Told is what was told of last: the month, as 2026-11, and the percentage, 80 or 100.
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
func (v *View) Budget(by BudgetBy) (Budget, bool) { panic("to come") }

// PutBudget sets a budget, in the place of an earlier one.
func (tx *Tx) PutBudget(by BudgetBy, b Budget) error { panic("to come") }

// DeleteBudget lifts a budget. Absent is no error.
func (tx *Tx) DeleteBudget(by BudgetBy) error { panic("to come") }

// FormerAccount is one that was removed; its ledger stays.
type FormerAccount struct {
	ID, Name  string
	RemovedAt time.Time
}

// FormerAccounts lists removed accounts, in order of their removal.
func (s *Store) FormerAccounts(ctx context.Context) ([]FormerAccount, error) { panic("to come") }

// FormerView is an empty view of a removed account, for reading its ledger.
func (s *Store) FormerView(ctx context.Context, id string) (*View, error) { panic("to come") }

// Prices are what things cost from a day on, as they were noted when hyperd first read them.
type Prices struct {
	From    string    // day, as 2026-11-27
	NotedAt time.Time // ledger time
	Text    string    // the version, as JSON
}

// Prices lists the noted versions by day.
func (s *Store) Prices(ctx context.Context) ([]Prices, error) { panic("to come") }

// NotePrices appends versions. A day that is there already is an error: what was noted stays.
func (s *Store) NotePrices(ctx context.Context, p ...Prices) error { panic("to come") }

var _ = account.Ref{}
