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
	Spec      VolumeSpec
}

// VolumeSpec is what a volume was made of.
type VolumeSpec struct {
	Snapshot  string     `json:",omitempty"` // name of the snapshot that it began as
	From      string     `json:",omitempty"` // id of that snapshot, which stays while the volume is being made of it
	Restoring string     `json:",omitempty"` // intent: id of the snapshot that it is to become
	Source    string     `json:",omitempty"` // address or path that it was filled from
	File      string     `json:",omitempty"` // name of the only file in it, which is what is mounted then
	Schedules []Schedule `json:",omitempty"`
	Filling   *Filling   `json:",omitempty"` // if set, it is being filled: no container may have it meanwhile
	Resizing  int        `json:",omitempty"` // intent: GB that it is to have
}

// Schedule has snapshots of a volume taken.
type Schedule struct {
	Name  string        // unique for the volume
	Every time.Duration // from one to the next
	Keep  int           // how many of its snapshots stay, the newest
	Since time.Time     // when it was made
}

// Filling is what is intended for the content of a volume.
type Filling struct {
	Source string // as it was asked for
	File   string `json:",omitempty"`
	Whole  bool   `json:",omitempty"` // the content is ready and takes the place of the volume's; before, it is dropped at start
}

// Snapshot is what a volume held at a moment.
type Snapshot struct {
	ID        string // 64 hex digits; the engine's
	Name      string // unique in the account: given, or 63 hex digits
	Volume    string // id of the volume that it was taken of
	SizeGB    int    // of that volume then
	Phase     Phase
	CreatedAt time.Time
	Spec      SnapshotSpec
}

// SnapshotSpec is what else is known of a snapshot.
type SnapshotSpec struct {
	Schedule string     `json:",omitempty"` // name of the schedule that made it
	Turn     int        `json:",omitempty"` // which of that schedule's it is: clocks may be put back
	Written  bool       `json:",omitempty"` // the volume had received its first content
	Volume   VolumeSpec `json:",omitzero"`
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
