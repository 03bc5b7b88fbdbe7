// Package git clones a repository into a volume, in a process of its own.
//
// Whoever serves a repository is a stranger: what comes from there is parsed, unpacked and written under names of its choice. So hyperd starts the program
// hyper-git for each clone, as it starts hyper-files (see there): with the account's ids, in namespaces of its own, with nothing before it but the volume, and without
// a network. What it may connect to is said at the door that it was given as descriptor 4. Its memory is bounded by itself, its time and its room by others.
//
// It is go-git that does the work, and not the program git: there is nothing to run for it, neither helpers nor hooks, nor is there any place for settings; and it
// needs nothing of the machine's files. Of git's ways to a repository there are three here, http, https and git. Submodules are left alone, and
// what git's LFS keeps elsewhere stays there.
package git

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/go-git/go-billy/v5/osfs"
	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/moby/sys/userns"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/engine/local/door"
	"github.com/hypercloud/hyper/internal/engine/local/files"
)

// Order is what is to be cloned. It is the one argument, as JSON.
type Order struct {
	URL    string
	Branch string `json:",omitempty"` // "": the repository's choice
	Memory uint64 // bytes that the process may take; more ends it
}

// Bounds of what a clone takes of memory.
const (
	cached = 64 << 20 // of objects
	large  = 8 << 20  // a file of more is read piece by piece
)

// way is the descriptor of the door; 3 is the volume.
const way = 4

// Main does one clone and returns the exit code. A failure is a files.Failure on standard error, and exit code 1.
func Main(args []string, errs io.Writer) int {
	if err := run(args); err != nil {
		_ = json.NewEncoder(errs).Encode(failure(err))
		return 1
	}
	return 0
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("hyper-git is started by hyperd only")
	}
	var o Order
	if err := json.Unmarshal([]byte(args[0]), &o); err != nil {
		return fmt.Errorf("reading the order: %w", err)
	}
	if !userns.RunningInUserNS() { // asked while there is a /proc to ask
		return errors.New("hyper-git needs a user namespace of its own")
	}
	if err := files.Bound(o.Memory); err != nil {
		return err
	}
	roots, err := x509.SystemCertPool() // while there are files to read it from
	if err != nil {
		return fmt.Errorf("reading the certificates that are trusted: %w", err)
	}
	if err := files.Leave(); err != nil {
		return fmt.Errorf("leaving the machine's file system: %w", err)
	}
	unix.Umask(0o022)
	protocols(door.NewWay(way).Dial, roots)
	return clone(context.Background(), o)
}

// clone fills the root directory with a branch's files, and .git beside them.
func clone(ctx context.Context, o Order) error {
	store := filesystem.NewStorageWithOptions(osfs.New("/.git"), cache.NewObjectLRU(cached), filesystem.Options{LargeObjectThreshold: large})
	opts := &gogit.CloneOptions{URL: o.URL, Tags: gogit.TagFollowing, RecurseSubmodules: gogit.NoRecurseSubmodules}
	if o.Branch != "" {
		opts.ReferenceName = plumbing.NewBranchReferenceName(o.Branch)
	}
	_, err := gogit.CloneContext(ctx, store, osfs.New("/"), opts)
	var noRef gogit.NoMatchingRefSpecError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return &sentence{"the repository is empty"}
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return &sentence{"there is no such repository"}
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		return &sentence{"the repository wants a login, which can be in its address (https://USER:PASSWORD@HOST/...), or is not there"}
	case errors.As(err, &noRef), errors.Is(err, plumbing.ErrReferenceNotFound):
		if o.Branch == "" {
			return &sentence{"the repository names no branch to begin with: name one after a colon"}
		}
		return &sentence{fmt.Sprintf("the repository has no branch %q", o.Branch)}
	}
	return err
}

// sentence is an error whose text is for the user.
type sentence struct{ text string }

func (e *sentence) Error() string { return e.text }

// failure puts an error in the words of package files. All that is not the machine's doing is the source's.
func failure(err error) files.Failure {
	kind := "invalid"
	var errno unix.Errno
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		kind = "full"
	case errors.As(err, &errno) && !errors.Is(err, os.ErrExist) && !errors.Is(err, os.ErrNotExist) && errno != unix.ENOTDIR && errno != unix.ENAMETOOLONG && errno != unix.EINVAL:
		kind = ""
	}
	return files.Failure{Kind: kind, Text: plain(err.Error())}
}

// plain is a text without what a terminal would take for a command: some of it is a stranger's.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	const most = 400
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "..."
	}
	return strings.Join(strings.Fields(text), " ")
}
