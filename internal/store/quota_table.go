package store

import (
	"context"
	"database/sql"
	"maps"
)

// Quota is how much of a resource the account may have. 0 is no limit, a negative one leaves it nothing.
func (v *View) Quota(resource string) int64 { return v.quotas[resource] }

// Counts is how many of each resource an account has, whatever phase they are in.
type Counts struct {
	Networks, Containers, Images, Tags, Volumes, Snapshots, FloatingIPs, SecurityGroups, Credentials int
}

// Counts counts without listing.
func (v *View) Counts() Counts {
	return Counts{
		Networks:       len(v.networks.byID),
		Containers:     len(v.containers.byID),
		Images:         len(v.images.byID),
		Tags:           len(v.tags.byKey),
		Volumes:        len(v.volumes.byID),
		Snapshots:      len(v.snapshots.byID),
		FloatingIPs:    len(v.floatingIPs.byAddress),
		SecurityGroups: len(v.securityGroups.byID),
		Credentials:    len(v.access.credentials),
	}
}

// PutQuota limits the account in a resource; 0 lifts the limit.
func (tx *Tx) PutQuota(resource string, maximum int64) error {
	if tx.quotas[resource] == maximum {
		return nil
	}
	query, args := "DELETE FROM quotas WHERE account = ? AND resource = ?", []any{tx.account.ID(), resource}
	if maximum != 0 {
		query = "INSERT INTO quotas (account, resource, maximum) VALUES (?, ?, ?) ON CONFLICT (account, resource) DO UPDATE SET maximum = excluded.maximum"
		args = append(args, maximum)
	}
	if err := tx.write(query, args...); err != nil {
		return err
	}
	changed := maps.Clone(tx.quotas)
	delete(changed, resource)
	if maximum != 0 {
		changed[resource] = maximum
	}
	tx.quotas = changed
	return nil
}

func loadQuotas(ctx context.Context, conn *sql.Conn, views map[string]*View) error {
	return each(ctx, conn, "SELECT account, resource, maximum FROM quotas", func(scan func(...any) error) error {
		var account, resource string
		var maximum int64
		if err := scan(&account, &resource, &maximum); err != nil {
			return err
		}
		v, err := viewOf(views, account)
		if err != nil {
			return err
		}
		v.quotas[resource] = maximum
		return nil
	})
}
