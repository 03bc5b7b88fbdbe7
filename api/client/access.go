package client

import (
	"context"
	"net/http"

	"github.com/hypercloud/hyper/api/types"
)

// CredentialList lists the account's credentials.
func (c *Client) CredentialList(ctx context.Context) ([]types.Credential, error) {
	var list []types.Credential
	err := c.call(ctx, http.MethodGet, "/credentials", nil, nil, &list)
	return list, err
}

// CredentialCreate makes a credential. Its secret is in this answer and never again.
func (c *Client) CredentialCreate(ctx context.Context, o types.CredentialCreate) (types.CredentialCreated, error) {
	var created types.CredentialCreated
	err := c.call(ctx, http.MethodPost, "/credentials", nil, o, &created)
	return created, err
}

// CredentialRemove makes an access key worthless.
func (c *Client) CredentialRemove(ctx context.Context, access string) error {
	name, err := segment("credential", access)
	if err != nil {
		return err
	}
	return c.call(ctx, http.MethodDelete, "/credentials/"+name, nil, nil, nil)
}

// TokenList lists the account's tokens.
func (c *Client) TokenList(ctx context.Context) ([]types.Token, error) {
	var list []types.Token
	err := c.call(ctx, http.MethodGet, "/tokens", nil, nil, &list)
	return list, err
}

// TokenCreate makes a token. Its text is in this answer and never again.
func (c *Client) TokenCreate(ctx context.Context, o types.TokenCreate) (types.TokenCreated, error) {
	var created types.TokenCreated
	err := c.call(ctx, http.MethodPost, "/tokens", nil, o, &created)
	return created, err
}

// TokenRevoke makes the token of that name worthless.
func (c *Client) TokenRevoke(ctx context.Context, token string) error {
	name, err := segment("token", token)
	if err != nil {
		return err
	}
	return c.call(ctx, http.MethodDelete, "/tokens/"+name, nil, nil, nil)
}

// CertificateList lists the account's certificates.
func (c *Client) CertificateList(ctx context.Context) ([]types.Certificate, error) {
	var list []types.Certificate
	err := c.call(ctx, http.MethodGet, "/certificates", nil, nil, &list)
	return list, err
}

// CertificateCreate issues a certificate. Its key is in this answer and never again.
func (c *Client) CertificateCreate(ctx context.Context, o types.CertificateCreate) (types.CertificateCreated, error) {
	var created types.CertificateCreated
	err := c.call(ctx, http.MethodPost, "/certificates", nil, o, &created)
	return created, err
}

// CertificateRevoke makes the certificate with that serial worthless.
func (c *Client) CertificateRevoke(ctx context.Context, serial string) error {
	name, err := segment("certificate", serial)
	if err != nil {
		return err
	}
	return c.call(ctx, http.MethodDelete, "/certificates/"+name, nil, nil, nil)
}

// Authority is who vouches for the server.
func (c *Client) Authority(ctx context.Context) (types.Authority, error) {
	var authority types.Authority
	err := c.call(ctx, http.MethodGet, "/certificates/authority", nil, nil, &authority)
	return authority, err
}

// Quotas lists what the account may have and has.
func (c *Client) Quotas(ctx context.Context) ([]types.Quota, error) {
	var list []types.Quota
	err := c.call(ctx, http.MethodGet, "/quotas", nil, nil, &list)
	return list, err
}
