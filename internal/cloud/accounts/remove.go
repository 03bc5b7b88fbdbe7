package accounts

import (
	"context"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Belongings is what takes away all that an account has.
type Belongings interface {
	// Empty removes containers, networks, floating IPs, security groups, snapshots, volumes with their data, and images. It can be repeated.
	Empty(ctx context.Context, a account.Ref) error
	// Clear removes what an account has on the machine that no row tells of: its network, its directories.
	Clear(ctx context.Context, a account.Ref) error
}

// rounds bounds how often an account is emptied that gets something new meanwhile, from requests which had begun.
const rounds = 5

// Remove removes an account; with force all that it has before, volumes and their data included. Its slot is not given
// again before hyperd has made sure, at its next start, that nothing on the machine carries its ids. Errors: ErrNotFound,
// ErrInvalidArgument for "default", ErrConflict without force when it has something.
func (s *Service) Remove(ctx context.Context, name string, force bool) error {
	if name == Default {
		return oops.Invalid("the account %s is the operator's own and cannot be removed", Default)
	}
	acc, err := s.find(name)
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	if force {
		return s.leave(ctx, acc)
	}
	if err := s.refuseIfUsed(acc); err != nil {
		return err
	}
	if err := s.Store.DeleteAccount(ctx, acc.Ref); err != nil {
		return err
	}
	return s.clear(ctx, acc)
}

func (s *Service) refuseIfUsed(acc store.Account) error {
	n := s.Store.View(acc.Ref).Counts()
	var has []string
	for _, kind := range []struct {
		n    int
		what string
	}{{n.Containers, "container"}, {n.Networks, "network"}, {n.Volumes, "volume"}, {n.Snapshots, "snapshot"}, {n.Images, "image"}, {n.FloatingIPs, "floating IP"}, {n.SecurityGroups, "security group"}} {
		if kind.n == 1 {
			has = append(has, "1 "+kind.what)
		} else if kind.n > 1 {
			has = append(has, fmt.Sprintf("%d %ss", kind.n, kind.what))
		}
	}
	if len(has) == 0 {
		return nil
	}
	return oops.Conflict("account %s has %s: remove them first, or remove the account with --force, which destroys them and their data",
		acc.Name, strings.Join(has, ", "))
}

// leave empties an account that nobody enters any more, and deletes it.
func (s *Service) leave(ctx context.Context, acc store.Account) error {
	if err := s.Store.SetAccountState(ctx, acc.Ref, store.Leaving); err != nil {
		return err
	}
	failpoint.Hit("account.remove.after-intent")
	for round := 1; ; round++ {
		if err := s.Belongings.Empty(ctx, acc.Ref); err != nil {
			return fmt.Errorf("account %s is half removed, and nobody can enter it; remove it again: %w", acc.Name, err)
		}
		failpoint.Hit("account.remove.after-empty")
		err := s.Store.DeleteAccount(ctx, acc.Ref)
		if err == nil {
			return s.clear(ctx, acc)
		}
		if !errdefs.IsConflict(err) || round == rounds {
			return err
		}
	}
}

// clear takes away what is left of an account that is deleted. What fails is done by the engine at the next start.
func (s *Service) clear(ctx context.Context, acc store.Account) error {
	s.Log.Info("an account was removed", "account", acc.Name, "id", acc.Ref)
	failpoint.Hit("account.remove.after-delete")
	if err := s.Belongings.Clear(ctx, acc.Ref); err != nil {
		s.Log.Warn("something of a removed account stays on the machine until the next start", "account", acc.Name, "error", err)
	}
	return nil
}

// Recover goes on with removals that a hyperd which died had begun.
func (s *Service) Recover(ctx context.Context) error {
	for _, acc := range s.Store.Accounts() {
		if acc.State != store.Leaving {
			continue
		}
		if err := s.leave(ctx, acc); err != nil {
			return err
		}
	}
	return nil
}
