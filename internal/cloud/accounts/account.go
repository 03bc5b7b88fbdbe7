package accounts

import (
	"context"
	"maps"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// List lists all accounts, in the order of their slots.
func (s *Service) List() []store.Account { return s.Store.Accounts() }

// Detail is an account and how much of what it has.
type Detail struct {
	store.Account
	Quotas       []Use
	Credentials  int
	Tokens       int
	Certificates int
}

// Inspect tells of an account. Errors: ErrNotFound.
func (s *Service) Inspect(name string) (Detail, error) {
	acc, err := s.find(name)
	if err != nil {
		return Detail{}, err
	}
	v := s.Store.View(acc.Ref)
	return Detail{
		Account: acc, Quotas: s.Quotas(acc.Ref),
		Credentials: len(v.Credentials()), Tokens: len(v.Tokens()), Certificates: len(v.Certificates()),
	}, nil
}

// Create makes an account with a first credential and the limits of a new account, as changed by limits.
// Errors: ErrInvalidArgument for the name or a limit, ErrConflict for a name that is taken, ErrResourceExhausted.
func (s *Service) Create(ctx context.Context, name string, limits quota.Limits) (store.Account, Credential, error) {
	if err := limits.Check(); err != nil {
		return store.Account{}, Credential{}, err
	}
	all := quota.Defaults()
	maps.Copy(all, s.Config.Quotas)
	maps.Copy(all, limits)
	var made Credential
	acc, err := s.Store.CreateAccount(ctx, name, all.Put, func(tx *store.Tx) error {
		var err error
		made, err = s.newCredential(tx, "")
		return err
	})
	if err != nil {
		return store.Account{}, Credential{}, err
	}
	s.Log.Info("an account was made", "account", name, "id", acc.Ref)
	return acc, made, nil
}

// Disable keeps everybody out of an account. Its containers run on. Errors: ErrNotFound, ErrConflict while it is removed.
func (s *Service) Disable(ctx context.Context, name string) error {
	return s.setState(ctx, name, store.Disabled)
}

// Enable lets in again those that Disable kept out. Errors: ErrNotFound, ErrConflict while it is removed.
func (s *Service) Enable(ctx context.Context, name string) error {
	return s.setState(ctx, name, store.Enabled)
}

func (s *Service) setState(ctx context.Context, name string, state store.AccountState) error {
	acc, err := s.find(name)
	if err != nil {
		return err
	}
	switch acc.State {
	case state:
		return nil
	case store.Leaving:
		return oops.Conflict("account %s is being removed", name)
	}
	s.Log.Info("an account changes its state", "account", name, "state", state)
	return s.Store.SetAccountState(ctx, acc.Ref, state)
}

// Use is a limit of an account, and how much of it is used.
type Use struct {
	Resource    string
	Limit, Used int64
}

// Quotas lists what the account may have and has.
func (s *Service) Quotas(a account.Ref) []Use {
	v := s.Store.View(a)
	used := usage(v)
	list := make([]Use, 0, len(used))
	for _, r := range quota.Resources() {
		list = append(list, Use{Resource: r, Limit: v.Quota(r), Used: used[r]})
	}
	return list
}

// SetQuotas changes limits of an account; those that are not named stay. What it has beyond a new limit
// stays too. Errors: ErrNotFound, ErrInvalidArgument.
func (s *Service) SetQuotas(ctx context.Context, name string, limits quota.Limits) error {
	if err := limits.Check(); err != nil {
		return err
	}
	acc, err := s.find(name)
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, acc.Ref, limits.Put)
}

func usage(v *store.View) quota.Limits {
	n := v.Counts()
	memory, cpus := container.Reserved(v)
	return quota.Limits{
		quota.Containers: int64(n.Containers), quota.Images: int64(n.Images), quota.Volumes: int64(n.Volumes),
		quota.Snapshots:   int64(n.Snapshots),
		quota.FloatingIPs: int64(n.FloatingIPs), quota.SecurityGroups: int64(n.SecurityGroups), quota.Credentials: int64(n.Credentials),
		quota.Memory: memory, quota.CPUs: cpus,
	}
}
