package engine

import (
	"context"

	"github.com/hypercloud/hyper/internal/account"
)

// Volumes keeps disks for an account. A volume is an ext4 file system of a stated size in an
// image file of its own. Ids are 64 hex digits, made by the caller; names are not the engine's business.
type Volumes interface {
	// CreateVolume makes an empty disk. Creating it again is no error and changes nothing.
	// Errors: ErrResourceExhausted when the machine's disk cannot hold its metadata.
	CreateVolume(ctx context.Context, a account.Ref, id string, size int64) error
	// AttachVolume makes the volume's content available at the returned host directory. That directory is empty for
	// a fresh volume (no lost+found). Attaching an attached volume returns the same directory.
	AttachVolume(ctx context.Context, a account.Ref, id string) (dir string, err error)
	// DetachVolume writes everything to disk and lets go of mount and device. Not attached is no error.
	DetachVolume(ctx context.Context, a account.Ref, id string) error
	// RemoveVolume destroys the disk and its data. Absent is no error; attached is ErrFailedPrecondition.
	RemoveVolume(ctx context.Context, a account.Ref, id string) error
	// SnapshotVolume keeps what the volume holds at this moment under a snapshot's id. An attached volume's writers wait
	// meanwhile, for milliseconds, and see no error. Taking it again changes nothing.
	// Errors: ErrFailedPrecondition when the volume is attached and the machine can make full copies only.
	SnapshotVolume(ctx context.Context, a account.Ref, volume, snapshot string) error
	// CreateVolumeFrom makes a disk that holds what a snapshot does, of the same size. Creating it again changes nothing.
	CreateVolumeFrom(ctx context.Context, a account.Ref, volume, snapshot string) error
	// RestoreVolume makes a volume that is there hold what a snapshot does, whole or not at all. Attached is ErrFailedPrecondition.
	RestoreVolume(ctx context.Context, a account.Ref, volume, snapshot string) error
	// RemoveSnapshot destroys a snapshot. What volumes and other snapshots share with it stays. Absent is no error.
	RemoveSnapshot(ctx context.Context, a account.Ref, snapshot string) error
	// SnapshotUsage tells the bytes that would be free without the snapshot: what it shares with nothing else.
	SnapshotUsage(ctx context.Context, a account.Ref, snapshot string) (int64, error)
	// ResizeVolume makes the disk larger, whether it is attached or not; who uses it goes on. Making it as large as it is changes nothing.
	// Errors: ErrInvalidArgument for a smaller size, ErrResourceExhausted when the machine's disk is full.
	ResizeVolume(ctx context.Context, a account.Ref, id string, size int64) error
	// VolumeUsage tells the bytes that the volume takes on the machine's disk.
	VolumeUsage(ctx context.Context, a account.Ref, id string) (int64, error)
	// VolumeFailed reports whether an attached volume met an error of the disk below, and can only be read until it is attached anew.
	VolumeFailed(ctx context.Context, a account.Ref, id string) (bool, error)
}
