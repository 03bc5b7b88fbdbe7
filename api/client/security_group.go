package client

import (
	"context"
	"io"
	"net/http"

	"github.com/hypercloud/hyper/api/types"
)

// SecurityGroupCreate makes a security group of a YAML file, which the server reads.
func (c *Client) SecurityGroupCreate(ctx context.Context, name string, file io.Reader) error {
	return c.securityGroupFile(ctx, http.MethodPost, name, file)
}

// SecurityGroupUpdate replaces the description and the rules of a security group by those of a YAML file, for all that carry it.
func (c *Client) SecurityGroupUpdate(ctx context.Context, name string, file io.Reader) error {
	return c.securityGroupFile(ctx, http.MethodPut, name, file)
}

func (c *Client) securityGroupFile(ctx context.Context, method, name string, file io.Reader) error {
	path, err := groupPath(name)
	if err != nil {
		return err
	}
	resp, err := c.stream(ctx, method, path, nil, http.Header{"Content-Type": {"text/plain"}}, file)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// SecurityGroupList lists the account's security groups by name.
func (c *Client) SecurityGroupList(ctx context.Context) ([]types.SecurityGroup, error) {
	var list []types.SecurityGroup
	err := c.call(ctx, http.MethodGet, "/sg", nil, nil, &list)
	return list, err
}

// SecurityGroupInspect tells of a security group.
func (c *Client) SecurityGroupInspect(ctx context.Context, name string) (types.SecurityGroup, error) {
	var g types.SecurityGroup
	path, err := groupPath(name)
	if err == nil {
		err = c.call(ctx, http.MethodGet, path, nil, nil, &g)
	}
	return g, err
}

// SecurityGroupRemove removes a security group that nothing uses.
func (c *Client) SecurityGroupRemove(ctx context.Context, name string) error {
	path, err := groupPath(name)
	if err != nil {
		return err
	}
	return c.call(ctx, http.MethodDelete, path, nil, nil, nil)
}

func groupPath(name string) (string, error) {
	s, err := segment("security group", name)
	return "/sg/" + s, err
}
