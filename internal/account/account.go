// Package account names the tenant that every call below the HTTP layer acts for.
//
// It is a leaf: it imports nothing of the project, so that store, cloud and engine
// can all demand a Ref. A function that reaches something owned by a tenant takes a
// Ref as its first argument after the context; there is no way to name a container,
// a volume or an address without one.
package account

import (
	"errors"
	"fmt"
	"regexp"
)

// MaxSlots is the number of accounts that one machine can carry. It is bounded by the
// id ranges (65536 ids each, from IDBase) that fit below 2^32.
const MaxSlots = 16384

// IDBase is the first host uid and gid of slot 0.
const IDBase = 1 << 20

// IDCount is the number of host uids and gids that an account's containers use.
const IDCount = 1 << 16

var idPattern = regexp.MustCompile(`^[0-9a-f]{32}$`)

// Ref identifies one account on this machine. The zero Ref is not an account.
type Ref struct {
	id   string
	slot int
}

// New returns the Ref of the account with the given id (32 lower-case hex digits) and
// slot (0 to MaxSlots-1). A slot belongs to one account for that account's whole life.
func New(id string, slot int) (Ref, error) {
	if !idPattern.MatchString(id) {
		return Ref{}, fmt.Errorf("account id %q is not 32 lower-case hex digits", id)
	}
	if slot < 0 || slot >= MaxSlots {
		return Ref{}, fmt.Errorf("account slot %d is outside 0-%d", slot, MaxSlots-1)
	}
	return Ref{id: id, slot: slot}, nil
}

// IsID reports whether name has the form of an account's id, whether there is such an account or not.
func IsID(name string) bool { return idPattern.MatchString(name) }

// ID is the account's identifier: 32 lower-case hex digits.
func (r Ref) ID() string { return r.id }

// Slot is the account's small stable number; it picks its id range and its uplink.
func (r Ref) Slot() int { return r.slot }

// HostID is the host uid (and gid) that root inside the account's containers has.
func (r Ref) HostID() uint32 { return uint32(IDBase + r.slot*IDCount) }

// String is the id, for logs.
func (r Ref) String() string { return r.id }

// ErrNone is what Check returns for the zero Ref.
var ErrNone = errors.New("no account is named")

// Check returns ErrNone for the zero Ref.
func (r Ref) Check() error {
	if r.id == "" {
		return ErrNone
	}
	return nil
}
