package hyper

import (
	"context"
	"net/http"
	"time"

	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/accounts"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
	"github.com/hypercloud/hyper/internal/store"
)

// writeSecret answers with what is shown once. Nothing on the way may keep it.
func writeSecret(w http.ResponseWriter, v any) error {
	w.Header().Set("Cache-Control", "no-store")
	return rest.WriteJSON(w, http.StatusCreated, v)
}

// lifetime reads a number of seconds.
func lifetime(seconds int64) (time.Duration, error) {
	const most = 100 * 365 * 24 * 60 * 60
	if seconds < 0 || seconds > most {
		return 0, oops.Invalid("a lifetime cannot be %d seconds: choose from 1 to %d", seconds, most)
	}
	return time.Duration(seconds) * time.Second, nil
}

func credentialOf(c *store.Credential) types.Credential {
	return types.Credential{Access: c.Access, Name: c.Name, Created: c.CreatedAt}
}

func newCredentialOf(c accounts.Credential) types.CredentialCreated {
	return types.CredentialCreated{Credential: credentialOf(&c.Credential), Secret: c.Secret}
}

func (api *API) listCredentials(_ context.Context, a account.Ref, w http.ResponseWriter, _ *http.Request) error {
	out := []types.Credential{}
	for _, c := range api.Accounts.Credentials(a) {
		out = append(out, credentialOf(c))
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

func (api *API) createCredential(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	var in types.CredentialCreate
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	c, err := api.Accounts.CreateCredential(ctx, a, in.Name)
	if err != nil {
		return err
	}
	return writeSecret(w, newCredentialOf(c))
}

func (api *API) removeCredential(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if err := api.Accounts.RemoveCredential(ctx, a, r.PathValue("access")); err != nil {
		return err
	}
	return rest.NoContent(w)
}

func tokenOf(t *store.Token) types.Token {
	return types.Token{Name: t.Name, Created: t.CreatedAt, Expires: t.ExpiresAt}
}

func (api *API) listTokens(_ context.Context, a account.Ref, w http.ResponseWriter, _ *http.Request) error {
	out := []types.Token{}
	for _, t := range api.Accounts.Tokens(a) {
		out = append(out, tokenOf(t))
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

func (api *API) createToken(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	var in types.TokenCreate
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	life, err := lifetime(in.Lifetime)
	if err != nil {
		return err
	}
	t, err := api.Accounts.CreateToken(ctx, a, in.Name, life)
	if err != nil {
		return err
	}
	return writeSecret(w, types.TokenCreated{Token: tokenOf(&t.Token), Text: t.Text})
}

func (api *API) revokeToken(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if err := api.Accounts.RevokeToken(ctx, a, r.PathValue("name")); err != nil {
		return err
	}
	return rest.NoContent(w)
}

func certificateOf(c *store.Certificate) types.Certificate {
	return types.Certificate{Serial: c.Serial, Name: c.Name, Created: c.CreatedAt, Expires: c.ExpiresAt}
}

func (api *API) listCertificates(_ context.Context, a account.Ref, w http.ResponseWriter, _ *http.Request) error {
	out := []types.Certificate{}
	for _, c := range api.Accounts.Certificates(a) {
		out = append(out, certificateOf(c))
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

func (api *API) createCertificate(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	var in types.CertificateCreate
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	life, err := lifetime(in.Lifetime)
	if err != nil {
		return err
	}
	c, err := api.Accounts.IssueCertificate(ctx, a, in.Name, life)
	if err != nil {
		return err
	}
	return writeSecret(w, types.CertificateCreated{
		Certificate: certificateOf(&c.Certificate), CertificatePEM: string(c.CertPEM), KeyPEM: string(c.KeyPEM),
	})
}

func (api *API) revokeCertificate(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
	if err := api.Accounts.RevokeCertificate(ctx, a, r.PathValue("serial")); err != nil {
		return err
	}
	return rest.NoContent(w)
}

func (api *API) authority(_ context.Context, _ account.Ref, w http.ResponseWriter, _ *http.Request) error {
	return rest.WriteJSON(w, http.StatusOK, types.Authority{CertificatePEM: string(api.Accounts.CAPEM())})
}

func (api *API) quotas(_ context.Context, a account.Ref, w http.ResponseWriter, _ *http.Request) error {
	return rest.WriteJSON(w, http.StatusOK, quotasOf(api.Accounts.Quotas(a)))
}
