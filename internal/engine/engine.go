// Package engine says what Hyper's rules need from machines: a few small interfaces.
//
// Implementations live below it (engine/local is this machine) and never import
// internal/cloud. Every method takes the account first; an implementation must not be
// able to reach one account's things through another's Ref.
//
// All methods that change the machine are idempotent: hyperd may die between any two
// instructions, and the next one repeats what was intended. Errors carry a class of
// github.com/containerd/errdefs (ErrNotFound, ErrInvalidArgument, ErrFailedPrecondition,
// ErrConflict, ErrResourceExhausted, ErrUnavailable) and read as a sentence fragment
// that a user can understand.
package engine

import (
	"context"

	"github.com/hypercloud/hyper/internal/account"
)

// Engine is everything that the rules need from a machine.
type Engine interface {
	Images
	Containers
	Files
	Committer
	Volumes
	Filler
	Networks
	Auditor
	System
}

// System describes the machine.
type System interface {
	// Info returns facts about the machine for `hyper info`.
	Info(ctx context.Context) (Info, error)
	// Reap removes everything on the machine that belongs to none of the accounts in keep
	// or is not named in it: containers, snapshots, mounts, loop devices, namespaces, veths,
	// image records. It is called once at start, before any request is served.
	Reap(ctx context.Context, keep []Keep) error
	// Close lets go of the machine without stopping any container.
	Close() error
}

// Keep lists what of one account is meant to exist.
type Keep struct {
	Account    account.Ref
	Containers []string // container ids whose root file systems stay
	Volumes    []string // volume ids whose disks stay
	Snapshots  []string // snapshot ids whose disks stay
	Images     []string // image ids (sha256:...) that stay
}

// Info is what `hyper info` tells of the machine.
type Info struct {
	KernelVersion   string
	OperatingSystem string // PRETTY_NAME of /etc/os-release
	Architecture    string // x86_64, aarch64
	NCPU            int
	MemTotal        int64  // bytes
	CgroupVersion   string // "1" or "2"
	CgroupDriver    string // "cgroupfs"
	StorageDriver   string // "overlayfs"
	VolumeBackend   string // "reflink", "xfs-pool" or "copy"
	RootfsQuota     bool   // whether the 10 GB of a root file system are enforced
	ContainerdVer   string
	RuncVer         string
	Room            Room
	Warnings        []string // sentences
}

// Room is how a machine's disk stands, in bytes. Disks on it have a size, and take room when they are written to.
type Room struct {
	Total, Free uint64 // of the file system that holds them
	Promised    uint64 // to volumes, snapshots and root disks: their sizes
	Used        uint64 // by them
	Full        bool   // new data are refused, since what is left is kept for data that are there
}
