package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/hypercloud/hyper/api/types"
)

// AccountCreate makes an account with a first credential. It is the operator's, as are all calls of this file.
func (c *Client) AccountCreate(ctx context.Context, a types.AccountCreate) (types.AccountCreated, error) {
	var created types.AccountCreated
	err := c.call(ctx, http.MethodPost, "/accounts", nil, a, &created)
	return created, err
}

// AccountList lists all accounts.
func (c *Client) AccountList(ctx context.Context) ([]types.Account, error) {
	var list []types.Account
	err := c.call(ctx, http.MethodGet, "/accounts", nil, nil, &list)
	return list, err
}

// AccountInspect tells of one account.
func (c *Client) AccountInspect(ctx context.Context, account string) (types.AccountDetail, error) {
	var detail types.AccountDetail
	err := c.account(ctx, http.MethodGet, account, "", nil, nil, &detail)
	return detail, err
}

// AccountRemove removes an account; with force all that it has before, volumes and their data included.
func (c *Client) AccountRemove(ctx context.Context, account string, force bool) error {
	var query url.Values
	if force {
		query = url.Values{"force": {"1"}}
	}
	return c.account(ctx, http.MethodDelete, account, "", query, nil, nil)
}

// AccountDisable keeps everybody out of an account.
func (c *Client) AccountDisable(ctx context.Context, account string) error {
	return c.account(ctx, http.MethodPost, account, "/disable", nil, nil, nil)
}

// AccountEnable undoes AccountDisable.
func (c *Client) AccountEnable(ctx context.Context, account string) error {
	return c.account(ctx, http.MethodPost, account, "/enable", nil, nil, nil)
}

// AccountQuotas lists what an account may have and has.
func (c *Client) AccountQuotas(ctx context.Context, account string) ([]types.Quota, error) {
	var list []types.Quota
	err := c.account(ctx, http.MethodGet, account, "/quotas", nil, nil, &list)
	return list, err
}

// AccountSetQuotas changes the limits that are named and returns all.
func (c *Client) AccountSetQuotas(ctx context.Context, account string, limits map[string]int64) ([]types.Quota, error) {
	var list []types.Quota
	err := c.account(ctx, http.MethodPut, account, "/quotas", nil, limits, &list)
	return list, err
}

// AccountCredentialCreate makes a credential of an account.
func (c *Client) AccountCredentialCreate(ctx context.Context, account string, o types.CredentialCreate) (types.CredentialCreated, error) {
	var created types.CredentialCreated
	err := c.account(ctx, http.MethodPost, account, "/credentials", nil, o, &created)
	return created, err
}

func (c *Client) account(ctx context.Context, method, account, what string, query url.Values, body, out any) error {
	name, err := segment("account", account)
	if err != nil {
		return err
	}
	return c.call(ctx, method, "/accounts/"+name+what, query, body, out)
}
