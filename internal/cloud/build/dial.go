package build

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"net"
	"path"
	"strings"
	"sync"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// dialer connects to buildkitd in a builder: by a process there, whose streams lead to its socket, and which ends when the connection is closed. Its socket is a file that the container
// could replace by a link; a process of the container finds the container's files, whatever they are.
func (s *Service) dialer(a account.Ref, id string) func(context.Context, string) (net.Conn, error) {
	return func(context.Context, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		var said tail
		started := make(chan struct{})
		ended := make(chan error, 1)
		go func() {
			// When the connection is closed its input ends, then buildkitd closes its side, and so the process ends. Were the context to end
			// first, the process would be let go of, and its input stay open.
			code, err := s.Engine.Exec(context.Background(), a, id, engine.ExecSpec{
				ID: execID(), Args: []string{path.Join(engine.BuilderDir, "hyper-builder"), socket},
			}, engine.Streams{Stdin: theirs, Stdout: theirs, Stderr: &said}, func(int) { close(started) })
			_ = theirs.Close()
			if err == nil && code != 0 {
				err = oops.Unavailable("%s", strings.TrimSpace(said.String()))
			}
			ended <- err
		}()
		select {
		case <-started:
			return ours, nil
		case err := <-ended:
			if err == nil {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// tail keeps the first of what a process complains of.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p[:min(len(p), 1024-min(len(t.text), 1024))]...)
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

func execID() string {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
