package accounts

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/names"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Lifetimes of a client's certificate.
const (
	defaultValidity = 365 * 24 * time.Hour
	maxValidity     = 10 * 365 * 24 * time.Hour
)

// Certificate is a client's certificate with its private key, as it is told of once.
type Certificate struct {
	store.Certificate
	CertPEM, KeyPEM []byte
}

// Certificate finds whose a client's certificate is, which TLS has verified to be of our authority. Errors: ErrNotFound,
// also when it is revoked, has expired, or the account is not enabled.
func (s *Service) Certificate(c *x509.Certificate) (account.Ref, error) {
	a, row, ok := s.Store.Certificate(c.SerialNumber.Text(16))
	if !ok || row.Fingerprint != hashOf(c.Raw) || s.expired(row.ExpiresAt) || !s.enabled(a) {
		return account.Ref{}, oops.NotFound("the certificate is unknown, expired or revoked")
	}
	return a, nil
}

// IssueCertificate makes a client's certificate and its key; the key is kept nowhere. validity 0 is a year. Errors:
// ErrInvalidArgument, ErrResourceExhausted.
func (s *Service) IssueCertificate(ctx context.Context, a account.Ref, name string, validity time.Duration) (Certificate, error) {
	if name == "" {
		name = names.Generate()
	}
	if err := checkName(name); err != nil {
		return Certificate{}, err
	}
	switch {
	case validity == 0:
		validity = defaultValidity
	case validity < time.Minute || validity > maxValidity:
		return Certificate{}, oops.Invalid("a certificate cannot be valid for %s: choose from a minute to ten years", validity)
	}
	now := s.Now().UTC().Truncate(time.Second)
	t := &x509.Certificate{
		SerialNumber: newSerial(),
		// For people only: whose a certificate is, is found by its serial.
		Subject:     pkix.Name{Organization: []string{"Hyper"}, OrganizationalUnit: []string{a.ID()}, CommonName: name},
		NotBefore:   now.Add(-clockSkew),
		NotAfter:    now.Add(validity),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, certPEM, keyPEM, err := s.ca.sign(t)
	if err != nil {
		return Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	row := store.Certificate{
		Serial: t.SerialNumber.Text(16), Name: name, Fingerprint: hashOf(der), CreatedAt: now, ExpiresAt: t.NotAfter,
	}
	err = s.Store.Update(ctx, a, func(tx *store.Tx) error {
		for _, c := range tx.Certificates() {
			if s.expired(c.ExpiresAt) {
				if err := tx.DeleteCertificate(c.Serial); err != nil {
					return err
				}
			}
		}
		if have := len(tx.Certificates()); have >= maxCertificates {
			return oops.Exhausted("The account has %d certificates, which is all that it can have. Revoke some that are not used.", have)
		}
		return tx.PutCertificate(row)
	})
	if err != nil {
		return Certificate{}, err
	}
	return Certificate{Certificate: row, CertPEM: certPEM, KeyPEM: keyPEM}, nil
}

// Certificates lists the account's certificates that are not revoked, oldest first.
func (s *Service) Certificates(a account.Ref) []*store.Certificate {
	return s.Store.View(a).Certificates()
}

// RevokeCertificate makes a certificate worthless. Errors: ErrNotFound.
func (s *Service) RevokeCertificate(ctx context.Context, a account.Ref, serial string) error {
	return s.Store.Update(ctx, a, func(tx *store.Tx) error { return tx.DeleteCertificate(serial) })
}
