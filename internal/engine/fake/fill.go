package fake

import (
	"context"
	"io"
	"strings"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

// fill is content that is ready for a volume.
type fill struct {
	content string
	size    int64
}

// PrepareFill implements engine.Filler. An archive is not unpacked: the volume's content is its bytes, and a repository's its address and branch.
// An archive that begins with "file:NAME:" stands for one of a single file.
func (e *Engine) PrepareFill(ctx context.Context, a account.Ref, id string, size int64, src engine.FillSource) (engine.Filled, error) {
	if err := e.enter(ctx, a, "PrepareFill", id, src); err != nil {
		return engine.Filled{}, err
	}
	var out engine.Filled
	var content string
	if src.Git != nil {
		content = src.Git.URL + " " + src.Git.Branch
	} else {
		in := src.Tar
		if src.File != nil {
			in, out.File = src.File, src.Name
		}
		raw, err := io.ReadAll(in)
		if err != nil {
			return engine.Filled{}, err
		}
		content = string(raw)
		if src.Tar != nil {
			out.File = alone(content)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	e.of(a).fills[id] = fill{content, size}
	return out, nil
}

// TakeFill implements engine.Filler.
func (e *Engine) TakeFill(ctx context.Context, a account.Ref, id string) error {
	if err := e.enter(ctx, a, "TakeFill", id, nil); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	t := e.of(a)
	f, ok := t.fills[id]
	if !ok {
		return nil
	}
	if v, ok := t.volumes[id]; ok && v.attached {
		return failedPrecondition("volume %s is attached", id)
	}
	t.volumes[id] = &volume{size: f.size, usage: 1 << 20, content: f.content}
	delete(t.fills, id)
	return nil
}

// DropFill implements engine.Filler.
func (e *Engine) DropFill(ctx context.Context, a account.Ref, id string) error {
	if err := e.enter(ctx, a, "DropFill", id, nil); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.keep()
	delete(e.of(a).fills, id)
	return nil
}

// VolumeContent is what a volume was filled with.
func (e *Engine) VolumeContent(a account.Ref, id string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v, ok := e.of(a).volumes[id]; ok {
		return v.content
	}
	return ""
}

// Fills is how many volumes have content that is ready and was not taken.
func (e *Engine) Fills(a account.Ref) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.of(a).fills)
}

func alone(archive string) string {
	rest, ok := strings.CutPrefix(archive, "file:")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, ":")
	return name
}
