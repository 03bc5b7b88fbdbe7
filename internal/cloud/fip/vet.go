package fip

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/hypercloud/hyper/internal/oops"
)

// An address of a network that the machine is in may be somebody's already, whom nobody told of the pool. So an address
// is asked for on the wire before it is given: vetted. That takes too long for a transaction, so a transaction that comes to an address that is not
// vetted gives up with errUnvetted, and is made again when it is.

// Wire asks the networks that the machine is in for addresses, and tells who has them, the platform itself left aside. Addresses of no such network are nobody's.
type Wire interface {
	HeldElsewhere(ctx context.Context, addrs []netip.Addr) (map[netip.Addr]string, error)
}

const (
	clearFor = 10 * time.Second // how long an address counts as vetted
	heldFor  = time.Minute      // how long one that somebody has is not asked for again
	spare    = 16               // how many more addresses are asked for than are needed: it takes no longer
	most     = 1024             // addresses that are asked for at once
	rounds   = 64               // of asking, before nothing is given
)

// errUnvetted are addresses that have to be vetted before they can be given.
type errUnvetted []netip.Addr

func (e errUnvetted) Error() string { return fmt.Sprintf("not vetted: %v", []netip.Addr(e)) }

// vetting is what was heard of addresses.
type vetting struct {
	mu    sync.Mutex
	clear map[netip.Addr]time.Time // nobody had it then
	held  map[netip.Addr]finding
}

type finding struct {
	who string
	at  time.Time
}

// Vetted runs a transaction that may give addresses, Reserve or SettleAtStart in it, again until all that it comes to are vetted.
// It may run several times.
func (s *Service) Vetted(ctx context.Context, transaction func() error) error {
	for round := 1; ; round++ {
		err := transaction()
		var unvetted errUnvetted
		if !errors.As(err, &unvetted) {
			return err
		}
		if round == rounds {
			return oops.Unavailable("no floating IP could be found that no other host has: try again, or tell the operator")
		}
		if err := s.vet(ctx, unvetted); err != nil {
			return err
		}
	}
}

// vet asks for addresses.
func (s *Service) vet(ctx context.Context, addrs []netip.Addr) error {
	for part := range slices.Chunk(addrs, most) {
		held, err := s.Wire.HeldElsewhere(ctx, part)
		if err != nil {
			return fmt.Errorf("asking whether another host has an address of the pool: %w", err)
		}
		now := time.Now()
		s.vetting.mu.Lock()
		for _, addr := range part {
			delete(s.vetting.clear, addr)
			was := s.vetting.held[addr]
			delete(s.vetting.held, addr)
			who, ok := held[addr]
			if !ok {
				s.vetting.clear[addr] = now
				continue
			}
			s.vetting.held[addr] = finding{who, now}
			if was.who != who {
				s.Log.Warn("an address of the pool of floating IPs is not given, since another host has it: take the address from that host, or leave it out by fip-exclude", "fip", addr, "host", who)
			}
		}
		s.vetting.mu.Unlock()
	}
	return nil
}

// avoid tells whether an address was found to be somebody's a moment ago.
func (v *vetting) avoid(addr netip.Addr) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	f, ok := v.held[addr]
	return ok && time.Since(f.at) < heldFor
}

// vetted tells whether an address was found to be nobody's a moment ago.
func (v *vetting) vetted(addr netip.Addr) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	at, ok := v.clear[addr]
	if ok && time.Since(at) >= clearFor {
		delete(v.clear, addr)
		return false
	}
	return ok
}

// HeldElsewhere are sentences for the operator about addresses of the pool that other hosts have, as far as it is known.
func (s *Service) HeldElsewhere() []string {
	s.vetting.mu.Lock()
	defer s.vetting.mu.Unlock()
	var out []string
	for _, addr := range slices.SortedFunc(maps.Keys(s.vetting.held), netip.Addr.Compare) {
		f := s.vetting.held[addr]
		out = append(out, fmt.Sprintf("the floating IP %s is not given, since %s had it at %s: take it from that host, or leave it out by fip-exclude", addr, f.who, f.at.UTC().Format(time.RFC3339)))
	}
	return out
}
