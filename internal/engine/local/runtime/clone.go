package runtime

import (
	"context"
	"encoding/json"
	"io"
	"os"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/door"
	"github.com/hypercloud/hyper/internal/engine/local/git"
	"github.com/hypercloud/hyper/internal/oops"
)

// cloneMemory is how many bytes of memory the cloning of a repository may take.
const cloneMemory = 1 << 30

// clone lets hyper-git clone a repository into a directory. What it connects with is looked at here.
func (r *Runtime) clone(ctx context.Context, a account.Ref, root *os.File, src engine.GitSource) error {
	if r.Dial == nil {
		return oops.NotImplemented("this server clones no repositories")
	}
	order, err := json.Marshal(git.Order{URL: src.URL, Branch: src.Branch, Memory: r.memory})
	if err != nil {
		return err
	}
	here, there, err := door.Pair()
	if err != nil {
		return err
	}
	defer here.Close()
	dctx, cancel := context.WithCancel(ctx)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = door.Serve(dctx, here, r.Dial) // what went wrong, the process says
	}()
	f, err := r.rightless(ctx, a, rightless{
		program: "hyper-git", args: []string{string(order)}, files: []*os.File{root, there}, out: io.Discard, started: func() { _ = there.Close() },
	})
	_ = there.Close()
	cancel()
	<-served
	if ctx.Err() == nil && r.starved(a, "clone", err) {
		return oops.Exhausted("the repository takes too much memory to unpack")
	}
	return filled(ctx, f, err)
}
