package image

import (
	"fmt"
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/store"
)

func TestNames(t *testing.T) {
	b := newBench(t)
	b.pull("mysql")
	b.pull("mysql:8")
	b.tag("mysql", "registry.example.org:5000/db:v1")
	tags, digests := b.images.Names(b.a, mysql.ID)
	if got := plain(strings.Join(append(tags, digests...), " ")); got != "mysql:8 mysql:latest registry.example.org:5000/db:v1 mysql@MYSQL" {
		t.Errorf("names are %s", got)
	}
}

func TestTag(t *testing.T) {
	b := newBench(t)
	b.pull("mysql")
	b.pull("nginx")
	for name, tc := range map[string]struct {
		ref, repository, tag string
		is                   func(error) bool
	}{
		"an unknown image": {"none", "x", "", errdefs.IsNotFound},
		"a bad repository": {"mysql", "X Y", "", errdefs.IsInvalidArgument},
		"a bad tag":        {"mysql", "x", "a/b", errdefs.IsInvalidArgument},
		"a digest":         {"mysql", "x@" + mysql.Digest, "", errdefs.IsInvalidArgument},
		"scratch":          {"mysql", "scratch", "", errdefs.IsInvalidArgument},
		"nothing":          {"mysql", "", "", errdefs.IsInvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			if err := b.images.Tag(t.Context(), b.a, tc.ref, tc.repository, tc.tag); !tc.is(err) {
				t.Errorf("error is %v", err)
			}
		})
	}
	if err := b.images.Tag(t.Context(), b.a, "mysql", "nginx", "latest"); err != nil {
		t.Fatal(err)
	}
	if got := b.shown(); got != "nginx@NGINX mysql:latest,nginx:latest,mysql@MYSQL" {
		t.Errorf("images are %s", got)
	}
}

// Names cost nothing to make, so that there must be an end to them.
func TestNamesAreBounded(t *testing.T) {
	b := newBench(t)
	b.pull("mysql")
	err := b.store.Update(t.Context(), b.a, func(tx *store.Tx) error {
		for i := tx.Counts().Tags; i < maxNames-1; i++ {
			if err := move(tx, store.Tag{Repository: "docker.io/library/x", Tag: fmt.Sprint("t", i), ImageID: mysql.ID}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.tag("mysql", "last:one")
	if err := b.images.Tag(t.Context(), b.a, "mysql", "one", "more"); !errdefs.IsResourceExhausted(err) || !strings.Contains(err.Error(), "2000 names") {
		t.Errorf("one more: %v", err)
	}
	b.tag("mysql", "last:one") // what is there may be moved
	if _, err := b.images.Remove(t.Context(), b.a, "last:one", false); err != nil {
		t.Fatal(err)
	}
	b.tag("mysql", "one:more")
}
