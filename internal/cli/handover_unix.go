//go:build unix

package cli

import (
	"fmt"
	"os"
	"syscall"
)

func become(path string, args []string) (int, error) {
	err := syscall.Exec(path, append([]string{path}, args...), os.Environ())
	return exitError, fmt.Errorf("running %s: %w", path, err)
}
