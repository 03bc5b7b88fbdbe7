package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/hypercloud/hyper/internal/oops"
)

type containerTable struct {
	*namedTable[*Container, []*Container] // newest first
	byAddress                             map[netip.Addr]*Container
}

func (c *Container) key() (id, name string) { return c.ID, c.Name }

func newContainerTable() *containerTable {
	return &containerTable{newNamedTable[*Container, []*Container](), map[netip.Addr]*Container{}}
}

func (t *containerTable) clone() *containerTable {
	return &containerTable{t.namedTable.clone(), maps.Clone(t.byAddress)}
}

func (t *containerTable) put(c *Container) {
	t.remove(c.ID)
	t.namedTable.put(c)
	for _, e := range c.Endpoints {
		t.byAddress[e.Address] = c
	}
}

func (t *containerTable) remove(id string) {
	if old, ok := t.byID[id]; ok {
		for _, e := range old.Endpoints {
			delete(t.byAddress, e.Address)
		}
	}
	t.namedTable.remove(id)
}

// Container finds a container by its whole id.
func (v *View) Container(id string) (*Container, bool) {
	c, ok := v.containers.byID[id]
	return c, ok
}

// ContainerByName finds a container by its name, without a slash.
func (v *View) ContainerByName(name string) (*Container, bool) {
	c, ok := v.containers.byName[name]
	return c, ok
}

// FindContainer finds the container that a user means by ref: a name (one leading slash allowed), an id, or the
// beginning of one id, in this order. Errors: ErrNotFound, and ErrInvalidArgument when several ids begin so.
func (v *View) FindContainer(ref string) (*Container, error) {
	if c, ok := v.containers.byName[strings.TrimPrefix(ref, "/")]; ok {
		return c, nil
	}
	c, ok, err := v.containers.beginning(ref, "container", func(*Container) bool { return true })
	if err == nil && !ok {
		err = oops.NotFound("No such container: %s", ref)
	}
	return c, err
}

// Containers lists all containers, newest first.
func (v *View) Containers() []*Container {
	t := v.containers
	return slices.Clone(t.order.get(func() []*Container {
		return sorted(t.byID, func(a, b *Container) int {
			return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
		})
	}))
}

// AddressTaken reports whether a container has the private address.
func (v *View) AddressTaken(addr netip.Addr) bool {
	_, ok := v.containers.byAddress[addr]
	return ok
}

func (tx *Tx) ownContainers() *containerTable {
	if !tx.own.containers {
		tx.containers = tx.containers.clone()
		tx.own.containers = true
	}
	return tx.containers
}

// PutContainer writes a container: a new one, or the new form of one with this id. Its name and its addresses must
// not be another container's: ErrConflict. The networks of its endpoints must be there: ErrNotFound.
func (tx *Tx) PutContainer(c Container) error {
	if c.ID == "" || c.Name == "" {
		return errors.New("a container has an id and a name")
	}
	if other, ok := tx.containers.byName[c.Name]; ok && other.ID != c.ID {
		return oops.Conflict("Conflict. The name %q is already in use by container %s. You have to remove (or rename) that container to be able to reuse that name.", "/"+c.Name, other.ID)
	}
	for _, e := range c.Endpoints {
		if other, ok := tx.containers.byAddress[e.Address]; ok && other.ID != c.ID {
			return oops.Conflict("The address %s is already in use by container %s.", e.Address, other.ID)
		}
		if _, ok := tx.networks.byID[e.Network]; !ok && e.Network != "" {
			return oops.NotFound("network %s not found", e.Network)
		}
	}
	c.CreatedAt = plainTime(c.CreatedAt)
	c.State.StartedAt = plainTime(c.State.StartedAt)
	c.State.FinishedAt = plainTime(c.State.FinishedAt)
	spec, specBack, err := recode(c.Spec)
	if err != nil {
		return fmt.Errorf("encode the spec of container %s: %w", c.ID, err)
	}
	state, stateBack, err := recode(c.State)
	if err != nil {
		return fmt.Errorf("encode the state of container %s: %w", c.ID, err)
	}
	endpoints, endpointsBack, err := recode(c.Endpoints)
	if err != nil {
		return fmt.Errorf("encode the endpoints of container %s: %w", c.ID, err)
	}
	c.Spec, c.State, c.Endpoints = specBack, stateBack, endpointsBack
	err = tx.write(`INSERT INTO containers (account, id, name, image_id, phase, created_at, endpoints, spec, state)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (account, id) DO UPDATE SET name = excluded.name, image_id = excluded.image_id, phase = excluded.phase,
		created_at = excluded.created_at, endpoints = excluded.endpoints, spec = excluded.spec, state = excluded.state`,
		tx.account.ID(), c.ID, c.Name, c.ImageID, string(c.Phase), encodeTime(c.CreatedAt), endpoints, spec, state)
	if err != nil {
		return err
	}
	tx.ownContainers().put(&c)
	tx.touchContainer(c.ID)
	return nil
}

// DeleteContainer deletes a container. Absent is no error.
func (tx *Tx) DeleteContainer(id string) error {
	if _, ok := tx.containers.byID[id]; !ok {
		return nil
	}
	if err := tx.write("DELETE FROM containers WHERE account = ? AND id = ?", tx.account.ID(), id); err != nil {
		return err
	}
	tx.ownContainers().remove(id)
	tx.touchContainer(id)
	return nil
}

func loadContainers(ctx context.Context, conn *sql.Conn, views map[string]*View) error {
	return each(ctx, conn, "SELECT account, id, name, image_id, phase, created_at, endpoints, spec, state FROM containers", func(scan func(...any) error) error {
		var c Container
		var account, created, endpoints, spec, state string
		if err := scan(&account, &c.ID, &c.Name, &c.ImageID, &c.Phase, &created, &endpoints, &spec, &state); err != nil {
			return err
		}
		v, err := viewOf(views, account)
		if err != nil {
			return err
		}
		var errTime error
		c.CreatedAt, errTime = decodeTime(created)
		err = errors.Join(errTime, json.Unmarshal([]byte(endpoints), &c.Endpoints), json.Unmarshal([]byte(spec), &c.Spec), json.Unmarshal([]byte(state), &c.State))
		if err != nil {
			return fmt.Errorf("container %s: %w", c.ID, err)
		}
		v.containers.put(&c)
		return nil
	})
}
