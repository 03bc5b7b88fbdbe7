package fake

import (
	"io"

	"github.com/hypercloud/hyper/internal/engine"
)

// Says has every process write these to its streams as soon as somebody is connected with them. It is said before anything runs.
func (e *Engine) Says(stdout, stderr string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stdout, e.stderr = stdout, stderr
}

// Burn has every process use so many nanoseconds of CPU in each second since the engine was made.
func (e *Engine) Burn(perSecond uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.burn = perSecond
}

func (e *Engine) speak(s engine.Streams) {
	e.mu.Lock()
	stdout, stderr := e.stdout, e.stderr
	e.mu.Unlock()
	if s.Stdout != nil && stdout != "" {
		_, _ = io.WriteString(s.Stdout, stdout)
	}
	if s.Stderr != nil && stderr != "" {
		_, _ = io.WriteString(s.Stderr, stderr)
	}
}
