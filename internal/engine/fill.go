package engine

import (
	"context"
	"io"

	"github.com/hypercloud/hyper/internal/account"
)

// Filler gives volumes the content of a source. The content is made ready on a disk of its own, beside the volume's: however that
// ends, the volume is what it was until TakeFill. Sources are hostile: an implementation unpacks them with no more rights than the account has,
// where there is nothing but the new disk.
type Filler interface {
	// PrepareFill makes content ready for a volume of size bytes. What was ready before, or half ready, is gone then.
	// Errors: ErrInvalidArgument for a source that cannot be used, ErrResourceExhausted for one that does not fit. After an error nothing is ready.
	PrepareFill(ctx context.Context, a account.Ref, id string, size int64, src FillSource) (Filled, error)
	// TakeFill puts the content that is ready in the place of the volume's, which is destroyed if there is one. The volume must not be
	// attached: ErrFailedPrecondition. Nothing ready is no error, and changes nothing.
	TakeFill(ctx context.Context, a account.Ref, id string) error
	// DropFill destroys what is ready, or half ready. Absent is no error.
	DropFill(ctx context.Context, a account.Ref, id string) error
}

// FillSource is what a volume is filled with. One of Tar, File and Git is set.
type FillSource struct {
	Tar  io.Reader // an uncompressed archive
	File io.Reader // the content of one file
	Name string    // of that file
	Git  *GitSource
}

// GitSource is a repository that is cloned, to its last commit of a branch.
type GitSource struct {
	URL    string // http, https or git
	Branch string // "": the one that the repository says
}

// Filled describes content that is ready.
type Filled struct {
	// File is the name of the only thing in it, if that is a file which came alone, and not in a directory.
	File string
}
