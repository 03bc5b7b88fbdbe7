package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/hypercloud/hyper/internal/oops"
)

type securityGroupTable = namedTable[*SecurityGroup, []*SecurityGroup] // by name, which is the id too

func (g *SecurityGroup) key() (id, name string) { return g.Name, g.Name }

// SecurityGroup finds a security group by its name.
func (v *View) SecurityGroup(name string) (*SecurityGroup, bool) {
	g, ok := v.securityGroups.byName[name]
	return g, ok
}

// FindSecurityGroup is SecurityGroup with a sentence for when there is none: ErrNotFound.
func (v *View) FindSecurityGroup(name string) (*SecurityGroup, error) {
	if g, ok := v.SecurityGroup(name); ok {
		return g, nil
	}
	return nil, oops.NotFound("No such security group: %s", name)
}

// SecurityGroups lists all security groups by name.
func (v *View) SecurityGroups() []*SecurityGroup {
	t := v.securityGroups
	return slices.Clone(t.order.get(func() []*SecurityGroup {
		return sorted(t.byID, func(a, b *SecurityGroup) int { return cmp.Compare(a.Name, b.Name) })
	}))
}

// Carriers lists the containers that carry a security group and are not being removed, newest first.
func (v *View) Carriers(group string) []*Container {
	return slices.DeleteFunc(v.Containers(), func(c *Container) bool {
		return c.Phase == Removing || !slices.Contains(c.Spec.SecGroups, group)
	})
}

func (tx *Tx) ownSecurityGroups() *securityGroupTable {
	if !tx.own.securityGroups {
		tx.securityGroups = tx.securityGroups.clone()
		tx.own.securityGroups = true
	}
	return tx.securityGroups
}

// PutSecurityGroup writes a security group: a new one, or the new form of the one with its name.
func (tx *Tx) PutSecurityGroup(g SecurityGroup) error {
	if g.Name == "" {
		return errors.New("a security group has a name")
	}
	g.CreatedAt = plainTime(g.CreatedAt)
	spec, back, err := recode(g.Spec)
	if err != nil {
		return fmt.Errorf("encode the spec of security group %s: %w", g.Name, err)
	}
	g.Spec = back
	err = tx.write(`INSERT INTO security_groups (account, name, created_at, spec) VALUES (?, ?, ?, ?)
		ON CONFLICT (account, name) DO UPDATE SET created_at = excluded.created_at, spec = excluded.spec`,
		tx.account.ID(), g.Name, encodeTime(g.CreatedAt), spec)
	if err != nil {
		return err
	}
	tx.ownSecurityGroups().put(&g)
	return nil
}

// DeleteSecurityGroup deletes a security group. Absent is no error.
func (tx *Tx) DeleteSecurityGroup(name string) error {
	if _, ok := tx.securityGroups.byName[name]; !ok {
		return nil
	}
	if err := tx.write("DELETE FROM security_groups WHERE account = ? AND name = ?", tx.account.ID(), name); err != nil {
		return err
	}
	tx.ownSecurityGroups().remove(name)
	return nil
}

func loadSecurityGroups(ctx context.Context, conn *sql.Conn, views map[string]*View) error {
	return each(ctx, conn, "SELECT account, name, created_at, spec FROM security_groups", func(scan func(...any) error) error {
		var g SecurityGroup
		var account, created, spec string
		if err := scan(&account, &g.Name, &created, &spec); err != nil {
			return err
		}
		v, err := viewOf(views, account)
		if err != nil {
			return err
		}
		var errTime error
		g.CreatedAt, errTime = decodeTime(created)
		if err := errors.Join(errTime, json.Unmarshal([]byte(spec), &g.Spec)); err != nil {
			return fmt.Errorf("security group %s: %w", g.Name, err)
		}
		v.securityGroups.put(&g)
		return nil
	})
}
