package image

import (
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/quota/quotatest"
)

// With a budget that is spent no image comes that is not there, and those that there are can be pulled again and get other names.
func TestNoImagesWithoutMoney(t *testing.T) {
	purse := quotatest.New(quotatest.Plenty)
	b := newBench(t, func(c *Config) { c.Spending = purse })
	b.pull("mysql")
	purse.Set(0)
	ignore := func(Message) {}
	if err := b.images.Pull(t.Context(), b.a, PullRequest{Ref: "nginx"}, ignore); !errdefs.IsResourceExhausted(err) {
		t.Errorf("another image: %v", err)
	}
	if err := b.images.Pull(t.Context(), b.a, PullRequest{Ref: "mysql"}, ignore); err != nil {
		t.Errorf("an image that is there: %v", err)
	}
	if err := b.images.Tag(t.Context(), b.a, "mysql", "mine", ""); err != nil {
		t.Errorf("another name: %v", err)
	}
	// The name means another image now.
	b.engine.Serve("docker.io/library/mysql:latest", newer)
	if err := b.images.Pull(t.Context(), b.a, PullRequest{Ref: "mysql"}, ignore); !errdefs.IsResourceExhausted(err) {
		t.Errorf("a newer image: %v", err)
	}
	if img, err := b.images.Find(b.a, "mysql"); err != nil || img.ID != mysql.ID {
		t.Errorf("the name is %+v, %v", img, err)
	}
	if b.engine.HasImage(b.a, newer.ID) {
		t.Error("the machine keeps an image that nobody has")
	}
	if _, err := b.images.Import(t.Context(), b.a, ImportRequest{}); !errdefs.IsResourceExhausted(err) {
		t.Errorf("an import: %v", err)
	}
	if err := b.images.Load(t.Context(), b.a, LoadRequest{}, nil); !errdefs.IsResourceExhausted(err) {
		t.Errorf("a load: %v", err)
	}
	if _, err := b.images.Commit(t.Context(), b.a, CommitRequest{Base: mysql.ID}); !errdefs.IsResourceExhausted(err) {
		t.Errorf("a commit: %v", err)
	}
	purse.Set(1)
	b.pull("nginx")
	if n := purse.Asked(); n != 1 {
		t.Errorf("one pull was asked for %d times", n)
	}
}
