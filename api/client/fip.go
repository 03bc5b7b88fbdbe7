package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/hypercloud/hyper/api/types"
)

// FIPAllocate takes count new floating IPs from the pool and returns their addresses.
func (c *Client) FIPAllocate(ctx context.Context, count int) ([]string, error) {
	var addresses []string
	err := c.call(ctx, http.MethodPost, "/fips/allocate", url.Values{"count": {strconv.Itoa(count)}}, nil, &addresses)
	return addresses, err
}

// FIPRelease gives a floating IP, named by address or name, back to the pool.
func (c *Client) FIPRelease(ctx context.Context, fip string) error {
	return c.call(ctx, http.MethodPost, "/fips/release", url.Values{"ip": {fip}}, nil, nil)
}

// FIPAttach gives a container a floating IP, named by address or name.
func (c *Client) FIPAttach(ctx context.Context, fip, container string) error {
	return c.call(ctx, http.MethodPost, "/fips/attach", url.Values{"ip": {fip}, "container": {container}}, nil, nil)
}

// FIPMove is FIPAttach for a floating IP that another container may have.
func (c *Client) FIPMove(ctx context.Context, fip, container string) error {
	return c.call(ctx, http.MethodPost, "/fips/attach", url.Values{"ip": {fip}, "container": {container}, "force": {"1"}}, nil, nil)
}

// FIPDetach takes a container's floating IP from it and returns the address.
func (c *Client) FIPDetach(ctx context.Context, container string) (string, error) {
	var address string
	err := c.call(ctx, http.MethodPost, "/fips/detach", url.Values{"container": {container}}, nil, &address)
	return address, err
}

// FIPName names a floating IP; an empty name clears it.
func (c *Client) FIPName(ctx context.Context, fip, name string) error {
	return c.call(ctx, http.MethodPost, "/fips/name", url.Values{"ip": {fip}, "name": {name}}, nil, nil)
}

// FIPList lists the account's floating IPs. The only filter is dangling (true or false); nil lists all.
func (c *Client) FIPList(ctx context.Context, filters map[string][]string) ([]types.FloatingIP, error) {
	query, err := withFilters(filters)
	if err != nil {
		return nil, err
	}
	var fips []types.FloatingIP
	err = c.call(ctx, http.MethodGet, "/fips", query, nil, &fips)
	return fips, err
}

// withFilters encodes filters as Docker's API does: a JSON object of sets.
func withFilters(filters map[string][]string) (url.Values, error) {
	if len(filters) == 0 {
		return nil, nil
	}
	sets := map[string]map[string]bool{}
	for k, values := range filters {
		sets[k] = map[string]bool{}
		for _, v := range values {
			sets[k][v] = true
		}
	}
	b, err := json.Marshal(sets)
	if err != nil {
		return nil, fmt.Errorf("encode the filters: %w", err)
	}
	return url.Values{"filters": {string(b)}}, nil
}
