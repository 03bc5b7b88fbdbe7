package engine

import (
	"context"
	"io"
	"io/fs"
	"time"

	"github.com/hypercloud/hyper/internal/account"
)

// Files reads and writes the files of containers. What is in them is hostile, and may change at any moment: an implementation does the work
// with no more rights than the account has, where there is nothing but the container's files.
// Errors: ErrNotFound (no such file), ErrInvalidArgument, ErrPermissionDenied (read-only), ErrResourceExhausted (disk full).
type Files interface {
	// StatFile describes a file. A link at the end of the path is described itself.
	StatFile(ctx context.Context, a account.Ref, at FileSite, path string) (FileStat, error)
	// ReadFiles writes a file, or a directory with all that is in it, as a tar to w. begin is called before anything is written.
	ReadFiles(ctx context.Context, a account.Ref, at FileSite, path string, begin func(FileStat), w io.Writer) error
	// WriteFiles unpacks a tar, plain or packed, into a directory.
	WriteFiles(ctx context.Context, a account.Ref, at FileSite, path string, opts WriteOptions, r io.Reader) error
	// ExportVolume writes what is in a volume as a tar, its root first. dir is what AttachVolume returned.
	ExportVolume(ctx context.Context, a account.Ref, dir string, w io.Writer) error
	// ExportFiles writes the root file system as a tar, without what is mounted in it.
	ExportFiles(ctx context.Context, a account.Ref, at FileSite, w io.Writer) error
	// FileChanges tells what differs from the image.
	FileChanges(ctx context.Context, a account.Ref, at FileSite) ([]FileChange, error)
}

// FileSite is a container whose files are meant. While it does not run nothing else may be done with it.
type FileSite struct {
	ID       string
	Running  bool
	ReadOnly bool    // its root file system is; of one that runs the kernel knows
	Mounts   []Mount // volumes, attached; of one that runs they are there
}

// FileStat describes a file in a container.
type FileStat struct {
	Name       string
	Size       int64
	Mode       fs.FileMode
	ModTime    time.Time
	LinkTarget string // of a link: where it leads, as an absolute path in the container
}

// WriteOptions say how an archive is unpacked.
type WriteOptions struct {
	// KeepKinds refuses to put a file in the place of a directory, or the other way.
	KeepKinds bool
	// Owner, if set, is whom everything belongs to: a user of the container, as for RunSpec. "": whom the archive says.
	Owner string
}

// FileChange is a path that differs from the image's.
type FileChange struct {
	Path string // absolute
	Kind ChangeKind
}

// ChangeKind is how a path differs, in Docker's numbers.
type ChangeKind int

// The kinds of change.
const (
	ChangeModified ChangeKind = iota
	ChangeAdded
	ChangeDeleted
)
