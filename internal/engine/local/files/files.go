// Package files is the work on a container's files, in a process of its own.
//
// A container's files are a stranger's, and change while they are looked at: a directory is a link a moment later. So whoever follows their
// paths must have nothing else before it, and no right that the stranger has not. hyperd starts the program hyper-files for
// each call: in a user namespace of the account's ids, so that its root is the account's; in mount, network, process and other namespaces of
// its own; and with one directory, the container's root, as descriptor 3. Main leaves the machine's file system for good, makes that directory its
// root, and only then looks at the first path. What a race or an error gains there is what a process of the container has anyway.
//
// No program is ever run, and no archive is unpacked by another program: those that it would find are the container's.
//
// A volume that is filled is worked on in the same way: it is the directory then, and nobody else has it yet.
//
// Its memory is bounded by itself, its time and its room by others.
//
// The result comes on standard output: for stat an Answer, for read an Answer and then a tar, for export a tar, for changes names, for take and
// save a Taken. A failure
// is a Failure on standard error, and exit code 1.
package files

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/moby/sys/userns"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

// The verbs.
const (
	Stat    = "stat"
	Read    = "read"
	Write   = "write"
	Export  = "export"
	Changes = "changes"
	Take    = "take"
	Save    = "save"
)

// Order is what is to be done. It is the one argument after the verb, as JSON.
type Order struct {
	Path      string
	KeepKinds bool     `json:",omitempty"` // write
	Owner     string   `json:",omitempty"` // write
	Exclude   []string `json:",omitempty"` // read of /, export: directories whose content is left out
	Root      bool     `json:",omitempty"` // export: the root itself comes first, as ./
	Memory    uint64   // bytes that the process may take; more ends it
}

// Answer describes a file.
type Answer struct {
	Name       string
	Size       int64
	Mode       fs.FileMode
	ModTime    time.Time
	LinkTarget string
}

// Failure is why it could not be done.
type Failure struct {
	Kind string // notfound, invalid, readonly, full; "": another
	Text string
}

// root is the descriptor of the container's root directory.
const root = 3

// Main does one piece of work and returns the exit code.
func Main(args []string, in io.Reader, out, errs io.Writer) int {
	logrus.SetOutput(io.Discard) // libraries tell of files that they pass over
	err := run(args, in, out)
	if err == nil {
		return 0
	}
	_ = json.NewEncoder(errs).Encode(Failure{Kind: kindOf(err), Text: shortened(err.Error())})
	return 1
}

// maxText is how many bytes of what went wrong are told: a name of the archive's in it can have a megabyte.
const maxText = 1 << 10

// shortened leaves out the middle of a text, where the name is: what it begins and ends with says what went wrong.
func shortened(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText/2], "") + "..." + strings.ToValidUTF8(text[len(text)-maxText/2:], "")
}

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) != 2 {
		return errors.New("hyper-files is started by hyperd only")
	}
	var o Order
	if err := json.Unmarshal([]byte(args[1]), &o); err != nil {
		return fmt.Errorf("reading the order: %w", err)
	}
	if strings.ContainsRune(o.Path, 0) {
		return &kindError{"invalid", errors.New("the path holds a zero byte")}
	}
	if !userns.RunningInUserNS() { // asked while there is a /proc to ask
		return errors.New("hyper-files needs a user namespace of its own")
	}
	if err := Bound(o.Memory); err != nil {
		return err
	}
	opts, err := unpacking(o)
	if err != nil {
		return err
	}
	if err := Leave(); err != nil {
		return fmt.Errorf("leaving the machine's file system: %w", err)
	}
	unix.Umask(0)
	switch args[0] {
	case Stat:
		return stat(o, out)
	case Read:
		return read(o, out)
	case Write:
		return write(o, opts, in)
	case Export:
		return export(o, out)
	case Changes:
		return changes(out)
	case Take:
		return take(opts, in, out)
	case Save:
		return save(o, in, out)
	}
	return fmt.Errorf("there is no %q", args[0])
}

// Leave puts an empty file system in the place of the machine's, whose mounts are gone then, and makes the directory that is descriptor 3 the
// root. Whoever got out of that would find nothing.
func Leave() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	if err := unix.Mount("tmpfs", "/proc", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "size=4k,mode=555"); err != nil {
		return fmt.Errorf("mounting an empty file system: %w", err)
	}
	if err := unix.Chdir("/proc"); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("changing the root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("letting go of the machine's root: %w", err)
	}
	if err := unix.Fchdir(root); err != nil {
		return fmt.Errorf("entering the container's root: %w", err)
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("entering the container's root: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return err
	}
	if err := unix.Close(root); err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
}

type kindError struct {
	kind string
	error
}

func (e *kindError) Unwrap() error { return e.error }

func kindOf(err error) string {
	var known *kindError
	switch {
	case errors.As(err, &known):
		return known.kind
	case errors.Is(err, os.ErrNotExist):
		return "notfound"
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return "full"
	case errors.Is(err, unix.EROFS):
		return "readonly"
	case errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP), errors.Is(err, unix.ENAMETOOLONG), errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES),
		errors.Is(err, unix.EISDIR), errors.Is(err, unix.EBUSY), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, unix.EINVAL): // a link is none any more when it is read
		return "invalid"
	}
	return ""
}
