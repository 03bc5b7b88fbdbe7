package engine

import (
	"context"
	"io"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
)

// Images fetches and keeps images for an account. What an account has is invisible to
// others even where the bytes on disk are shared.
type Images interface {
	// Pull fetches an image for this machine's platform, verifies every digest, and unpacks it.
	// progress is called from one goroutine at a time. An interrupted pull resumes from the bytes that are there.
	// Errors: ErrNotFound (no such image or tag at the registry), ErrUnauthenticated, ErrUnavailable
	// (registry unreachable, truncated or lying about a digest), ErrResourceExhausted (disk full).
	Pull(ctx context.Context, a account.Ref, req PullRequest, progress func(PullProgress)) (*Image, error)
	// RemoveImage lets go of an image; its bytes go when nothing else of any account needs them.
	// Removing an absent image is no error.
	RemoveImage(ctx context.Context, a account.Ref, id string) error
	// Load takes images from an archive, verifies every digest, and unpacks them. A layer that the archive does not hold may
	// be one that an image of the same account has. Errors: ErrInvalidArgument (the archive is broken, or not what it says),
	// ErrResourceExhausted, and what Keep returns. Images that were kept before an error stay.
	Load(ctx context.Context, a account.Ref, req LoadRequest) error
	// Save writes images into one archive that docker load reads, and whoever reads OCI layouts.
	Save(ctx context.Context, a account.Ref, images []SavedImage, w io.Writer) error
	// Push sends an image to a registry. progress is called from one goroutine at a time.
	// Errors: ErrNotFound, ErrUnauthenticated, ErrUnavailable.
	Push(ctx context.Context, a account.Ref, req PushRequest, progress func(PushProgress)) (Pushed, error)
	// Manifest tells which of the account's blobs is the manifest of an image, for this machine's platform.
	Manifest(ctx context.Context, a account.Ref, id string) (ocispec.Descriptor, error)
	// OpenBlob opens a manifest, a config or a layer that one of the account's images consists of, and no other account's.
	OpenBlob(ctx context.Context, a account.Ref, digest string) (Blob, error)
	// Look asks a registry what a reference stands for, and keeps nothing. Errors: those of Pull.
	Look(ctx context.Context, a account.Ref, req PullRequest) (RemoteImage, error)
	// Search asks a registry for repositories by a word. Errors: ErrNotImplemented (the registry has no search),
	// ErrUnauthenticated, ErrUnavailable.
	Search(ctx context.Context, a account.Ref, req SearchRequest) ([]SearchResult, error)
}

// Blob is a part of an image as it was fetched.
type Blob interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// RemoteImage is what a reference stands for at its registry: a manifest, or an index of several.
type RemoteImage struct {
	Target    ocispec.Descriptor
	Platforms []ocispec.Platform
}

// SearchRequest says where to search for what.
type SearchRequest struct {
	Host     string // docker.io, or a registry's host and port
	Term     string
	Limit    int
	Username string
	Password string
}

// SearchResult is a repository that a registry has found.
type SearchResult struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Stars       int    `json:"star_count"`
	Official    bool   `json:"is_official"`
	Automated   bool   `json:"is_automated"`
}

// PullRequest names what to pull.
type PullRequest struct {
	Ref      string // fully qualified: registry/repository:tag or registry/repository@sha256:...
	Username string
	Password string
	Token    string // identity or registry token; wins over the password
}

// PullProgress is one step in the fetching of one layer, or of the whole image when Layer is empty.
type PullProgress struct {
	Layer   string // first 12 hex digits of the layer's digest
	Status  PullStatus
	Current int64 // bytes
	Total   int64 // bytes
}

// PullStatus is the state of one layer, in the words that Docker's clients show.
type PullStatus string

// The states of a layer, in their order.
const (
	PullWaiting     PullStatus = "Pulling fs layer"
	PullDownloading PullStatus = "Downloading"
	PullVerifying   PullStatus = "Verifying Checksum"
	PullDownloaded  PullStatus = "Download complete"
	PullExtracting  PullStatus = "Extracting"
	PullComplete    PullStatus = "Pull complete"
	PullExists      PullStatus = "Already exists"
)

// Image is an image as the engine knows it.
type Image struct {
	ID     string // digest of its config: sha256:<64 hex>
	Digest string // digest of the manifest or index that the reference named
	Size   int64  // bytes of the unpacked layers
	// LayerSizes are the bytes of each layer, lowest first; nil: the image was kept before they were noted.
	LayerSizes []int64       `json:",omitempty"`
	Created    time.Time     // zero when the image does not say
	DiffIDs    []string      // sha256:..., lowest layer first
	Config     ocispec.Image // whole config, as OCI reads it
	Docker     DockerConfig  // what Docker adds to it
}

// DockerConfig holds the fields of an image config that are Docker's own.
type DockerConfig struct {
	Healthcheck *Healthcheck `json:",omitempty"`
	Shell       []string     `json:",omitempty"`
	OnBuild     []string     `json:",omitempty"`
}

// Healthcheck is Docker's HEALTHCHECK.
type Healthcheck struct {
	Test          []string      `json:",omitempty"` // NONE; CMD, args...; CMD-SHELL, line
	Interval      time.Duration `json:",omitempty"` // 0: inherit or 30 s
	Timeout       time.Duration `json:",omitempty"` // 0: inherit or 30 s
	StartPeriod   time.Duration `json:",omitempty"`
	StartInterval time.Duration `json:",omitempty"` // 0: 5 s
	Retries       int           `json:",omitempty"` // 0: inherit or 3
}
