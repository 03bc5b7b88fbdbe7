package disk

import (
	"context"
	"fmt"

	"github.com/hypercloud/hyper/internal/account"
)

// VolumeFailed reports whether the file system of an attached volume met an error, and so can only be read until it is
// attached again, which checks and repairs it; see engine.Volumes.
func (d *Disks) VolumeFailed(_ context.Context, a account.Ref, id string) (bool, error) {
	v, err := d.volume(a, id)
	if err != nil {
		return false, err
	}
	name, mounted, err := mountedLoop(v.target)
	if err != nil || !mounted || name == "" {
		return false, err
	}
	// Whether it is mounted read-only is not the question: newer kernels refuse writes without saying so there.
	count, _, err := number(name, "errors_count")
	if err != nil {
		return false, fmt.Errorf("ask for the errors of %s: %w", v, err)
	}
	return count != 0, nil
}
