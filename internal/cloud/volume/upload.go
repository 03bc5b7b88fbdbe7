package volume

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
)

// MaxUpload is how many bytes an upload may have (behaviour 4.4), if the volume is not larger.
const MaxUpload = 10 << 30

// Upload takes the files for one volume of a session, as a tar. Whoever knows the cookie may send them, once. They are unpacked when it returns, and
// in their place when FinishUpload says so; a failure is remembered for that. Errors: ErrNotFound for a session, a volume or a cookie that there is not,
// ErrConflict for a second upload, ErrInvalidArgument, ErrResourceExhausted.
func (s *Service) Upload(ctx context.Context, session, cookie, name string, archive io.Reader) error {
	j := s.fills.find(session)
	if j == nil || subtle.ConstantTimeCompare([]byte(j.cookie), []byte(cookie)) != 1 {
		return oops.NotFound("there is no such upload, or its time is over: initialise the volume again")
	}
	it, err := j.beginUpload(name)
	if err != nil {
		return err
	}
	defer j.uploads.Done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(j.ctx, func() { cancel(context.Cause(j.ctx)) })
	defer stop()
	out, err := s.Engine.PrepareFill(ctx, j.a, it.id, it.size, engine.FillSource{Tar: &sent{archive, max(MaxUpload, it.size)}})
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	failpoint.Hit("volume.fill.after-upload")
	j.mu.Lock()
	defer j.mu.Unlock()
	it.over, it.filled, it.err = true, out, err
	return err
}

func (j *job) beginUpload(name string) (*item, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	i := slices.IndexFunc(j.items, func(it *item) bool { return it.name == name })
	switch {
	case i < 0, j.closing:
		return nil, oops.NotFound("there is no such upload, or its time is over: initialise the volume again")
	case j.items[i].begun:
		return nil, oops.Conflict("the files of volume %s have been sent already", name)
	}
	j.items[i].begun = true
	j.uploads.Add(1)
	return j.items[i], nil
}

// sent reads what a client sends, to a bound. That it breaks off is the client's doing.
type sent struct {
	r    io.Reader
	left int64
}

func (u *sent) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	if u.left -= int64(n); u.left < 0 {
		return 0, oops.Exhausted("an upload may have at most %d GB, or as much as the volume holds", MaxUpload>>30)
	}
	if err != nil && !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return n, oops.Invalid("the upload broke off")
	}
	return n, err
}

// FinishUpload ends a session: the files of all its volumes are in place when it returns, or, after an error, of none. It waits for uploads that
// are under way. Errors: ErrNotFound, ErrInvalidArgument if a volume's files were not sent or could not be used.
func (s *Service) FinishUpload(_ context.Context, a account.Ref, session string) error {
	j := s.fills.find(session)
	if j == nil || j.a != a || !j.close() {
		return oops.NotFound("No such upload session: %s", session)
	}
	j.uploads.Wait()
	err := j.verdict()
	if err == nil {
		err = s.commit(j, j.items)
	}
	if err != nil {
		return errors.Join(err, s.abandon(j))
	}
	s.fills.end(j)
	return nil
}

// verdict says what is wrong with the uploads of a session that is closed.
func (j *job) verdict() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var errs []error
	for _, it := range j.items {
		switch {
		case !it.over:
			errs = append(errs, fmt.Errorf("nothing was sent for volume %s", it.name))
		case it.err != nil:
			errs = append(errs, fmt.Errorf("the upload for volume %s failed: %w", it.name, it.err))
		}
	}
	return oops.As(errdefs.ErrInvalidArgument, errors.Join(errs...))
}
