package volume

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/containerd/errdefs"
	"golang.org/x/sync/errgroup"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/fetch"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

const (
	defaultFillTime = 30 * time.Minute
	// maxItems is how many volumes one call may initialise.
	maxItems = 32
)

// Fetcher gets what is at a URL that a tenant names; see fetch.Client.
type Fetcher interface {
	Get(ctx context.Context, url string) (*fetch.File, error)
}

// Item is a volume that is to be filled.
type Item struct{ Volume, Source string }

// InitializeRequest says which volumes are to be filled, and from where.
type InitializeRequest struct {
	Volumes []Item
	// Reload fills them once more from the source that each has, and destroys what they hold. Sources need not be named then.
	Reload bool
}

// Upload is what a client needs to send its files; the zero Upload says that there is nothing to send.
type Upload struct {
	Session, Cookie string
	Volumes         []string
}

// Initialize fills volumes (behaviour 4.4). Those whose source is an address are filled when it returns, all or none; for those whose source is the client's own
// an upload begins, which FinishUpload ends. Errors: ErrNotFound, ErrConflict for a volume that is attached, was used or was initialised before,
// ErrInvalidArgument for a source that cannot be had, ErrResourceExhausted for one that does not fit.
func (s *Service) Initialize(ctx context.Context, a account.Ref, req InitializeRequest) (Upload, error) {
	j, err := s.intendFill(ctx, a, req)
	if err != nil {
		return Upload{}, err
	}
	failpoint.Hit("volume.fill.after-intent")
	// The client's going away ends the fetching, and then all is as it was.
	stop := context.AfterFunc(ctx, func() { j.cancel(context.Cause(ctx)) })
	defer stop()
	remote, sent := j.split()
	if err := s.fetchAll(j, remote); err != nil {
		return Upload{}, errors.Join(err, s.abandon(j))
	}
	if err := s.commit(j, remote); err != nil {
		return Upload{}, errors.Join(err, s.abandon(j))
	}
	if len(sent) == 0 {
		s.fills.end(j)
		return Upload{}, nil
	}
	return s.fills.open(j, sent, func() {
		if err := s.abandon(j); err != nil {
			s.Log.Error("giving up an upload that was not finished", "error", err)
		}
	}), nil
}

// intendFill writes that volumes are being filled, if they may be.
func (s *Service) intendFill(ctx context.Context, a account.Ref, req InitializeRequest) (*job, error) {
	if len(req.Volumes) == 0 {
		return nil, oops.Invalid("no volume is named")
	}
	if len(req.Volumes) > maxItems {
		return nil, oops.Invalid("%d volumes are too many for one call: at most %d can be initialised", len(req.Volumes), maxItems)
	}
	j := newJob(ctx, a, s.FillTime)
	err := s.Store.Update(ctx, a, func(tx *store.Tx) error {
		j.items = nil
		seen := map[string]bool{}
		for _, want := range req.Volumes {
			v, ok := tx.VolumeByName(want.Volume)
			if !ok || v.Phase != store.Ready {
				return noSuchVolume(want.Volume)
			}
			if seen[v.ID] {
				return oops.Invalid("volume %s is named twice", v.Name)
			}
			seen[v.ID] = true
			src, err := fillable(v, want.Source, req.Reload)
			if err != nil {
				return err
			}
			row := *v
			row.Spec.Filling = &store.Filling{Source: src.raw}
			if err := tx.PutVolume(row); err != nil {
				return err
			}
			j.items = append(j.items, &item{id: v.ID, name: v.Name, size: int64(v.SizeGB) << 30, source: src})
		}
		// In the transaction, so that a removal that comes after it finds what to stop.
		return s.fills.begin(j)
	})
	if err != nil {
		s.fills.end(j)
		return nil, err
	}
	return j, nil
}

// fillable says from what a volume is to be filled, if it may be.
func fillable(v *store.Volume, raw string, reload bool) (source, error) {
	if err := Steady(v); err != nil {
		return source{}, err
	}
	switch {
	case v.Container != "":
		return source{}, oops.Conflict("volume %s is attached to container %s: only a volume that no container has can be initialised", v.Name, v.Container)
	case reload && v.Spec.Source == "":
		return source{}, oops.Conflict("volume %s was never initialised: there is no source to load again", v.Name)
	case reload && raw != "" && raw != v.Spec.Source:
		return source{}, oops.Invalid("volume %s was initialised from another source: only that can be loaded again", v.Name)
	case reload:
		return parseSource(v.Spec.Source)
	case v.Spec.Source != "":
		return source{}, oops.Conflict("volume %s has been initialised before: that is done once, make a new volume", v.Name)
	case v.Written:
		return source{}, oops.Conflict("volume %s was in use and may hold data: only a new volume can be initialised", v.Name)
	}
	return parseSource(raw)
}

// fetchAll makes the content of addresses ready.
func (s *Service) fetchAll(j *job, items []*item) error {
	g, ctx := errgroup.WithContext(j.ctx)
	g.SetLimit(atOnce)
	for _, it := range items {
		g.Go(func() (err error) {
			it.filled, err = s.fetch(ctx, j.a, it)
			return err
		})
	}
	err := g.Wait()
	if cause := context.Cause(j.ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

// fetch makes the content of an address ready for a volume.
func (s *Service) fetch(ctx context.Context, a account.Ref, it *item) (engine.Filled, error) {
	out, err := s.fetchFrom(ctx, a, it)
	switch {
	case err == nil:
		failpoint.Hit("volume.fill.after-fetch")
		return out, nil
	case ctx.Err() != nil:
		return out, context.Cause(ctx)
	case errdefs.IsInvalidArgument(err):
		return out, oops.Invalid("%s cannot be loaded into volume %s: %v", it.source.shown(), it.name, err)
	case errdefs.IsResourceExhausted(err):
		return out, oops.Exhausted("%s cannot be loaded into volume %s: %v", it.source.shown(), it.name, err)
	}
	return out, fmt.Errorf("load %s into volume %s: %w", it.source.shown(), it.name, err)
}

func (s *Service) fetchFrom(ctx context.Context, a account.Ref, it *item) (engine.Filled, error) {
	if it.source.kind == repository {
		return s.Engine.PrepareFill(ctx, a, it.id, it.size, engine.FillSource{Git: &engine.GitSource{URL: it.source.url, Branch: it.source.branch}})
	}
	if s.Fetch == nil {
		return engine.Filled{}, oops.NotImplemented("this server asks no other")
	}
	file, err := s.Fetch.Get(ctx, it.source.url)
	if err != nil {
		return engine.Filled{}, err
	}
	defer file.Close()
	switch {
	case file.Status != http.StatusOK:
		return engine.Filled{}, oops.Invalid("its server answers %s", file.Reason)
	case file.Size > it.size:
		return engine.Filled{}, oops.Exhausted("it has %d bytes, and the volume is smaller", file.Size)
	}
	return s.Engine.PrepareFill(ctx, a, it.id, it.size, engine.FillSource{File: worded{file}, Name: it.source.name})
}

// worded reads what comes from elsewhere, and tells why it ends too early.
type worded struct{ io.Reader }

func (w worded) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return n, oops.Invalid("it broke off: %v", err)
	}
	return n, err
}

// commit puts what is ready in its place, in three steps each of which can be the last. After an error, abandon leaves what was
// not ready.
func (s *Service) commit(j *job, items []*item) error {
	if len(items) == 0 {
		return nil
	}
	ctx := context.WithoutCancel(j.ctx)
	err := s.eachFilling(ctx, j.a, items, func(row *store.Volume, it *item) {
		row.Spec.Filling = &store.Filling{Source: it.source.raw, File: it.filled.File, Whole: true}
	})
	if err != nil {
		return err
	}
	failpoint.Hit("volume.fill.after-whole")
	var errs []error
	for _, it := range items {
		errs = append(errs, s.Engine.TakeFill(ctx, j.a, it.id))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	failpoint.Hit("volume.fill.after-take")
	return s.eachFilling(ctx, j.a, items, settle)
}

// settle makes a row that of a volume which was filled.
func settle(row *store.Volume, _ *item) {
	f := row.Spec.Filling
	row.Spec.Source, row.Spec.File, row.Spec.Filling, row.Written = f.Source, f.File, nil, true
}

// abandon leaves the volumes of a job as they were, but for those whose new content is ready: of them a removal, or Recover, does what remains.
func (s *Service) abandon(j *job) error {
	defer s.fills.end(j)
	ctx := context.WithoutCancel(j.ctx)
	view := s.Store.View(j.a)
	half := slices.DeleteFunc(slices.Clone(j.items), func(it *item) bool {
		v, ok := view.Volume(it.id)
		return !ok || v.Spec.Filling == nil || v.Spec.Filling.Whole
	})
	var errs []error
	for _, it := range half {
		errs = append(errs, s.Engine.DropFill(ctx, j.a, it.id))
	}
	return errors.Join(append(errs, s.eachFilling(ctx, j.a, half, func(row *store.Volume, _ *item) { row.Spec.Filling = nil }))...)
}

// eachFilling changes the rows of volumes that are being filled.
func (s *Service) eachFilling(ctx context.Context, a account.Ref, items []*item, change func(*store.Volume, *item)) error {
	return s.Store.Update(ctx, a, func(tx *store.Tx) error {
		for _, it := range items {
			v, ok := tx.Volume(it.id)
			if !ok || v.Spec.Filling == nil {
				continue
			}
			row := *v
			change(&row, it)
			if err := tx.PutVolume(row); err != nil {
				return err
			}
		}
		return nil
	})
}

// fillNew makes the disk of a volume that is being made out of its source.
func (s *Service) fillNew(ctx context.Context, a account.Ref, v *store.Volume) (engine.Filled, error) {
	src, err := parseSource(v.Spec.Filling.Source)
	if err != nil {
		return engine.Filled{}, err
	}
	if src.kind == local {
		return engine.Filled{}, oops.Invalid("%s is the client's own: only an address can be loaded by the server", src.raw)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.FillTime, errTooLong)
	defer cancel()
	out, err := s.fetch(ctx, a, &item{id: v.ID, name: v.Name, size: int64(v.SizeGB) << 30, source: src})
	if err != nil {
		return out, err
	}
	return out, s.Engine.TakeFill(context.WithoutCancel(ctx), a, v.ID)
}

// recoverFilling finishes or undoes what a hyperd that died did to a volume's content.
func (s *Service) recoverFilling(ctx context.Context, a account.Ref, v *store.Volume) error {
	one := []*item{{id: v.ID}}
	if !v.Spec.Filling.Whole {
		if err := s.Engine.DropFill(ctx, a, v.ID); err != nil {
			return err
		}
		return s.eachFilling(ctx, a, one, func(row *store.Volume, _ *item) { row.Spec.Filling = nil })
	}
	if err := s.Engine.TakeFill(ctx, a, v.ID); err != nil {
		return err
	}
	return s.eachFilling(ctx, a, one, settle)
}
