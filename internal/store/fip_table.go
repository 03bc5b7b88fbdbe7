package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/hypercloud/hyper/internal/metering"
	"github.com/hypercloud/hyper/internal/oops"
)

type floatingIPTable struct {
	byAddress   map[netip.Addr]*FloatingIP
	byName      map[string]*FloatingIP
	byContainer map[string]*FloatingIP
	order       lazy[[]*FloatingIP] // by address
}

func newFloatingIPTable() *floatingIPTable {
	return &floatingIPTable{
		byAddress:   map[netip.Addr]*FloatingIP{},
		byName:      map[string]*FloatingIP{},
		byContainer: map[string]*FloatingIP{},
	}
}

func (t *floatingIPTable) clone() *floatingIPTable {
	return &floatingIPTable{byAddress: maps.Clone(t.byAddress), byName: maps.Clone(t.byName), byContainer: maps.Clone(t.byContainer)}
}

func (t *floatingIPTable) put(f *FloatingIP) {
	t.remove(f.Address)
	t.byAddress[f.Address] = f
	if f.Name != "" {
		t.byName[f.Name] = f
	}
	if f.Container != "" {
		t.byContainer[f.Container] = f
	}
}

func (t *floatingIPTable) remove(addr netip.Addr) {
	t.order.forget()
	old, ok := t.byAddress[addr]
	if !ok {
		return
	}
	delete(t.byAddress, addr)
	delete(t.byName, old.Name)
	delete(t.byContainer, old.Container)
}

// FloatingIP finds a floating IP of the account by its address.
func (v *View) FloatingIP(addr netip.Addr) (*FloatingIP, bool) {
	f, ok := v.floatingIPs.byAddress[addr.Unmap()]
	return f, ok
}

// FloatingIPByName finds a floating IP by the name that the account gave it.
func (v *View) FloatingIPByName(name string) (*FloatingIP, bool) {
	f, ok := v.floatingIPs.byName[name]
	return f, ok
}

// FloatingIPOf finds the floating IP that the container has.
func (v *View) FloatingIPOf(containerID string) (*FloatingIP, bool) {
	f, ok := v.floatingIPs.byContainer[containerID]
	return f, ok
}

// FloatingIPs lists the floating IPs of the account by address.
func (v *View) FloatingIPs() []*FloatingIP {
	t := v.floatingIPs
	return slices.Clone(t.order.get(func() []*FloatingIP {
		return sorted(t.byAddress, func(a, b *FloatingIP) int { return a.Address.Compare(b.Address) })
	}))
}

func (tx *Tx) ownFloatingIPs() *floatingIPTable {
	if !tx.own.floatingIPs {
		tx.floatingIPs = tx.floatingIPs.clone()
		tx.own.floatingIPs = true
	}
	return tx.floatingIPs
}

// PutFloatingIP writes a floating IP: a new one, or the new form of one with this address. ErrConflict: another
// account has the address, another address of this account has the name, or the container has another address.
func (tx *Tx) PutFloatingIP(f FloatingIP) error {
	f.Address = f.Address.Unmap()
	if !f.Address.IsValid() {
		return errors.New("a floating IP has an address")
	}
	if _, taken := tx.holder(f.Address); taken {
		return oops.Conflict("The floating IP %s is taken.", f.Address)
	}
	if other, ok := tx.floatingIPs.byName[f.Name]; ok && other.Address != f.Address {
		return oops.Conflict("A floating IP named %q exists already. Choose another name.", f.Name)
	}
	if other, ok := tx.floatingIPs.byContainer[f.Container]; ok && other.Address != f.Address {
		return oops.Conflict("Container %s has the floating IP %s already. Detach that one first.", f.Container, other.Address)
	}
	f.AllocatedAt = plainTime(f.AllocatedAt)
	err := tx.write(`INSERT INTO floating_ips (address, account, name, container, allocated_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (address) DO UPDATE SET name = excluded.name, container = excluded.container, allocated_at = excluded.allocated_at`,
		f.Address.String(), tx.account.ID(), f.Name, f.Container, encodeTime(f.AllocatedAt))
	if err != nil {
		return err
	}
	tx.ownFloatingIPs().put(&f)
	tx.touch(metering.FloatingIP, f.Address.String())
	return nil
}

// DeleteFloatingIP gives an address of the account back. Absent is no error.
func (tx *Tx) DeleteFloatingIP(addr netip.Addr) error {
	addr = addr.Unmap()
	if _, ok := tx.floatingIPs.byAddress[addr]; !ok {
		return nil
	}
	if err := tx.write("DELETE FROM floating_ips WHERE address = ? AND account = ?", addr.String(), tx.account.ID()); err != nil {
		return err
	}
	tx.ownFloatingIPs().remove(addr)
	tx.touch(metering.FloatingIP, addr.String())
	return nil
}

func loadFloatingIPs(ctx context.Context, conn *sql.Conn, views map[string]*View) error {
	return each(ctx, conn, "SELECT address, account, name, container, allocated_at FROM floating_ips", func(scan func(...any) error) error {
		var f FloatingIP
		var address, account, allocated string
		if err := scan(&address, &account, &f.Name, &f.Container, &allocated); err != nil {
			return err
		}
		v, err := viewOf(views, account)
		if err != nil {
			return err
		}
		var errAddr, errTime error
		f.Address, errAddr = netip.ParseAddr(address)
		f.AllocatedAt, errTime = decodeTime(allocated)
		if err := errors.Join(errAddr, errTime); err != nil {
			return fmt.Errorf("floating IP %s: %w", address, err)
		}
		v.floatingIPs.put(&f)
		return nil
	})
}
