package client

import (
	"context"
	"net/http"

	"github.com/hypercloud/hyper/api/types"
)

// AccountUsage is Usage of any account, by its name or, of one that was removed, by its id. It is the operator's, as are all calls of this file.
func (c *Client) AccountUsage(ctx context.Context, account string, o UsageOptions) (types.Usage, error) {
	var u types.Usage
	err := c.account(ctx, http.MethodGet, account, "/usage", o.query(), nil, &u)
	return u, err
}

// AccountUsageEntries is UsageEntries of any account.
func (c *Client) AccountUsageEntries(ctx context.Context, account string, o UsageOptions, each func(types.LedgerEntry) error) error {
	name, err := segment("account", account)
	if err != nil {
		return err
	}
	return c.entries(ctx, "/accounts/"+name, o, each)
}

// AccountBill is Bill of any account.
func (c *Client) AccountBill(ctx context.Context, account, month string) (types.Bill, error) {
	var b types.Bill
	err := c.account(ctx, http.MethodGet, account, "/bill", ofMonth(month), nil, &b)
	return b, err
}

// AccountBills are the totals of all accounts for a month, those that were removed among them.
func (c *Client) AccountBills(ctx context.Context, month string) ([]types.AccountBill, error) {
	var list []types.AccountBill
	err := c.call(ctx, http.MethodGet, "/bills", ofMonth(month), nil, &list)
	return list, err
}

// AccountBudget tells of the budgets of any account.
func (c *Client) AccountBudget(ctx context.Context, account string) (types.BudgetState, error) {
	var s types.BudgetState
	err := c.account(ctx, http.MethodGet, account, "/budget", nil, nil, &s)
	return s, err
}

// AccountBudgetSet sets the operator's budget for an account.
func (c *Client) AccountBudgetSet(ctx context.Context, account string, b types.Budget) (types.BudgetState, error) {
	var s types.BudgetState
	err := c.account(ctx, http.MethodPut, account, "/budget", nil, b, &s)
	return s, err
}

// AccountBudgetRemove takes the operator's budget for an account away.
func (c *Client) AccountBudgetRemove(ctx context.Context, account string) error {
	return c.account(ctx, http.MethodDelete, account, "/budget", nil, nil, nil)
}

// AccountCorrect adds an entry to the ledger of an account that makes it owe more, or less.
func (c *Client) AccountCorrect(ctx context.Context, account string, correction types.CorrectionCreate) (types.LedgerEntry, error) {
	var e types.LedgerEntry
	err := c.account(ctx, http.MethodPost, account, "/corrections", nil, correction, &e)
	return e, err
}
