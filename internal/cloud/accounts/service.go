// Package accounts holds the rules of accounts: who they are, what they are entered with, and how much they may have.
//
// An account is made by the operator and is enabled, disabled (nobody enters; what runs goes on running) or leaving
// (what it has is being removed, and then it is; a hyperd that died meanwhile goes on with it at its next start).
// The account "default" is the operator's own: it cannot be removed, and has no limits unless some are set.
//
// An account is entered with
//
//   - a credential: an access key and a secret that requests are signed with. The secret is needed to check a
//     signature, so it is kept, sealed by a key that is not in the database (seal.go);
//   - a token: 256 random bits of which only the SHA-256 is kept;
//   - a client certificate of hyperd's own authority (ca.go).
//
// Secret, token and private key are shown once, when they are made. The look-ups (Secret, Token, Certificate) are made
// for every request: they read memory only, and say of what is unknown, revoked, expired or of an account that is not
// enabled the same, that it is not found.
//
// Files are in Config.Dir: secrets.key, ca.pem and ca.key, server.pem and server.key. Keys have mode 0600.
package accounts

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Default is the name of the operator's own account.
const Default = "default"

// Config is what a Service is made of.
type Config struct {
	Store *store.Store
	// Dir is where keys and certificates live. It is made if it is missing.
	Dir string
	// Quotas change quota.Defaults for accounts that are made from now on.
	Quotas quota.Limits
	// Belongings takes away what an account has.
	Belongings Belongings
	Log        *slog.Logger
	// Now is time.Now but for tests.
	Now func() time.Time
}

// Service carries out the rules of accounts.
type Service struct {
	Config
	seal   *sealer
	ca     *authority
	server serverCertificate
}

// New returns a Service, with the keys and the authority that are in the directory, or new ones in an empty one.
func New(c Config) (*Service, error) {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if err := c.Quotas.Check(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of keys and certificates: %w", err)
	}
	s := &Service{Config: c}
	var err error
	if s.seal, err = openSealer(c.Dir); err != nil {
		return nil, err
	}
	if s.ca, err = openAuthority(c.Dir, c.Now()); err != nil {
		return nil, err
	}
	s.warnOfUnusable()
	return s, nil
}

// warnOfUnusable tells the operator at the start what tenants would only see as a refusal.
func (s *Service) warnOfUnusable() {
	for _, acc := range s.Store.Accounts() {
		for _, c := range s.Store.View(acc.Ref).Credentials() {
			if _, err := s.seal.open(c.Access, c.Sealed); err != nil {
				s.Log.Error("a credential cannot be used", "account", acc.Name, "access", c.Access, "error", err)
			}
		}
	}
}

// Named finds an account by its name. Errors: ErrNotFound.
func (s *Service) Named(name string) (account.Ref, error) {
	acc, err := s.find(name)
	return acc.Ref, err
}

func (s *Service) find(name string) (store.Account, error) {
	acc, ok := s.Store.Account(name)
	if !ok {
		return store.Account{}, oops.NotFound("No such account: %s", name)
	}
	return acc, nil
}

// enabled reports whether the account is there and may be entered.
func (s *Service) enabled(a account.Ref) bool {
	acc, ok := s.Store.AccountOf(a)
	return ok && acc.State == store.Enabled
}
