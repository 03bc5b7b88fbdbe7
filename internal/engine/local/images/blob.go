package images

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/errdefs"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/images/registry"
	"github.com/hypercloud/hyper/internal/oops"
)

// tries is how often a blob is asked for without getting further, and patience how long the first wait between two tries is.
const (
	tries    = 3
	patience = 250 * time.Millisecond
)

// ingest names the place where a blob is put together. It depends on the blob alone, so that a later pull finds it.
func ingest(d ocispec.Descriptor) string { return "pull-" + d.Digest.String() }

// blob fetches a blob, unless the account has it already, and goes on from what is there of it. A registry that breaks off
// is asked again.
func (p *pull) blob(ctx context.Context, desc ocispec.Descriptor, tell func(engine.PullStatus, int64)) error {
	wait := patience
	for n := 1; ; n++ {
		got, err := p.attempt(ctx, desc, tell)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !errdefs.IsUnavailable(err):
			return err
		case got:
			n, wait = 0, patience
			continue
		case n == tries, errors.Is(err, registry.ErrTimeout):
			return err
		}
		select {
		case <-time.After(wait):
			wait *= 4
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// worthwhile is how many bytes an attempt must have brought for another one to follow at once.
const worthwhile = 1 << 20

// attempt asks once. got tells that it brought something, though not all.
func (p *pull) attempt(ctx context.Context, desc ocispec.Descriptor, tell func(engine.PullStatus, int64)) (got bool, err error) {
	cs := p.Client.ContentStore()
	w, err := content.OpenWriter(ctx, cs, content.WithRef(ingest(desc)), content.WithDescriptor(desc))
	if errdefs.IsAlreadyExists(err) {
		return false, nil // and under our lease
	}
	if err != nil {
		return false, storing(ctx, "opening a place for a blob", err)
	}
	defer w.Close()
	st, err := w.Status()
	if err != nil {
		return false, storing(ctx, "reading what is there of a blob", err)
	}
	at := st.Offset
	if at > desc.Size {
		if err := w.Truncate(0); err != nil {
			return false, storing(ctx, "beginning a blob again", err)
		}
		at = 0
	}
	tell(engine.PullDownloading, at)
	end := at
	if at < desc.Size {
		end, err = p.receive(ctx, desc, w, at, tell)
		if err != nil {
			return end-at >= worthwhile, err
		}
	}
	tell(engine.PullVerifying, end)
	err = w.Commit(ctx, desc.Size, desc.Digest)
	if errdefs.IsFailedPrecondition(err) {
		_ = w.Close()
		_ = cs.Abort(context.WithoutCancel(ctx), ingest(desc))
		return false, oops.Unavailable("%s sent something else than %s", p.repo.Host(), desc.Digest)
	}
	if errdefs.IsAlreadyExists(err) {
		err = nil
	}
	return false, storing(ctx, "storing a blob", err)
}

// receive copies the rest of a blob and returns where it ended.
func (p *pull) receive(ctx context.Context, desc ocispec.Descriptor, w io.Writer, at int64, tell func(engine.PullStatus, int64)) (int64, error) {
	body, err := p.repo.Blob(ctx, desc.Digest, at)
	if err != nil {
		return at, err
	}
	defer body.Close()
	buf := make([]byte, 128<<10)
	for at < desc.Size {
		n, rerr := body.Read(buf[:min(int64(len(buf)), desc.Size-at)])
		if n > 0 {
			if err := p.roomy(); err != nil {
				return at, err
			}
			if _, err := w.Write(buf[:n]); err != nil {
				return at, storing(ctx, "writing a blob", err)
			}
			at += int64(n)
			tell(engine.PullDownloading, at)
		}
		switch {
		case rerr == io.EOF && at < desc.Size:
			return at, oops.Unavailable("%s ended a layer after %d of %d bytes", p.repo.Host(), at, desc.Size)
		case rerr == io.EOF:
			return at, nil
		case rerr != nil:
			return at, rerr
		}
	}
	return at, nil
}
