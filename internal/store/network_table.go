package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hypercloud/hyper/internal/oops"
)

type networkTable = namedTable[*Network, []*Network] // oldest first

func (n *Network) key() (id, name string) { return n.ID, n.Name }

// Network finds a network by its whole id.
func (v *View) Network(id string) (*Network, bool) {
	n, ok := v.networks.byID[id]
	return n, ok
}

// FindNetwork finds the network that a user means by ref: a name, an id, or the beginning of one id, in this order.
// Errors: ErrNotFound, and ErrInvalidArgument when several ids begin so.
func (v *View) FindNetwork(ref string) (*Network, error) {
	if n, ok := v.networks.byName[ref]; ok {
		return n, nil
	}
	n, ok, err := v.networks.beginning(ref, "network", func(*Network) bool { return true })
	if err == nil && !ok {
		err = oops.NotFound("network %s not found", ref)
	}
	return n, err
}

// Networks lists the networks that the account made, oldest first.
func (v *View) Networks() []*Network {
	t := v.networks
	return slices.Clone(t.order.get(func() []*Network {
		return sorted(t.byID, func(a, b *Network) int {
			return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
		})
	}))
}

// ContainersOn lists the containers with an endpoint in a network, newest first; "" is the account's own.
func (v *View) ContainersOn(network string) []*Container {
	return slices.DeleteFunc(v.Containers(), func(c *Container) bool {
		_, on := c.On(network)
		return !on
	})
}

func (tx *Tx) ownNetworks() *networkTable {
	if !tx.own.networks {
		tx.networks = tx.networks.clone()
		tx.own.networks = true
	}
	return tx.networks
}

// PutNetwork writes a network: a new one, or the new form of one with this id. ErrConflict: another one has its name, or
// a subnet that overlaps.
func (tx *Tx) PutNetwork(n Network) error {
	if n.ID == "" || n.Name == "" || !n.Spec.Subnet.IsValid() {
		return errors.New("a network has an id, a name and a subnet")
	}
	if other, ok := tx.networks.byName[n.Name]; ok && other.ID != n.ID {
		return oops.Conflict("network with name %s already exists", n.Name)
	}
	for _, other := range tx.networks.byID {
		if other.ID != n.ID && other.Spec.Subnet.Overlaps(n.Spec.Subnet) {
			return oops.Conflict("the subnet %s overlaps %s of network %s", n.Spec.Subnet, other.Spec.Subnet, other.Name)
		}
	}
	n.CreatedAt = plainTime(n.CreatedAt)
	text, back, err := recode(n.Spec)
	if err != nil {
		return fmt.Errorf("encode network %s: %w", n.ID, err)
	}
	n.Spec = back
	err = tx.write(`INSERT INTO networks (account, id, name, created_at, spec) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (account, id) DO UPDATE SET name = excluded.name, created_at = excluded.created_at, spec = excluded.spec`,
		tx.account.ID(), n.ID, n.Name, encodeTime(n.CreatedAt), text)
	if err != nil {
		return err
	}
	tx.ownNetworks().put(&n)
	return nil
}

// DeleteNetwork deletes a network that no container has an endpoint in: ErrConflict. Absent is no error.
func (tx *Tx) DeleteNetwork(id string) error {
	n, ok := tx.networks.byID[id]
	if !ok {
		return nil
	}
	if on := tx.ContainersOn(id); len(on) > 0 {
		return oops.Conflict("network %s has containers, running or not: %s", n.Name, strings.Join(named(on), ", "))
	}
	if err := tx.write("DELETE FROM networks WHERE account = ? AND id = ?", tx.account.ID(), id); err != nil {
		return err
	}
	tx.ownNetworks().remove(id)
	return nil
}

// named lists some names of containers, and says how many more there are.
func named(list []*Container) []string {
	const most = 5
	var out []string
	for _, c := range list[:min(len(list), most)] {
		out = append(out, c.Name)
	}
	if more := len(list) - most; more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	return out
}

func loadNetworks(ctx context.Context, conn *sql.Conn, views map[string]*View) error {
	return each(ctx, conn, "SELECT account, id, name, created_at, spec FROM networks", func(scan func(...any) error) error {
		var n Network
		var account, created, spec string
		if err := scan(&account, &n.ID, &n.Name, &created, &spec); err != nil {
			return err
		}
		v, err := viewOf(views, account)
		if err != nil {
			return err
		}
		var errTime error
		n.CreatedAt, errTime = decodeTime(created)
		if err := errors.Join(errTime, json.Unmarshal([]byte(spec), &n.Spec)); err != nil {
			return fmt.Errorf("network %s: %w", n.ID, err)
		}
		v.networks.put(&n)
		return nil
	})
}
