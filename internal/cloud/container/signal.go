package container

import (
	"strconv"
	"strings"
	"syscall"

	"github.com/moby/sys/signal"

	"github.com/hypercloud/hyper/internal/oops"
)

// parseSignal reads TERM, SIGTERM or 15.
func parseSignal(s string) (syscall.Signal, error) {
	if n, err := strconv.Atoi(s); err == nil {
		if n <= 0 || n > 64 {
			return 0, oops.Invalid("invalid signal: %s", s)
		}
		return syscall.Signal(n), nil
	}
	sig, err := signal.ParseSignal(strings.ToUpper(s))
	if err != nil {
		return 0, oops.Invalid("invalid signal: %s", s)
	}
	return sig, nil
}

func stopSignal(c *Container) syscall.Signal {
	if c.Spec.StopSignal != "" {
		if sig, err := parseSignal(c.Spec.StopSignal); err == nil {
			return sig
		}
	}
	return syscall.SIGTERM
}

func sigText(sig syscall.Signal) string { return strconv.Itoa(int(sig)) }
