package types

// Snapshot is what a volume held at a moment.
type Snapshot struct {
	// ID has 64 hex digits.
	ID string `json:"Id"`
	// Name is unique in the account.
	Name string
	// Volume is the name of the volume that it was taken of.
	Volume string
	// Size is the volume's, in GB.
	Size int
	// CreatedAt is a time of RFC 3339.
	CreatedAt string `json:",omitempty"`
	// Schedule is the name of the schedule that took it; empty when somebody did.
	Schedule string `json:",omitempty"`
}

// SnapshotCreate asks for a snapshot. It is the body of POST /snapshots/create.
type SnapshotCreate struct {
	// Volume is the name of a volume.
	Volume string
	// Name is unique in the account; the server makes one up for an empty one.
	Name string `json:",omitempty"`
	// Force takes it while a container has the volume, too.
	Force bool `json:",omitempty"`
}
