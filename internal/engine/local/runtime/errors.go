package runtime

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// startError says why runc could not start a container's process.
func startError(spec engine.RunSpec, err error) error {
	reason := reasonOf(err)
	if cmd := commandError(reason); cmd != nil {
		return cmd
	}
	for _, m := range spec.Mounts {
		if strings.HasPrefix(reason, "error mounting ") && strings.Contains(reason, fmt.Sprintf("%q", m.Source)) {
			return mountError(m, reason)
		}
	}
	if devices, is := deviceError(reason); is {
		return oops.Invalid("the container's devices cannot be made: %s", devices)
	}
	switch {
	case strings.Contains(reason, strayed):
		return oops.Invalid("the working directory %q is not in the container", spec.WorkingDir)
	case strings.HasPrefix(reason, "error mounting "):
		return oops.Invalid("the container's file systems cannot be mounted: %s", strings.TrimPrefix(reason, "error mounting "))
	case strings.Contains(reason, "no space left on device"):
		return oops.Exhausted("the container cannot be started: the machine's disk is full")
	case strings.Contains(reason, "OOM-killed") || strings.Contains(reason, "oom-killed"):
		return oops.Invalid("the container cannot be started: its memory is too small for its first process")
	}
	return fmt.Errorf("starting the container: %s", reason)
}

func mountError(m engine.Mount, reason string) error {
	st, err := os.Stat(m.Source)
	switch {
	case strings.Contains(reason, "not a directory") && err == nil && st.IsDir():
		return oops.Invalid("a volume cannot be mounted at %s: the image has a file there", m.Destination)
	case strings.Contains(reason, "not a directory"), m.File != "" && strings.HasSuffix(reason, "invalid argument"):
		return oops.Invalid("a file cannot be mounted at %s: the image has a directory there", m.Destination)
	case strings.Contains(reason, "it is inside"), strings.Contains(reason, "it is not of type proc"):
		return oops.Invalid("a volume cannot be mounted at %s: that belongs to the kernel", m.Destination)
	}
	if i := strings.LastIndex(reason, ": "); i >= 0 {
		reason = reason[i+2:]
	}
	return oops.Invalid("a volume cannot be mounted at %s: %s", m.Destination, reason)
}

// strayed is what runc says of a working directory that is the machine's.
const strayed = "outside of container mount namespace root"

// deviceError tells whether runc could not make the devices, or found that they are none: what a volume over /dev holds is in the way.
func deviceError(reason string) (string, bool) {
	for _, before := range []string{"configuring container /dev: ", "verify ptmx handle: "} {
		if rest, is := strings.CutPrefix(reason, before); is {
			return rest, true
		}
	}
	return "", false
}

// machinePath is where a container's root is on the machine. It is nobody's business but the operator's.
var machinePath = regexp.MustCompile(`/[^ "]*/io\.containerd\.runtime\.v2\.task/[0-9a-f]+/[0-9a-f]+/rootfs/?`)

// reasonOf takes what runc itself says out of what was made of it on the way. Paths in it are those that the container sees.
func reasonOf(err error) string {
	text := strings.TrimSuffix(err.Error(), ": unknown")
	for _, after := range []string{"unable to start container process: ", "error during container init: "} {
		if _, rest, ok := strings.Cut(text, after); ok {
			text = rest
		}
	}
	return machinePath.ReplaceAllString(strings.TrimSpace(text), "/")
}

var (
	execPattern = regexp.MustCompile(`^exec: "`)
	cwdPattern  = regexp.MustCompile(`^(chdir to cwd|mkdir) `)
)

// commandError tells whether it is the command that cannot be run, as Docker does: 127 when there is no such thing, 126 when
// it is nothing to be run.
func commandError(reason string) *engine.CommandError {
	if !execPattern.MatchString(reason) && !cwdPattern.MatchString(reason) {
		return nil
	}
	switch {
	case strings.HasSuffix(reason, "executable file not found in $PATH"), strings.HasSuffix(reason, "no such file or directory"):
		return &engine.CommandError{Code: 127, Msg: reason}
	case strings.HasSuffix(reason, "is a directory"):
		reason += ": permission denied" // by which clients before 23 know a 126
	}
	return &engine.CommandError{Code: 126, Msg: reason}
}

// execError says why a further process could not be run, in the words that clients of the original look for.
func execError(err error) error {
	reason := reasonOf(err)
	cmd := commandError(reason)
	switch {
	case strings.Contains(reason, strayed):
		return oops.Invalid("exec failed: the working directory is not in the container")
	case cmd == nil:
		return fmt.Errorf("exec failed: %s", reason)
	case cmd.Code == 127:
		cmd.Msg = "exec failed: No such file or directory: " + reason
	default:
		cmd.Msg = "exec failed: " + reason
	}
	return cmd
}
