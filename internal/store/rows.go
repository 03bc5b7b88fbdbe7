package store

import (
	"net/netip"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

// Account is a tenant.
type Account struct {
	Ref       account.Ref
	Name      string // unique on this machine
	CreatedAt time.Time
	State     AccountState
}

// Volume is one disk of an account.
type Volume struct {
	ID        string // 64 hex digits; the engine's
	Name      string // unique in the account: given, or 63 hex digits
	SizeGB    int
	Auto      bool   // made for a bare -v /path or an image's VOLUME: goes with rm -v and --rm
	Container string // id of the container that has it, or ""
	Labels    map[string]string
	Phase     Phase
	CreatedAt time.Time
	Written   bool // received its first content; image content is copied only before that
}

// Image is an image that the account has.
type Image struct {
	engine.Image
	PulledAt time.Time
}

// Tag names an image: Repository is normalised (docker.io/library/mysql).
type Tag struct {
	Repository string
	Tag        string // "" for a reference by digest only
	Digest     string // of the manifest or index that was pulled
	ImageID    string
}

// FloatingIP is a public address that an account holds.
type FloatingIP struct {
	Address     netip.Addr
	Name        string
	Container   string // id, or ""
	AllocatedAt time.Time
}
