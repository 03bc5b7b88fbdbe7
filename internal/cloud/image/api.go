package image

import "github.com/hypercloud/hyper/internal/store"

// PullRequest names what to pull, and with which credentials.
type PullRequest struct {
	Ref      string // repository, repository:tag or repository@digest, as typed
	Tag      string // tag or digest; wins over the one in Ref; both missing: latest
	Username string
	Password string
	Token    string // identity or registry token; wins over the password
}

// Message is one line of a pull's stream.
type Message struct {
	ID      string // the tag, or 12 digits of a layer; "": the image as a whole
	Status  string
	Current int64 // bytes
	Total   int64 // bytes; 0: the line shows no progress
}

// ListOptions picks images.
type ListOptions struct {
	All bool // accepted: there are no intermediate images
	// Reference matches exactly: a repository (all of its tags) or repository:tag.
	Reference string
	// Filters are dangling, label, before, since and reference.
	Filters map[string][]string
	// Shared asks for how much of each image other images have too.
	Shared bool
}

// Summary is an image in a list. Its names are familiar ones (mysql:latest); both empty: dangling.
type Summary struct {
	Image       *store.Image
	RepoTags    []string
	RepoDigests []string
	Containers  int   // of the account that were made from it
	Shared      int64 // bytes of layers that other images of the account have too; -1: not asked for, or not known
}

// Removed is one step of a removal: exactly one field is set.
type Removed struct {
	Untagged string // name:tag or name@digest
	Deleted  string // sha256:... of the image, or of a chain of layers
}
