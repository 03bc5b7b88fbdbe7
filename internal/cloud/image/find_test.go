package image

import (
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/store"
)

func TestFind(t *testing.T) {
	b := newBench(t)
	b.pull("mysql")
	b.pull("nginx")
	hex := strings.TrimPrefix(mysql.ID, "sha256:")
	for name, tc := range map[string]struct {
		ref   string
		fails string // text of the error; "": found
	}{
		"repository":              {"mysql", ""},
		"repository and tag":      {"mysql:latest", ""},
		"all of it":               {"docker.io/library/mysql:latest", ""},
		"without the library":     {"docker.io/mysql", ""},
		"digest":                  {"mysql@" + mysql.Digest, ""},
		"tag and digest":          {"mysql:any@" + mysql.Digest, ""},
		"id":                      {mysql.ID, ""},
		"id without sha256":       {hex, ""},
		"12 digits":               {hex[:12], ""},
		"12 digits with sha256":   {"sha256:" + hex[:12], ""},
		"another tag":             {"mysql:9", "No such image: mysql:9"},
		"no tag":                  {"test456", "No such image: test456:latest"},
		"another digest":          {"mysql@" + nginx.Digest, "No such image: mysql@" + nginx.Digest},
		"another id":              {"sha256:" + strings.Repeat("0", 64), "No such image: sha256:" + strings.Repeat("0", 64)},
		"another registry's":      {"quay.io/library/mysql", "No such image: quay.io/library/mysql:latest"},
		"nothing":                 {"", "Invalid empty image name"},
		"a path":                  {"/etc/passwd", "not the name of an image"},
		"upper case":              {"MySQL", "not the name of an image"},
		"a terminal's escape":     {"a\x1b[2J", "not the name of an image"},
		"a digest of wrong shape": {"mysql@sha256:12", "not the name of an image"},
	} {
		t.Run(name, func(t *testing.T) {
			img, err := b.images.Find(b.a, tc.ref)
			switch {
			case tc.fails == "" && (err != nil || img.ID != mysql.ID):
				t.Errorf("Find gives %v, %v", img, err)
			case tc.fails != "" && (err == nil || !strings.Contains(err.Error(), tc.fails)):
				t.Errorf("error is %v", err)
			case strings.HasPrefix(tc.fails, "No such") != errdefs.IsNotFound(err):
				t.Errorf("class of %v", err)
			}
			if _, err := b.images.Find(b.b, tc.ref); err == nil {
				t.Error("another account finds it")
			}
		})
	}
}

func TestFindPrefersNamesAndRefusesAmbiguousIDs(t *testing.T) {
	b := newBench(t)
	one, two := nginx, newer
	one.ID, two.ID = "sha256:beef"+strings.Repeat("0", 60), "sha256:beef"+strings.Repeat("1", 60)
	err := b.store.Update(t.Context(), b.a, func(tx *store.Tx) error {
		if err := tx.PutImage(store.Image{Image: one}); err != nil {
			return err
		}
		if err := tx.PutImage(store.Image{Image: two}); err != nil {
			return err
		}
		return tx.PutTag(store.Tag{Repository: "docker.io/library/beef0", Tag: "latest", ImageID: two.ID})
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.images.Find(b.a, "beef"); !errdefs.IsInvalidArgument(err) {
		t.Errorf("an ambiguous one: %v", err)
	}
	if img, err := b.images.Find(b.a, "beef0"); err != nil || img.ID != two.ID {
		t.Errorf("a name that looks like an id: %v, %v", img, err)
	}
	if img, err := b.images.Find(b.a, "beef1"); err != nil || img.ID != two.ID {
		t.Errorf("an id: %v, %v", img, err)
	}
	if img, err := b.images.Find(b.a, "sha256:beef0"); err != nil || img.ID != one.ID {
		t.Errorf("what cannot be a name: %v, %v", img, err)
	}
}
