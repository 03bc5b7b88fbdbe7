package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// toolDirs are searched for the file system tools; the environment has no say in it.
var toolDirs = []string{"/usr/sbin", "/sbin", "/usr/bin", "/bin"}

var errNoTool = errors.New("is not installed")

// findTool returns the absolute path of a program.
func findTool(name, debianPackage string) (string, error) {
	for _, dir := range toolDirs {
		path := filepath.Join(dir, name)
		if fi, err := os.Stat(path); err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s %w: install the package %s", name, errNoTool, debianPackage)
}

// toolError is a program that ran and failed.
type toolError struct {
	name   string
	code   int
	output string
}

func (e *toolError) Error() string {
	return fmt.Sprintf("%s failed with status %d: %s", e.name, e.code, e.output)
}

// full reports whether the program failed for want of space.
func (e *toolError) full() bool { return strings.Contains(e.output, "No space left on device") }

// runTool runs a program without a shell, an input or our environment.
func runTool(ctx context.Context, path string, args ...string) error {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = []string{"PATH=" + strings.Join(toolDirs, ":"), "LC_ALL=C"}
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return &toolError{name: filepath.Base(path), code: exit.ExitCode(), output: strings.Join(strings.Fields(string(out)), " ")}
	}
	return err
}
