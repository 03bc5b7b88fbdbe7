package images

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/engine"
)

func TestPush(t *testing.T) {
	s, ann, bob := aSoundImage(t), anAccount(t), anAccount(t)
	if _, err := loadInto(t, ann, bytes.NewReader(s.docker(t).bytes(t))); err != nil {
		t.Fatal(err)
	}
	reg := newRegistry(t)
	st := reg.store()
	push := func(ref string) (engine.Pushed, map[engine.PushStatus]int, error) {
		told := map[engine.PushStatus]int{}
		p, err := st.Push(t.Context(), ann, engine.PushRequest{ID: s.id(), Ref: reg.host() + "/" + ref}, func(p engine.PushProgress) {
			if p.Status != engine.PushPushing {
				told[p.Status]++
			}
		})
		return p, told, err
	}
	p, told, err := push("me/app:1")
	if err != nil || told[engine.PushPreparing] != 2 || told[engine.PushPushed] != 2 {
		t.Fatalf("%+v %v %v", p, told, err)
	}
	if _, told, err = push("me/app:2"); err != nil || told[engine.PushExists] != 2 {
		t.Errorf("again: %v %v", told, err)
	}
	img, err := st.Pull(t.Context(), bob, reg.own("me/app:1"), nil)
	if err != nil || img.ID != s.id() || img.Digest != p.Digest {
		t.Errorf("what was pushed: %+v %v", img, err)
	}
	if r := remains(t, ann); r.leases != 0 {
		t.Errorf("%+v", r)
	}
	carl := anAccount(t)
	if _, err := st.Push(t.Context(), carl, engine.PushRequest{ID: s.id(), Ref: reg.host() + "/me/app:1"}, nil); !errdefs.IsNotFound(err) {
		t.Errorf("another's: %v", err)
	}
	for name, tc := range map[string]struct {
		bend func(http.ResponseWriter, *http.Request) bool
		is   func(error) bool
		says string
	}{
		"asks who": {answer("", "/v2/", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		}), errdefs.IsUnauthorized, ""},
		"forbids":      {answer("POST", "/blobs/", status(http.StatusForbidden)), errdefs.IsUnauthorized, ""},
		"is read-only": {answer("POST", "/blobs/", status(http.StatusMethodNotAllowed)), errdefs.IsUnavailable, "could not be pushed"},
		"leads to itself": {answer("POST", "/blobs/", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://169.254.169.254/upload")
			w.WriteHeader(http.StatusAccepted)
		}), errdefs.IsUnavailable, "could not be pushed"},
	} {
		t.Run(name, func(t *testing.T) {
			reg := newRegistry(t)
			reg.bend(tc.bend)
			_, err := reg.store().Push(t.Context(), ann, engine.PushRequest{ID: s.id(), Ref: reg.host() + "/me/new:1"}, func(engine.PushProgress) {})
			if !tc.is(err) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v", err)
			}
		})
	}
}
