package life

import "github.com/hypercloud/hyper/internal/metering"

// command is a line that the daemon reads. Everything that it does happens at one moment.
type command struct {
	Do     string // start, work, keep, bill or close
	Wall   int64  // what the machine's clock shows, in nanoseconds since 1970
	Boot   int64  // nanoseconds since the machine's boot
	BootID string
	Work   []op             `json:",omitempty"` // side by side, but for those of one account, which come one after the other
	After  map[string]int64 `json:",omitempty"` // by account, the last entry of the ledger that is known
	Months []string         `json:",omitempty"` // of which bills are wanted
	Spent  string           `json:",omitempty"` // the account of which it is to be told what it has spent this month
}

// op is something that an account does, or that happens to it.
type op struct {
	Account string
	Do      string
	Name    string   `json:",omitempty"` // of what it is done to: a name, id or address
	To      string   `json:",omitempty"` // a container or volume that has to do with it
	Size    string   `json:",omitempty"` // of a container
	Image   string   `json:",omitempty"` // a reference
	Restart string   `json:",omitempty"`
	Binds   []string `json:",omitempty"`
	Volumes []string `json:",omitempty"` // paths of automatic volumes
	Remove  bool     `json:",omitempty"` // run --rm
	Force   bool     `json:",omitempty"`
	GB      int      `json:",omitempty"`
	Code    int      `json:",omitempty"`
	Bytes   int64    `json:",omitempty"` // of the image that the registry serves
	Amount  string   `json:",omitempty"` // of a correction
}

// answer is a line that the daemon writes. To start there are two: what it found in its books, before it did anything, and how it went.
type answer struct {
	Do     string            // of the command; "found" is the first one to start
	Errors []string          `json:",omitempty"` // of each op; "" is none
	Now    int64             // the ledger's time, in milliseconds since 1970
	Seen   int64             // store.Seen
	State  map[string]state  `json:",omitempty"` // of each account
	IDs    map[string]string `json:",omitempty"` // of accounts, by name
	Ledger map[string][]metering.Entry
	Open   map[string][]metering.Entry
	Bills  map[string]map[string]bill // by account and month
	Spent  string                     `json:",omitempty"`
	Failed string                     `json:",omitempty"` // what is wrong with the daemon
}

// state is what an account has, as it is listed. Of what was found in the books the phases are told too.
type state struct {
	Containers []thingState `json:",omitempty"`
	Volumes    []thingState `json:",omitempty"`
	Snapshots  []thingState `json:",omitempty"`
	Images     []thingState `json:",omitempty"`
	FIPs       []thingState `json:",omitempty"`
}

type thingState struct {
	ID     string
	Name   string   `json:",omitempty"`
	Status string   `json:",omitempty"`
	Ready  bool     `json:",omitempty"` // it is there: neither being made nor being removed
	GB     int64    `json:",omitempty"`
	Bytes  int64    `json:",omitempty"`
	Used   bool     `json:",omitempty"` // by a container
	Names  []string `json:",omitempty"` // of an image
}

// bill is a bill as real code computes it, and what was used by then. Its numbers are fractions.
type bill struct {
	Total string
	Kinds []line // by kind and class
	Used  []line // by resource, up to now
}

type line struct {
	Kind, Class, Resource string
	Quantity, Amount      string
}
