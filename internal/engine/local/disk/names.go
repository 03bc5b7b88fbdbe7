package disk

import (
	"fmt"
	"regexp"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/oops"
)

const (
	imageSuffix  = ".img"
	newSuffix    = ".new" // of what is not whole yet
	fillSuffix   = ".fill"
	filledSuffix = ".filled"
	orphans      = "orphans"
	dataDir      = "data" // inside a volume
	mountsDir    = "mnt"
	rootsDir     = "roots" // of images as of mounts
	snapshots    = "snapshots"
)

var (
	volumeID  = regexp.MustCompile(`^[0-9a-f]{64}$`)
	accountID = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// disk names the disk of what the user knows.
func (v volume) disk() string {
	if v.kind == aVolume || v.kind == aSnapshot {
		return "the disk of " + v.String()
	}
	return v.String()
}

// short is what people call a volume without a name.
func short(id string) string { return fmt.Sprintf("%.12s", id) }

func errBadID(id string) error {
	return oops.Invalid("id %q is not 64 lower-case hex digits", id)
}

func errAbsent(v volume) error {
	return oops.NotFound("%s is not on this machine", v.disk())
}

func errInUse(format string, args ...any) error {
	return oops.As(errdefs.ErrFailedPrecondition, fmt.Errorf(format, args...))
}
