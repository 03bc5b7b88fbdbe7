package accounts

import (
	"context"
	"errors"
	"fmt"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/cloud/fip"
	"github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/cloud/snapshot"
	"github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

// Parts are the rules of all that an account can have.
type Parts struct {
	Store      *store.Store
	Containers *container.Service
	Volumes    *volume.Service
	Snapshots  *snapshot.Service
	Images     *image.Service
	FIPs       *fip.Service
	Networks   *network.Service
	Routers    engine.Networks
}

var _ Belongings = Parts{}

// Empty implements Belongings. Containers go first, since they hold the others.
func (p Parts) Empty(ctx context.Context, a account.Ref) error {
	for _, step := range []func(context.Context, account.Ref) error{p.containers, p.networks, p.floatingIPs, p.securityGroups, p.snapshots, p.volumes, p.images} {
		if err := step(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

func (p Parts) containers(ctx context.Context, a account.Ref) error {
	for _, c := range p.Store.View(a).Containers() {
		if c.Spec.Protection {
			off := false
			if _, err := p.Containers.Update(ctx, a, c.ID, container.UpdateRequest{Protection: &off}); gone(err) != nil {
				return fmt.Errorf("lift the protection of container %s: %w", c.Name, err)
			}
		}
		if _, err := p.Containers.Remove(ctx, a, c.ID, container.RemoveOptions{Force: true, Volumes: true}); gone(err) != nil {
			return fmt.Errorf("remove container %s: %w", c.Name, err)
		}
	}
	return nil
}

func (p Parts) networks(ctx context.Context, a account.Ref) error {
	_, err := p.Networks.Prune(ctx, a, func(*store.Network) bool { return true })
	if err != nil {
		return fmt.Errorf("remove networks: %w", err)
	}
	return nil
}

func (p Parts) floatingIPs(ctx context.Context, a account.Ref) error {
	for _, f := range p.Store.View(a).FloatingIPs() {
		if err := p.FIPs.Release(ctx, a, f.Address.String()); gone(err) != nil {
			return fmt.Errorf("release floating IP %s: %w", f.Address, err)
		}
	}
	return nil
}

// securityGroups go together: they may name each other.
func (p Parts) securityGroups(ctx context.Context, a account.Ref) error {
	err := p.Store.Update(ctx, a, func(tx *store.Tx) error {
		for _, g := range tx.SecurityGroups() {
			if err := tx.DeleteSecurityGroup(g.Name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove security groups: %w", err)
	}
	return nil
}

func (p Parts) snapshots(ctx context.Context, a account.Ref) error {
	for _, s := range p.Store.View(a).Snapshots() {
		if err := p.Snapshots.Remove(ctx, a, s.ID); gone(err) != nil {
			return fmt.Errorf("remove snapshot %s: %w", s.Name, err)
		}
	}
	return nil
}

func (p Parts) volumes(ctx context.Context, a account.Ref) error {
	for _, v := range p.Store.View(a).Volumes() {
		if err := p.Volumes.Remove(ctx, a, v.Name, true); err != nil {
			return fmt.Errorf("remove volume %s: %w", v.Name, err)
		}
	}
	return nil
}

func (p Parts) images(ctx context.Context, a account.Ref) error {
	for _, i := range p.Store.View(a).Images() {
		if _, err := p.Images.Remove(ctx, a, i.ID, true); gone(err) != nil {
			return fmt.Errorf("remove image %s: %w", i.ID, err)
		}
	}
	return nil
}

// gone takes it for done that something is not there any more.
func gone(err error) error {
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

// Clear implements Belongings.
func (p Parts) Clear(ctx context.Context, a account.Ref) error {
	return errors.Join(p.Routers.RemoveNetwork(ctx, a), p.Containers.RemoveFiles(a))
}
