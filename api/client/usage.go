package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/hypercloud/hyper/api/types"
	"github.com/moby/moby/api/types/container"
)

// UsageOptions say which use is asked for. The zero value is this month's up to now, by resource.
type UsageOptions struct {
	Since time.Time // zero: the start of this calendar month, in UTC
	Until time.Time // zero: now
	By    string    // "resource", "kind", "day" or "month"; empty: "resource"
}

func (o UsageOptions) query() url.Values {
	q := url.Values{}
	for name, t := range map[string]time.Time{"since": o.Since, "until": o.Until} {
		if !t.IsZero() {
			q.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	if o.By != "" {
		q.Set("by", o.By)
	}
	return q
}

// Usage tells what the account used, and what that costs.
func (c *Client) Usage(ctx context.Context, o UsageOptions) (types.Usage, error) {
	var u types.Usage
	err := c.call(ctx, http.MethodGet, "/usage", o.query(), nil, &u)
	return u, err
}

// UsageEntries gives each of the entries that the account's ledger has of a time, as they come; o.By plays no part. It ends with the first error of each.
func (c *Client) UsageEntries(ctx context.Context, o UsageOptions, each func(types.LedgerEntry) error) error {
	return c.entries(ctx, "", o, each)
}

// Bill tells what the account owes for a month, as 2026-11; an empty one is this month.
func (c *Client) Bill(ctx context.Context, month string) (types.Bill, error) {
	var b types.Bill
	err := c.call(ctx, http.MethodGet, "/bill", ofMonth(month), nil, &b)
	return b, err
}

// Prices are all versions of the price book.
func (c *Client) Prices(ctx context.Context) (types.Prices, error) {
	var p types.Prices
	err := c.call(ctx, http.MethodGet, "/prices", nil, nil, &p)
	return p, err
}

// ContainerEstimate tells what a container would cost. The request, and the name that may be empty, are those that would create it.
func (c *Client) ContainerEstimate(ctx context.Context, name string, request container.CreateRequest) (types.Estimate, error) {
	var query url.Values
	if name != "" {
		query = url.Values{"name": {name}}
	}
	var e types.Estimate
	err := c.call(ctx, http.MethodPost, "/containers/estimate", query, request, &e)
	return e, err
}

// Budget tells what the account may spend in a month, and where it is with that.
func (c *Client) Budget(ctx context.Context) (types.BudgetState, error) {
	var s types.BudgetState
	err := c.call(ctx, http.MethodGet, "/budget", nil, nil, &s)
	return s, err
}

// BudgetSet sets the account's own budget.
func (c *Client) BudgetSet(ctx context.Context, b types.Budget) (types.BudgetState, error) {
	var s types.BudgetState
	err := c.call(ctx, http.MethodPut, "/budget", nil, b, &s)
	return s, err
}

// BudgetRemove takes the account's own budget away.
func (c *Client) BudgetRemove(ctx context.Context) error {
	return c.call(ctx, http.MethodDelete, "/budget", nil, nil, nil)
}

func ofMonth(month string) url.Values {
	if month == "" {
		return nil
	}
	return url.Values{"month": {month}}
}

// entries reads a list of entries of any length. What an account's name precedes is escaped already, as "/accounts/ann".
func (c *Client) entries(ctx context.Context, account string, o UsageOptions, each func(types.LedgerEntry) error) error {
	o.By = ""
	resp, err := c.stream(ctx, http.MethodGet, account+"/usage/entries", o.query(), nil, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	d := json.NewDecoder(resp.Body)
	if err := delimiter(d, '['); err != nil {
		return broken(ctx, err)
	}
	for d.More() {
		var e types.LedgerEntry
		if err := d.Decode(&e); err != nil {
			return broken(ctx, err)
		}
		if err := each(e); err != nil {
			return err
		}
	}
	// What the connection did not bring is missing from a bill: only the end of the list is its end.
	if err := delimiter(d, ']'); err != nil {
		return broken(ctx, err)
	}
	return nil
}

func delimiter(d *json.Decoder, want json.Delim) error {
	t, err := d.Token()
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	if err == nil && t != want {
		err = fmt.Errorf("%v where %v should be", t, want)
	}
	return err
}

func broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("the server's list of entries broke off, and is not complete: %w", err)
}
