package compose

import (
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/quota/quotatest"
	"github.com/hypercloud/hyper/internal/store"
)

// spend gives all accounts a purse.
func (b *bench) spend() *quotatest.Purse {
	p := quotatest.New(quotatest.Plenty)
	b.Spending, b.Containers.Spending, b.Images.Spending, b.Volumes.Spending, b.FIPs.Spending = p, p, p, p, p
	return p
}

// With a budget that is spent a project that runs stays as it is, and no container is stopped to be replaced.
func TestUpWithoutMoney(t *testing.T) {
	b := newBench(t)
	purse := b.spend()
	b.up(blog(), UpOptions{})
	before := b.state()
	purse.Set(0)
	if _, err := b.tryUp(blog(), UpOptions{}); err != nil {
		t.Errorf("what is up already: %v", err)
	}
	changed := with("web", func(s *store.ProjectService) { s.Environment = []string{"A=1"} })
	if _, err := b.tryUp(changed, UpOptions{}); !errdefs.IsResourceExhausted(err) {
		t.Errorf("a service that has changed: %v", err)
	}
	b.want("after a change that cannot be afforded", b.state(), before)
	more := blog()
	more.Services["other"] = store.ProjectService{Image: "web"}
	if _, err := b.tryUp(more, UpOptions{}); !errdefs.IsResourceExhausted(err) {
		t.Errorf("another service: %v", err)
	}
	if err := b.Stop(b.Context(), b.a, "blog", nil, nil, noting(new([]string))); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := b.Start(b.Context(), b.a, "blog", nil, noting(new([]string))); !errdefs.IsResourceExhausted(err) {
		t.Errorf("start: %v", err)
	}
}

// A command is one thing: when its first part can be afforded it is carried to its end, so that what was stopped to be replaced runs again.
func TestUpIsAffordedAsAWhole(t *testing.T) {
	b := newBench(t)
	purse := b.spend()
	b.up(blog(), UpOptions{})
	purse.Set(1)
	b.up(blog(), UpOptions{ForceRecreate: true})
	if n := purse.Asked(); n != 1 {
		t.Errorf("it was asked for %d times", n)
	}
	b.want("status", []store.Status{b.container("blog-web-1").State.Status, b.container("blog-db-1").State.Status}, "[running running]")
}
