// Package metering says what use costs. It knows nothing of where use is noted: a bill is a pure function of the entries of a ledger and of
// a price book, so that anyone who has both can compute it again.
//
// An [Entry] says that an account had something for a while: who wrote it and when is the ledger's concern (internal/store). A [Book] says
// what a thing costs from which day on. Amounts are exact fractions: nothing is rounded but what is shown, and that is cut to whole cents.
package metering

import "time"

// Kind is what an entry is about.
type Kind string

// The kinds.
const (
	Container  Kind = "container"  // while it runs; Class is its size
	RootFS     Kind = "rootfs"     // while the container exists; by GB
	Volume     Kind = "volume"     // by GB of its size, attached or not
	Snapshot   Kind = "snapshot"   // by GB of the size of the volume that it was taken of
	Image      Kind = "image"      // by whole GB, rounded up
	FloatingIP Kind = "fip"        // by calendar month, in UTC, that it was held in
	Correction Kind = "correction" // an amount that the operator added or took off
)

// Resolution is that of the times of entries.
const Resolution = time.Millisecond

// Least is what is charged at least for each start of a container, and for each thing that is stored.
const Least = 10 * time.Second

// Entry is one interval of use. All of it is the same price class: what changes its size has one entry before and one after.
type Entry struct {
	// Seq is the entry's place in the ledger of its account, from 1 on without a gap. It is 0 for use that goes on: End is then the time of asking.
	Seq      int64
	Kind     Kind
	Resource string    // id; of a floating IP, its address
	Name     string    // by which the account knew it at the end
	Class    string    // size of a container; otherwise ""
	Quantity int64     // GB of what is stored; otherwise 1
	Start    time.Time // UTC, in whole milliseconds
	End      time.Time // never before Start
	// Least is how long is charged at least, from Start on.
	Least time.Duration
	// Amount is what a correction adds to the bill, as a decimal such as -1.50, in the price book's currency, at Start.
	Amount string
	Note   string // why a correction was made
}

// Until is the end of what is charged.
func (e Entry) Until() time.Time {
	if least := e.Start.Add(e.Least); least.After(e.End) {
		return least
	}
	return e.End
}

// Split cuts an entry in two at t, which is after Start and before End. Together they cost what e costs. A correction is a moment, and is not split.
func (e Entry) Split(t time.Time) (before, after Entry) {
	before, after = e, e
	before.End, after.Start = t, t
	passed := t.Sub(e.Start)
	before.Least, after.Least = min(e.Least, passed), max(0, e.Least-passed)
	return before, after
}
