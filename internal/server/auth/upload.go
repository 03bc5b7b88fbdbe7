package auth

import (
	"context"
	"sync"
	"time"

	"github.com/hypercloud/hyper/internal/account"
)

// maxUploads bounds signed bodies that are uploads: files for a container, an archive of images. They lie on the machine's disk until the call
// ends.
const maxUploads = 4 // of all accounts, at the same time; of one account: one

type uploadKey struct{}

// WithUpload says that a request's body may have up to most bytes, although it is signed.
func WithUpload(ctx context.Context, most int64) context.Context {
	return context.WithValue(ctx, uploadKey{}, most)
}

func uploadOf(ctx context.Context) int64 {
	most, _ := ctx.Value(uploadKey{}).(int64)
	return most
}

// uploads counts the large bodies that are held.
type uploads struct {
	mu    sync.Mutex
	whose map[account.Ref]bool
}

// enter lets one upload in, or says when to come again. leave must be called when it is over.
func (u *uploads) enter(a account.Ref) (leave func(), err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case u.whose[a]:
		return nil, &TooManyError{After: 5 * time.Second, Why: "another upload of your account is under way"}
	case len(u.whose) >= maxUploads:
		return nil, &TooManyError{After: 5 * time.Second, Why: "too many uploads are under way"}
	}
	if u.whose == nil {
		u.whose = map[account.Ref]bool{}
	}
	u.whose[a] = true
	return sync.OnceFunc(func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		delete(u.whose, a)
	}), nil
}
