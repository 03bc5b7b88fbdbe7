package network

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/vishvananda/netlink"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
)

// whole asks the kernel for a list until it is of one moment: one that changes while it is told may lack what is there.
func whole[T any](list func() ([]T, error)) ([]T, error) {
	const tries = 20
	for n := 1; ; n++ {
		out, err := list()
		if n == tries || !errors.Is(err, netlink.ErrDumpInterrupted) {
			return out, err
		}
	}
}

// belongs refuses a process that is not one of the account's, whatever number it has been given: its root must be the account's.
func belongs(a account.Ref, pid int) error {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/uid_map", pid))
	if err != nil {
		return err
	}
	var inside, outside, count uint32
	if _, err := fmt.Sscan(strings.TrimSpace(string(text)), &inside, &outside, &count); err != nil {
		return fmt.Errorf("reading the user ids of process %d: %w", pid, err)
	}
	if inside != 0 || outside != uint32(a.HostID()) {
		return oops.NotFound("process %d is not one of the account's", pid)
	}
	return nil
}
