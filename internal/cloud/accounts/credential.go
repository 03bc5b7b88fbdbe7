package accounts

import (
	"context"
	"regexp"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

const (
	accessLength = 32
	secretLength = 40
)

// Credential is a credential with its secret, as it is told of once.
type Credential struct {
	store.Credential
	Secret string
}

// Secret finds whose the access key is, and the secret that its requests are signed with. Errors: ErrNotFound, also when the account is not
// enabled; ErrUnavailable when the secret cannot be opened.
func (s *Service) Secret(access string) (account.Ref, string, error) {
	a, c, ok := s.Store.Credential(access)
	if !ok || !s.enabled(a) {
		return account.Ref{}, "", oops.NotFound("the access key is unknown or disabled")
	}
	secret, err := s.seal.open(access, c.Sealed)
	if err != nil {
		return account.Ref{}, "", err
	}
	return a, secret, nil
}

// CreateCredential makes a credential; name may be "". Errors: ErrInvalidArgument for the name, ErrResourceExhausted.
func (s *Service) CreateCredential(ctx context.Context, a account.Ref, name string) (Credential, error) {
	if name != "" {
		if err := checkName(name); err != nil {
			return Credential{}, err
		}
	}
	var made Credential
	err := s.Store.Update(ctx, a, func(tx *store.Tx) error {
		if err := quota.Room(tx.View, quota.Credentials, int64(tx.Counts().Credentials), 1); err != nil {
			return err
		}
		var err error
		made, err = s.newCredential(tx, name)
		return err
	})
	if err != nil {
		return Credential{}, err
	}
	return made, nil
}

func (s *Service) newCredential(tx *store.Tx, name string) (Credential, error) {
	c := Credential{
		Credential: store.Credential{Access: random(capitals, accessLength), Name: name, CreatedAt: s.Now().UTC()},
		Secret:     random(letters, secretLength),
	}
	c.Sealed = s.seal.seal(c.Access, c.Secret)
	return c, tx.PutCredential(c.Credential)
}

// Credentials lists the account's credentials, oldest first.
func (s *Service) Credentials(a account.Ref) []*store.Credential {
	return s.Store.View(a).Credentials()
}

// RemoveCredential makes an access key worthless. Errors: ErrNotFound.
func (s *Service) RemoveCredential(ctx context.Context, a account.Ref, access string) error {
	return s.Store.Update(ctx, a, func(tx *store.Tx) error { return tx.DeleteCredential(access) })
}

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.@+-]{0,62}$`)

// checkName says what is wrong with the name of a credential, a token or a certificate.
func checkName(name string) error {
	if !namePattern.MatchString(name) {
		return oops.Invalid("%.80q is not a name: use 1 to 63 letters, digits, and _ . @ + -, beginning with a letter or digit", name)
	}
	return nil
}
