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

// Schedule has snapshots of a volume taken. It is the body of POST /volumes/{name}/schedules, which needs Name, Every and Keep.
type Schedule struct {
	// Volume is the name of the volume.
	Volume string `json:",omitempty"`
	// Name is unique for the volume.
	Name string
	// Every is the time from one snapshot to the next, in seconds.
	Every int64
	// Keep is how many of its snapshots stay, the newest.
	Keep int
	// Snapshots is how many there are.
	Snapshots int `json:",omitempty"`
	// Next is when the next one is due, a time of RFC 3339.
	Next string `json:",omitempty"`
}
