package runtime

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

const execPrefix = "exec-"

// Adopt implements engine.Containers. What the process wrote while nobody read is in its pipes, and the shim has held
// them open.
func (r *Runtime) Adopt(ctx context.Context, a account.Ref, id string, lc engine.LogConfig) error {
	ctx, _, err := r.running(ctx, a, id)
	if err != nil {
		return err
	}
	k := keyOf(a, id)
	if h := r.hub(k); h.isOpened() {
		return nil
	}
	p, err := findPipes(r.ioDir(k))
	if errors.Is(err, os.ErrNotExist) {
		return oops.NotFound("the streams of container %s are gone: what it writes is not recorded until it is started again", id)
	}
	if err != nil {
		return err
	}
	h, err := r.connect(ctx, k, p, lc)
	if err != nil {
		r.dropHub(k)
		return err
	}
	h.read()
	close(h.running)
	r.releaseExecs(k)
	return nil
}

// releaseExecs reads what is left of execs that an earlier hyperd ran: their clients are gone, and they must not be held
// up by pipes that nobody empties.
func (r *Runtime) releaseExecs(k key) {
	entries, _ := os.ReadDir(r.ioDir(k))
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), execPrefix) {
			continue
		}
		p, err := findPipes(filepath.Join(r.ioDir(k), e.Name()))
		if err != nil {
			continue
		}
		for _, path := range []string{p.stdout, p.stderr} {
			if path == "" {
				continue
			}
			if f, err := openOutput(path); err == nil {
				go func() {
					defer f.Close()
					_, _ = io.Copy(io.Discard, f)
				}()
			}
		}
	}
}
