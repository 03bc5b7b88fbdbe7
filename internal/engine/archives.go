package engine

import (
	"context"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
)

// Keeper takes an image that is whole on the machine and not recorded there yet. It calls enter, which records it, when nothing
// can come between that and its own record. An error ends what the image came from; then the Keeper has seen to it that
// nothing of the image stays.
type Keeper func(img *Image, names []string, enter func(context.Context) error) error

// LoadRequest is an archive to take images from.
type LoadRequest struct {
	// Archive is what docker save writes, or an OCI layout: a tar, plain or packed by gzip, bzip2, xz or zstd.
	Archive io.Reader
	// Read, if set, is called when all of the archive has been read, before anything is kept.
	Read func()
	// Progress, if set, is told of the unpacking, from one goroutine at a time.
	Progress func(PullProgress)
	// Keep gets each image in the archive's order, with the names that the archive gives it: unchecked text.
	Keep Keeper
}

// SavedImage is an image to write into an archive.
type SavedImage struct {
	ID    string   // sha256:...
	Names []string // fully qualified, with tags; none: it is written without a name
}

// PushRequest says what to push, where to, and who pushes.
type PushRequest struct {
	ID       string // sha256:...
	Ref      string // fully qualified: registry/repository:tag
	Username string
	Password string
	Token    string // identity or registry token; wins over the password
}

// PushProgress is one step in the sending of one layer.
type PushProgress struct {
	Layer   string // first 12 hex digits of the layer's digest
	Status  PushStatus
	Current int64 // bytes
	Total   int64 // bytes
}

// PushStatus is the state of one layer that is pushed, in the words that Docker's clients show.
type PushStatus string

// The states of a layer that is pushed, in their order.
const (
	PushPreparing PushStatus = "Preparing"
	PushPushing   PushStatus = "Pushing"
	PushPushed    PushStatus = "Pushed"
	PushExists    PushStatus = "Layer already exists"
)

// Pushed is what the registry has now.
type Pushed struct {
	Digest string // of the manifest
	Size   int64  // bytes of the manifest
}

// Committer makes images of what containers have written.
type Committer interface {
	// Commit makes an image of a container that does not run: its image's layers, and what it wrote to its root file system as
	// one more. What is in its volumes is not part of it.
	Commit(ctx context.Context, a account.Ref, req CommitRequest) error
}

// CommitRequest says of what an image is made. Config and Docker are all of the new image's config but for its layers, which
// are those of Base and the new one.
type CommitRequest struct {
	ID     string // of the container
	Base   string // sha256:... of the container's image
	Config ocispec.Image
	Docker DockerConfig
	Keep   Keeper // gets the image without names
}
