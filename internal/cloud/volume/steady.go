package volume

import (
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Steady says what is under way that changes what a volume holds or how large it is: ErrConflict. Whoever writes the intent of such
// a change, or is to read the volume, asks in the same transaction, so that one change does not undo another.
func Steady(v *store.Volume) error {
	var what string
	switch {
	case v.Spec.Filling != nil:
		what = "filled"
	case v.Spec.Restoring != "":
		what = "restored"
	case v.Spec.Resizing != 0:
		what = "resized"
	default:
		return nil
	}
	return oops.Conflict("volume %s is being %s: wait until that is done", v.Name, what)
}
