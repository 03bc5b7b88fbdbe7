package image

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/store"
)

func said(steps []Removed) string {
	var out []string
	for _, s := range steps {
		if s.Untagged != "" {
			out = append(out, "Untagged: "+s.Untagged)
		}
		if s.Deleted != "" {
			out = append(out, "Deleted: "+s.Deleted)
		}
	}
	return plain(strings.Join(out, "\n"))
}

func TestRemove(t *testing.T) {
	const gone = "Untagged: mysql:latest\nUntagged: mysql@MYSQL\nDeleted: MYSQL-ID\nDeleted: MYSQL-LAYER1\nDeleted: DEBIAN"
	for name, tc := range map[string]struct {
		before func(b *bench)
		ref    string
		force  bool
		says   string // what is removed, or
		fails  string // what the conflict says
		left   string
	}{
		"by its only name": {ref: "mysql", says: gone},
		"by id":            {ref: mysql.ID, says: gone},
		"by short id":      {ref: shortID(mysql.ID), says: gone},
		"layers of others stay": {
			before: func(b *bench) { b.pull("nginx") }, ref: "mysql:latest",
			says: "Untagged: mysql:latest\nUntagged: mysql@MYSQL\nDeleted: MYSQL-ID\nDeleted: MYSQL-LAYER1", left: "nginx:latest,nginx@NGINX",
		},
		"one of two tags": {
			before: func(b *bench) { b.pull("mysql:8") }, ref: "mysql:8",
			says: "Untagged: mysql:8", left: "mysql:latest,mysql@MYSQL",
		},
		"the digest": {
			ref: "mysql@" + mysql.Digest, says: "Untagged: mysql@MYSQL", left: "mysql:latest",
		},
		"the last name in one of two repositories": {
			before: func(b *bench) { b.tag("mysql", "db") }, ref: "mysql",
			says: "Untagged: mysql:latest\nUntagged: mysql@MYSQL", left: "db:latest",
		},
		"a tag whose digest no other tag tells of": {
			before: func(b *bench) { b.tag("mysql", "mysql:mine") }, ref: "mysql:latest",
			says: "Untagged: mysql:latest", left: "mysql:mine,mysql@MYSQL",
		},
		"by id with two tags": {
			before: func(b *bench) { b.pull("mysql:8") }, ref: mysql.ID,
			fails: "conflict: unable to delete MYSQL-SHORT (must be forced) - image is referenced in multiple repositories", left: "mysql:8,mysql:latest,mysql@MYSQL",
		},
		"by id with two tags, forced": {
			before: func(b *bench) { b.pull("mysql:8") }, ref: mysql.ID, force: true,
			says: "Untagged: mysql:8\nUntagged: mysql:latest\nUntagged: mysql@MYSQL\nDeleted: MYSQL-ID\nDeleted: MYSQL-LAYER1\nDeleted: DEBIAN",
		},
		"in use, by name": {
			before: func(b *bench) { b.use(mysql, store.StatusExited) }, ref: "mysql",
			fails: `conflict: unable to remove repository reference "mysql" (must force) - container 00c0ffee0001 is using its referenced image MYSQL-SHORT`,
			left:  "mysql:latest,mysql@MYSQL",
		},
		"in use, by name, forced": {
			before: func(b *bench) { b.use(mysql, store.StatusRunning) }, ref: "mysql", force: true,
			says: "Untagged: mysql:latest\nUntagged: mysql@MYSQL", left: "<none>",
		},
		"in use, one of two tags": {
			before: func(b *bench) { b.pull("mysql:8"); b.use(mysql, store.StatusRunning) }, ref: "mysql:8",
			says: "Untagged: mysql:8", left: "mysql:latest,mysql@MYSQL",
		},
		"in use by a stopped container, by id": {
			before: func(b *bench) { b.use(mysql, store.StatusExited) }, ref: mysql.ID,
			fails: "conflict: unable to delete MYSQL-SHORT (must be forced) - stopped container 00c0ffee0001 is using it", left: "mysql:latest,mysql@MYSQL",
		},
		"in use by a stopped container, by id, forced": {
			before: func(b *bench) { b.use(mysql, store.StatusExited) }, ref: mysql.ID, force: true,
			says: "Untagged: mysql:latest\nUntagged: mysql@MYSQL", left: "<none>",
		},
		"in use by a running container, by id, forced": {
			before: func(b *bench) { b.use(mysql, store.StatusExited); b.use(mysql, store.StatusRunning) }, ref: mysql.ID, force: true,
			fails: "(cannot be forced) - running container 00c0ffee0002 is using it", left: "mysql:latest,mysql@MYSQL",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.pull("mysql")
			if tc.before != nil {
				tc.before(b)
			}
			steps, err := b.images.Remove(t.Context(), b.a, tc.ref, tc.force)
			if tc.fails != "" {
				if !errdefs.IsConflict(err) || !strings.Contains(plain(err.Error()), tc.fails) {
					t.Errorf("error is %v", err)
				}
			} else if err != nil || said(steps) != tc.says {
				t.Errorf("it says\n%s\n%v", said(steps), err)
			}
			if got := b.shown(); got != tc.left {
				t.Errorf("left are %q, want %q", got, tc.left)
			}
			_, inStore := b.store.View(b.a).Image(mysql.ID)
			if inStore != b.engine.HasImage(b.a, mysql.ID) {
				t.Errorf("the store has it: %v, and the engine does not agree", inStore)
			}
		})
	}
}

func (b *bench) tag(ref, name string) {
	b.Helper()
	if err := b.images.Tag(b.Context(), b.a, ref, name, ""); err != nil {
		b.Fatal(err)
	}
}

func TestRemoveErrors(t *testing.T) {
	b := newBench(t)
	b.pull("mysql")
	for name, tc := range map[string]struct {
		ref  string
		is   func(error) bool
		says string
	}{
		"no name":            {"", errdefs.IsInvalidArgument, "Invalid empty image name"},
		"a blank name":       {"  ", errdefs.IsInvalidArgument, "Invalid empty image name"},
		"an unknown name":    {"nginx", errdefs.IsNotFound, "No such image: nginx:latest"},
		"an unknown id":      {"0123456789ab", errdefs.IsNotFound, "No such image: 0123456789ab"},
		"what names nothing": {"../x", errdefs.IsInvalidArgument, "not the name of an image"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.images.Remove(t.Context(), b.a, tc.ref, false)
			if !tc.is(err) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error is %v", err)
			}
		})
	}
	t.Run("another account's", func(t *testing.T) {
		if _, err := b.images.Remove(t.Context(), b.b, "mysql", true); !errdefs.IsNotFound(err) {
			t.Errorf("error is %v", err)
		}
	})
}

func TestRemovedIsRemovedEvenIfTheEngineFails(t *testing.T) {
	b := newBench(t)
	b.pull("mysql")
	b.engine.Fail("RemoveImage", errors.New("busy"))
	if _, err := b.images.Remove(t.Context(), b.a, "mysql", false); err != nil || b.shown() != "" {
		t.Errorf("error is %v, left are %s", err, b.shown())
	}
}

func TestRemoveTellsListeners(t *testing.T) {
	b := newBench(t)
	b.pull("mysql")
	_, events, cancel := b.events.Subscribe(b.a, time.Time{})
	defer cancel()
	if _, err := b.images.Remove(t.Context(), b.a, "mysql", false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"untag mysql:latest", "untag mysql@MYSQL", "delete MYSQL-ID"} {
		if e := <-events; e.ID != mysql.ID || plain(e.Action+" "+e.Attributes["name"]) != want {
			t.Errorf("event is %+v, want %s", e, want)
		}
	}
}

func anyImage(*store.Image) bool { return true }

func TestPrune(t *testing.T) {
	setUp := func(t *testing.T) *bench {
		b := newBench(t)
		b.pull("mysql")
		b.engine.Serve("docker.io/library/mysql:latest", newer)
		b.pull("mysql") // the first one dangles now
		b.pull("nginx")
		b.use(nginx, store.StatusExited)
		return b
	}
	t.Run("dangling ones", func(t *testing.T) {
		b := setUp(t)
		steps, bytes, err := b.images.Prune(t.Context(), b.a, anyImage, true)
		if err != nil || bytes != mysql.Size || said(steps) != "Untagged: mysql@MYSQL\nDeleted: MYSQL-ID\nDeleted: MYSQL-LAYER1" {
			t.Errorf("it says\n%s\n%d bytes, %v", said(steps), bytes, err)
		}
		if got := b.shown(); got != "mysql:latest,mysql@NEWER nginx:latest,nginx@NGINX" {
			t.Errorf("left are %s", got)
		}
	})
	t.Run("all that are not in use", func(t *testing.T) {
		b := setUp(t)
		_, bytes, err := b.images.Prune(t.Context(), b.a, anyImage, false)
		if got := b.shown(); err != nil || bytes != mysql.Size+newer.Size || got != "nginx:latest,nginx@NGINX" {
			t.Errorf("left are %s, %d bytes, %v", got, bytes, err)
		}
	})
}
