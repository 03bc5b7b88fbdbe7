package fip

import (
	"net/netip"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// A container that is being made can ask for an address. Reserve settles which, in the transaction that writes the container's
// intent, so that a request that cannot be met leaves nothing. The address is attached when the container has come to be (Settle): the
// network never hears of one that is not. A container that takes another's place before that one has gone, as docker compose makes
// them, gets its address when it starts.

// Any is what stands where an address is asked for and any will do.
const Any = "auto"

// Reserve finds what a container asks for: the address or the name of one of the account's, or Any: the one of the container whose
// place it takes, the lowest that is free, or a new one. container is its id, and replaces that of the one whose place it takes, or "".
// Errors: those of Find; ErrConflict when another container has the address; for a new one those of Allocate.
func (s *Service) Reserve(tx *store.Tx, asked, container, replaces string) (store.FIPRequest, error) {
	r := store.FIPRequest{Asked: asked}
	if asked != Any {
		f, err := find(tx.View, asked)
		if err != nil {
			return r, err
		}
		if f.Container != "" && f.Container != replaces {
			return r, inUse(tx.View, f)
		}
		for _, other := range tx.Containers() {
			if other.Spec.FIP.Awaits == f.Address && other.ID != container && other.ID != replaces {
				return r, oops.Conflict("floating IP %s is meant for container %s", f.Address, other.Name)
			}
		}
		r.Awaits = f.Address
		return r, nil
	}
	if f, ok := tx.FloatingIPOf(replaces); ok && replaces != "" {
		r.Awaits = f.Address
		return r, nil
	}
	if free := Free(tx.View, Claims(tx.View, "")); len(free) > 0 {
		r.Awaits = free[0]
		return r, nil
	}
	given, err := s.allocateIn(tx, 1)
	if err != nil {
		return r, err
	}
	r.Awaits, r.Fresh = given[0], true
	return r, nil
}

// Settle attaches the address that a container awaits, if it is free, and tells which; otherwise the container goes on waiting.
// c is changed accordingly, and for the caller to write.
func (s *Service) Settle(tx *store.Tx, c *store.Container) (netip.Addr, error) {
	addr := c.Spec.FIP.Awaits
	c.Spec.FIP.Fresh = false // it has come to be
	f, ok := tx.FloatingIP(addr)
	if !ok || f.Container != "" || len(attached(tx.View, c.ID)) >= s.MaxPerContainer {
		return netip.Addr{}, nil
	}
	row := *f
	row.Container = c.ID
	c.Spec.FIP = store.FIPRequest{Asked: c.Spec.FIP.Asked}
	return addr, tx.PutFloatingIP(row)
}

// SettleAtStart is Settle for a container that is about to start, which does not go without: what cannot be attached by now is looked
// for anew if any will do, and otherwise refused. Errors: those of Reserve.
func (s *Service) SettleAtStart(tx *store.Tx, c *store.Container) (netip.Addr, error) {
	if !c.Spec.FIP.Awaits.IsValid() {
		return netip.Addr{}, nil
	}
	if have := attached(tx.View, c.ID); len(have) >= s.MaxPerContainer { // somebody has given it one by hand
		c.Spec.FIP = store.FIPRequest{Asked: c.Spec.FIP.Asked}
		return netip.Addr{}, nil
	}
	addr, err := s.Settle(tx, c)
	if err != nil || addr.IsValid() {
		return addr, err
	}
	if c.Spec.FIP, err = s.Reserve(tx, c.Spec.FIP.Asked, c.ID, ""); err != nil {
		return netip.Addr{}, err
	}
	return s.Settle(tx, c)
}

// Forgo gives back the address that was allocated for a container that does not come to be.
func Forgo(tx *store.Tx, c *store.Container) error {
	f, ok := tx.FloatingIP(c.Spec.FIP.Awaits)
	if !ok || !c.Spec.FIP.Fresh || f.Container != "" {
		return nil
	}
	return tx.DeleteFloatingIP(f.Address)
}

// Attached tells of an address that Settle attached, once its transaction is through.
func (s *Service) Attached(a account.Ref, addr netip.Addr, container string) {
	if addr.IsValid() {
		s.publish(a, "attach", addr, container)
	}
}

// Free lists, the lowest first, the account's addresses that no container has or awaits, and that are not claimed by address or name.
func Free(v *store.View, claimed map[string]bool) []netip.Addr {
	awaited := map[netip.Addr]bool{}
	for _, c := range v.Containers() {
		awaited[c.Spec.FIP.Awaits] = true
	}
	var out []netip.Addr
	for _, f := range v.FloatingIPs() {
		if f.Container == "" && !awaited[f.Address] && !claimed[f.Address.String()] && !claimed[f.Name] {
			out = append(out, f.Address)
		}
	}
	return out
}

// Claims are the addresses, and names of addresses, that the services of compose projects ask for, but for one project's; "" is none.
func Claims(v *store.View, but string) map[string]bool {
	out := map[string]bool{}
	for _, p := range v.Projects() {
		if p.Name == but {
			continue
		}
		for _, def := range p.Spec.Services {
			if def.FIP != "" {
				out[def.FIP] = true
			}
		}
	}
	return out
}
