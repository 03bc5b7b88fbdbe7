package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/names"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

const (
	// tokenPrefix lets people and scanners of source code recognise a token.
	tokenPrefix = "hyper_"
	// tokenLength is that of 256 bits in 62 characters.
	tokenLength = 43
	// maxTokens and maxCertificates bound what an account can fill the memory with; expired ones do not count.
	maxTokens       = 100
	maxCertificates = 100
)

var errNoToken = oops.NotFound("the token is unknown, expired or revoked")

// Token is a token with its text, as it is told of once.
type Token struct {
	store.Token
	Text string
}

// Token finds whose a token is. Errors: ErrNotFound, also when it has expired or the account is not enabled.
//
// It is found by its SHA-256: how long a look-up takes tells something of hashes, from which no token can be made.
func (s *Service) Token(text string) (account.Ref, error) {
	if !strings.HasPrefix(text, tokenPrefix) {
		return account.Ref{}, errNoToken
	}
	a, t, ok := s.Store.Token(hashOf([]byte(text)))
	if !ok || s.expired(t.ExpiresAt) || !s.enabled(a) {
		return account.Ref{}, errNoToken
	}
	return a, nil
}

// CreateToken makes a token that lives so long; 0 is for ever. Without a name it gets one. Errors: ErrInvalidArgument,
// ErrConflict for a name that is taken, ErrResourceExhausted.
func (s *Service) CreateToken(ctx context.Context, a account.Ref, name string, lifetime time.Duration) (Token, error) {
	if name == "" {
		name = names.Generate()
	}
	if err := checkName(name); err != nil {
		return Token{}, err
	}
	if lifetime < 0 {
		return Token{}, oops.Invalid("a token cannot expire before it is made: %s", lifetime)
	}
	made := Token{Token: store.Token{Name: name, CreatedAt: s.Now().UTC()}, Text: tokenPrefix + random(letters, tokenLength)}
	made.Hash = hashOf([]byte(made.Text))
	if lifetime > 0 {
		made.ExpiresAt = made.CreatedAt.Add(lifetime)
	}
	err := s.Store.Update(ctx, a, func(tx *store.Tx) error {
		for _, t := range tx.Tokens() {
			if s.expired(t.ExpiresAt) {
				if err := tx.DeleteToken(t.Name); err != nil {
					return err
				}
			}
		}
		if have := len(tx.Tokens()); have >= maxTokens {
			return oops.Exhausted("The account has %d tokens, which is all that it can have. Revoke some that are not used.", have)
		}
		return tx.PutToken(made.Token)
	})
	if err != nil {
		return Token{}, err
	}
	return made, nil
}

// Tokens lists the account's tokens, oldest first; those that have expired too, until another one is made.
func (s *Service) Tokens(a account.Ref) []*store.Token { return s.Store.View(a).Tokens() }

// RevokeToken makes the token of that name worthless. Errors: ErrNotFound.
func (s *Service) RevokeToken(ctx context.Context, a account.Ref, name string) error {
	return s.Store.Update(ctx, a, func(tx *store.Tx) error { return tx.DeleteToken(name) })
}

// expired reports whether an end, which may be that of nothing, has come.
func (s *Service) expired(end time.Time) bool { return !end.IsZero() && !s.Now().Before(end) }

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
