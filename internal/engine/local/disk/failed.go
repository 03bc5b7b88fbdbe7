package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

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
	count, err := os.ReadFile(filepath.Join("/sys/fs/ext4", name, "errors_count"))
	if errors.Is(err, fs.ErrNotExist) { // detached meanwhile
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ask for the errors of %s: %w", v, err)
	}
	return strings.TrimSpace(string(count)) != "0", nil
}
