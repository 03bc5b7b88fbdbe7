package engine

import (
	"context"
	"net/netip"

	"github.com/hypercloud/hyper/internal/account"
)

// Auditor tells how a machine differs from what it is meant to be, and brings it back. What is meant comes from a function, which is
// called after the machine was looked at as well as before: what came or went meanwhile is not reported. Nobody who
// uses the machine is disturbed by being looked at, and by mending only where something is wrong.
type Auditor interface {
	// AuditMachine looks at what no account has for itself.
	AuditMachine(ctx context.Context, meant func() []Owner) ([]Check, error)
	// MendMachine repairs of that what hyperd has made, and removes of its network what belongs to nobody.
	MendMachine(ctx context.Context, meant func() []Owner) error
	// AuditNetwork looks at an account's router, at its containers' links and at its floating IPs.
	AuditNetwork(ctx context.Context, a account.Ref, meant func() Routing) ([]Check, error)
	// MendNetwork makes all of that what it is meant to be. Connections that are allowed go on.
	MendNetwork(ctx context.Context, a account.Ref, meant func() Routing) error
}

// Owner lists what an account has on a machine, in whatever state: what is being made and removed, too.
type Owner struct {
	Account     account.Ref
	Containers  []string
	Volumes     []string
	FloatingIPs []netip.Addr // allocated
}

// Routing is what an account's network is meant to be at a moment.
type Routing struct {
	NetworkState
	Running []Process
	Moving  []string // ids of containers that are being started, stopped, connected or disconnected
}

// Process is the first of a running container.
type Process struct {
	ContainerID string
	Pid         int
}

// Check is one thing that was looked at.
type Check struct {
	Name     string // a word or two
	Findings []Finding
	Fact     string // a sentence worth knowing when all is well; may be ""
}

// Finding is one way in which a machine is not as it is meant to be.
type Finding struct {
	Kind  FindingKind
	Text  string   // a sentence without a full stop
	Lines []string // of rules: "- " is missing, "+ " is there and should not be
}

// FindingKind says what a finding asks for.
type FindingKind string

// The kinds of finding.
const (
	Drift   FindingKind = "drift"   // differs from what hyperd made; mending repairs it
	Problem FindingKind = "problem" // somebody has to do something about it
	Note    FindingKind = "note"    // good to know; nothing is wrong
)
