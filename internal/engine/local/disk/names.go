package disk

import (
	"fmt"
	"regexp"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/oops"
)

const (
	imageSuffix = ".img"
	newSuffix   = ".new" // of what is not whole yet
	orphans     = "orphans"
	dataDir     = "data" // inside a volume
)

var (
	volumeID  = regexp.MustCompile(`^[0-9a-f]{64}$`)
	accountID = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// short is what people call a volume without a name.
func short(id string) string { return fmt.Sprintf("%.12s", id) }

func errBadID(id string) error {
	return oops.Invalid("volume id %q is not 64 lower-case hex digits", id)
}

func errAbsent(id string) error {
	return oops.NotFound("the disk of volume %s is not on this machine", short(id))
}

func errInUse(format string, args ...any) error {
	return oops.As(errdefs.ErrFailedPrecondition, fmt.Errorf(format, args...))
}
