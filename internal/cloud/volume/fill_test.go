package volume

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/fetch"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// web answers by the end of an address.
type web struct{}

func (web) Get(_ context.Context, url string) (*fetch.File, error) {
	f := &fetch.File{ReadCloser: io.NopCloser(strings.NewReader("of " + url)), Size: -1, Status: http.StatusOK, Reason: "200 OK"}
	switch {
	case strings.HasSuffix(url, "/404"):
		f.Status, f.Reason = http.StatusNotFound, "404 Not Found"
	case strings.HasSuffix(url, "/huge"):
		f.Size = 1 << 50
	case strings.HasSuffix(url, "/cut"):
		f.ReadCloser = io.NopCloser(io.MultiReader(strings.NewReader("x"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	case strings.HasSuffix(url, "/none"):
		return nil, oops.Invalid("Get %s: no such host", url)
	}
	return f, nil
}

func newWebBench(t *testing.T) *bench {
	t.Helper()
	return newBench(t, func(c *Config) { c.Fetch = web{} })
}

func (b *bench) initialize(items ...Item) (Upload, error) {
	b.Helper()
	return b.volumes.Initialize(b.Context(), b.a, InitializeRequest{Volumes: items})
}

func (b *bench) row(name string) *store.Volume {
	b.Helper()
	v, err := b.volumes.Find(b.a, name)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

// holds wants a volume to be filled with content, from source.
func (b *bench) holds(name, content, source, file string) {
	b.Helper()
	v := b.row(name)
	if got := b.engine.VolumeContent(b.a, v.ID); got != content {
		b.Errorf("volume %s holds %q, want %q", name, got, content)
	}
	if v.Spec.Source != source || v.Spec.File != file || v.Spec.Filling != nil || v.Written != (source != "") {
		b.Errorf("the row of volume %s is %+v", name, v)
	}
	if n := b.engine.Fills(b.a); n != 0 {
		b.Errorf("%d volumes have content that was not taken", n)
	}
}

func TestInitializeFromAddresses(t *testing.T) {
	b := newWebBench(t)
	for _, name := range []string{"conf", "repo", "daemon"} {
		b.create(name, nil)
	}
	up, err := b.initialize(Item{"conf", "https://h/a.conf"}, Item{"repo", "https://h/x.git:dev"}, Item{"daemon", "git://h/y"})
	if err != nil || up.Session != "" || up.Cookie != "" || up.Volumes != nil {
		t.Fatalf("%+v, %v", up, err)
	}
	b.holds("conf", "of https://h/a.conf", "https://h/a.conf", "a.conf")
	b.holds("repo", "https://h/x.git dev", "https://h/x.git:dev", "")
	b.holds("daemon", "git://h/y ", "git://h/y", "")
	if _, err := b.initialize(Item{"conf", "https://h/a.conf"}); !errdefs.IsConflict(err) || !strings.Contains(err.Error(), "initialised before") {
		t.Errorf("a second time: %v", err)
	}
	// Once more from where it came.
	up, err = b.volumes.Initialize(t.Context(), b.a, InitializeRequest{Reload: true, Volumes: []Item{{Volume: "conf"}}})
	if err != nil || up.Session != "" {
		t.Errorf("loading again: %+v, %v", up, err)
	}
	b.holds("conf", "of https://h/a.conf", "https://h/a.conf", "a.conf")
}

func TestInitializeIsRefused(t *testing.T) {
	b := newWebBench(t)
	b.create("fresh", nil)
	b.attach(b.create("attached", nil))
	used := *b.create("used", nil)
	used.Written = true
	filling := *b.create("filling", nil)
	filling.Spec.Filling = &store.Filling{Source: "https://h/x"}
	resizing, restoring := *b.create("resizing", nil), *b.create("restoring", nil)
	resizing.Spec.Resizing, restoring.Spec.Restoring = 20, strings.Repeat("a", 64)
	b.put(used, filling, resizing, restoring)
	many := make([]Item, maxItems+1)
	for name, tc := range map[string]struct {
		items  []Item
		reload bool
		is     func(error) bool
		says   string
	}{
		"nothing":                    {nil, false, errdefs.IsInvalidArgument, "no volume"},
		"too many":                   {many, false, errdefs.IsInvalidArgument, "too many"},
		"an unknown volume":          {[]Item{{"none", "https://h/x"}}, false, errdefs.IsNotFound, "No such volume: none"},
		"one twice":                  {[]Item{{"fresh", "https://h/x"}, {"fresh", "https://h/y"}}, false, errdefs.IsInvalidArgument, "twice"},
		"an attached one":            {[]Item{{"attached", "https://h/x"}}, false, errdefs.IsConflict, "attached to container"},
		"one that was used":          {[]Item{{"used", "https://h/x"}}, false, errdefs.IsConflict, "may hold data"},
		"one that is filled":         {[]Item{{"filling", "https://h/x"}}, false, errdefs.IsConflict, "is being filled"},
		"one that is resized":        {[]Item{{"resizing", "https://h/x"}}, false, errdefs.IsConflict, "is being resized"},
		"one that is restored":       {[]Item{{"restoring", "https://h/x"}}, false, errdefs.IsConflict, "is being restored"},
		"a bad source":               {[]Item{{"fresh", "relative"}}, false, errdefs.IsInvalidArgument, "relative is not supported volume source"},
		"loading again what was not": {[]Item{{"fresh", ""}}, true, errdefs.IsConflict, "never initialised"},
		"a missing file":             {[]Item{{"fresh", "https://joe:pw@h/404"}}, false, errdefs.IsInvalidArgument, "https://joe:xxxxx@h/404 cannot be loaded into volume fresh: its server answers 404 Not Found"},
		"an unknown host":            {[]Item{{"fresh", "https://h/none"}}, false, errdefs.IsInvalidArgument, "no such host"},
		"a file that is too large":   {[]Item{{"fresh", "https://h/huge"}}, false, errdefs.IsResourceExhausted, "the volume is smaller"},
		"a file that breaks off":     {[]Item{{"fresh", "https://h/cut"}}, false, errdefs.IsInvalidArgument, "it broke off"},
		"the second of two":          {[]Item{{"fresh", "https://h/x"}, {"none", "https://h/x"}}, false, errdefs.IsNotFound, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := b.volumes.Initialize(t.Context(), b.a, InitializeRequest{Volumes: tc.items, Reload: tc.reload}); !tc.is(err) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error is %v", err)
			}
			b.holds("fresh", "", "", "")
		})
	}
	if _, err := b.volumes.Initialize(t.Context(), b.b, InitializeRequest{Volumes: []Item{{"fresh", "https://h/x"}}}); !errdefs.IsNotFound(err) {
		t.Errorf("another account's: %v", err)
	}
	// After all of that it can be filled.
	if _, err := b.initialize(Item{"fresh", "https://h/x"}); err != nil {
		t.Error(err)
	}
	b.holds("fresh", "of https://h/x", "https://h/x", "x")
}

// All of a call or nothing.
func TestOneOfSeveralFails(t *testing.T) {
	b := newWebBench(t)
	b.create("one", nil)
	b.create("two", nil)
	b.create("three", nil)
	if _, err := b.initialize(Item{"one", "https://h/x"}, Item{"two", "/local"}, Item{"three", "https://h/404"}); !errdefs.IsInvalidArgument(err) {
		t.Errorf("error is %v", err)
	}
	for _, name := range []string{"one", "two", "three"} {
		b.holds(name, "", "", "")
	}
}

func TestUploads(t *testing.T) {
	b := newWebBench(t)
	for _, name := range []string{"dir", "conf", "remote"} {
		b.create(name, nil)
	}
	up, err := b.initialize(Item{"dir", "/src"}, Item{"conf", "/src/a.conf"}, Item{"remote", "https://h/x"})
	if err != nil || len(up.Session) != 32 || len(up.Cookie) != 64 || fmt.Sprint(up.Volumes) != "[dir conf]" {
		t.Fatalf("%+v, %v", up, err)
	}
	if v := b.row("remote"); v.Spec.Source != "https://h/x" || v.Spec.Filling != nil {
		t.Errorf("what comes from an address is not there: %+v", v)
	}
	send := func(session, cookie, volume string) error {
		return b.volumes.Upload(t.Context(), session, cookie, volume, strings.NewReader("files for "+volume))
	}
	for what, err := range map[string]error{
		"another cookie":  send(up.Session, strings.Repeat("0", 64), "dir"),
		"no cookie":       send(up.Session, "", "dir"),
		"another session": send(strings.Repeat("0", 32), up.Cookie, "dir"),
		"another volume":  send(up.Session, up.Cookie, "remote"),
		"another's word":  b.volumes.FinishUpload(t.Context(), b.b, up.Session),
	} {
		if !errdefs.IsNotFound(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := send(up.Session, up.Cookie, "dir"); err != nil {
		t.Fatal(err)
	}
	if err := send(up.Session, up.Cookie, "dir"); !errdefs.IsConflict(err) {
		t.Errorf("a second time: %v", err)
	}
	if err := b.volumes.Upload(t.Context(), up.Session, up.Cookie, "conf", strings.NewReader("file:a.conf:x")); err != nil {
		t.Fatal(err)
	}
	if got := b.engine.VolumeContent(b.a, b.row("dir").ID); got != "" {
		t.Errorf("before the end the volume holds %q", got)
	}
	if err := b.volumes.FinishUpload(t.Context(), b.a, up.Session); err != nil {
		t.Fatal(err)
	}
	b.holds("dir", "files for dir", "/src", "")
	b.holds("conf", "file:a.conf:x", "/src/a.conf", "a.conf")
	if err := b.volumes.FinishUpload(t.Context(), b.a, up.Session); !errdefs.IsNotFound(err) {
		t.Errorf("finishing twice: %v", err)
	}
	if err := send(up.Session, up.Cookie, "dir"); !errdefs.IsNotFound(err) {
		t.Errorf("after the end: %v", err)
	}
}

// What went wrong with an upload is said at its end, and nothing is there.
func TestUploadsThatFail(t *testing.T) {
	b := newWebBench(t)
	b.create("one", nil)
	b.create("two", nil)
	for what, tc := range map[string]struct {
		second io.Reader
		says   string
	}{
		"a volume is left out": {nil, "nothing was sent for volume two"},
		"an upload breaks off": {iotest.ErrReader(io.ErrUnexpectedEOF), "the upload for volume two failed: the upload broke off"},
	} {
		up, err := b.initialize(Item{"one", "/src"}, Item{"two", "/src"})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.volumes.Upload(t.Context(), up.Session, up.Cookie, "one", strings.NewReader("good")); err != nil {
			t.Fatal(err)
		}
		if tc.second != nil {
			if err := b.volumes.Upload(t.Context(), up.Session, up.Cookie, "two", tc.second); !errdefs.IsInvalidArgument(err) {
				t.Errorf("%s: the upload: %v", what, err)
			}
		}
		if err := b.volumes.FinishUpload(t.Context(), b.a, up.Session); !errdefs.IsInvalidArgument(err) || err.Error() != tc.says {
			t.Errorf("%s: %v", what, err)
		}
		b.holds("one", "", "", "")
		b.holds("two", "", "", "")
	}
}

// A client that never comes back holds its volumes for the time that it was given.
func TestUploadsLapse(t *testing.T) {
	b := newBench(t, func(c *Config) { c.FillTime = 50 * time.Millisecond })
	b.create("one", nil)
	up, err := b.initialize(Item{"one", "/src"})
	if err != nil {
		t.Fatal(err)
	}
	for b.row("one").Spec.Filling != nil {
		time.Sleep(5 * time.Millisecond)
	}
	if err := b.volumes.FinishUpload(t.Context(), b.a, up.Session); !errdefs.IsNotFound(err) {
		t.Errorf("finishing afterwards: %v", err)
	}
	b.holds("one", "", "", "")
}

// Who asks for a volume's removal means what fills it, too.
func TestRemovalEndsAFilling(t *testing.T) {
	b := newWebBench(t)
	b.create("one", nil)
	b.create("two", nil)
	up, err := b.initialize(Item{"one", "/src"}, Item{"two", "/src"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.volumes.Prune(t.Context(), b.a, anyVolume, true); err != nil || len(b.store.View(b.a).Volumes()) != 2 {
		t.Errorf("pruning takes volumes that are being filled: %v", err)
	}
	if err := b.volumes.Remove(t.Context(), b.a, "one", false); err != nil {
		t.Fatal(err)
	}
	if err := b.volumes.FinishUpload(t.Context(), b.a, up.Session); !errdefs.IsNotFound(err) {
		t.Errorf("the session: %v", err)
	}
	b.holds("two", "", "", "")

	fetching := make(chan struct{})
	b.engine.On("PrepareFill", func(ctx context.Context, _ fake.Call) error {
		close(fetching)
		<-ctx.Done()
		return ctx.Err()
	})
	ended := make(chan error, 1)
	go func() {
		_, err := b.initialize(Item{"two", "https://h/x"})
		ended <- err
	}()
	<-fetching
	if err := b.volumes.Remove(t.Context(), b.a, "two", false); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errdefs.IsConflict(err) {
		t.Errorf("the filling ends with %v", err)
	}
	if left := b.store.View(b.a).Volumes(); len(left) != 0 || b.engine.Fills(b.a) != 0 {
		t.Errorf("%v is left", left)
	}
}

// A content that is ready and cannot take its place waits for that. The other volumes of its call, whose files were still to be sent, are free.
func TestReadyContentStays(t *testing.T) {
	b := newWebBench(t)
	b.create("sent", nil)
	b.create("fetched", nil)
	b.engine.FailOnce("TakeFill", errors.New("not today"))
	if _, err := b.initialize(Item{"sent", "/src"}, Item{"fetched", "https://h/a.conf"}); err == nil {
		t.Fatal("it went well")
	}
	if v := b.row("sent"); v.Spec.Filling != nil {
		t.Errorf("the volume whose files were still to be sent is %+v", v.Spec.Filling)
	}
	if err := b.volumes.Resize(t.Context(), b.a, "fetched", 20); !errdefs.IsConflict(err) || !strings.Contains(err.Error(), "being filled") {
		t.Errorf("resizing the other one: %v", err)
	}
	if err := b.volumes.Recover(t.Context(), b.a); err != nil {
		t.Fatal(err)
	}
	b.holds("sent", "", "", "")
	b.holds("fetched", "of https://h/a.conf", "https://h/a.conf", "a.conf")
}

// A client that goes away while the server fetches leaves the volume as it was.
func TestClientGoesWhileFetching(t *testing.T) {
	b := newWebBench(t)
	b.create("one", nil)
	ctx, cancel := context.WithCancel(t.Context())
	b.engine.On("PrepareFill", func(ctx context.Context, _ fake.Call) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	})
	if _, err := b.volumes.Initialize(ctx, b.a, InitializeRequest{Volumes: []Item{{"one", "https://h/x"}}}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	b.holds("one", "", "", "")
}

// A hyperd that dies leaves a volume as it was, or, once the content was whole, filled.
func TestRecoverFillings(t *testing.T) {
	b := newWebBench(t)
	half, whole, taken := *b.create("half", nil), *b.create("whole", nil), *b.create("taken", nil)
	half.Spec.Filling = &store.Filling{Source: "/src"}
	whole.Spec.Filling = &store.Filling{Source: "https://h/a.conf", File: "a.conf", Whole: true}
	taken.Spec.Filling = &store.Filling{Source: "https://h/b.conf", File: "b.conf", Whole: true}
	b.put(half, whole, taken)
	for _, v := range []store.Volume{half, whole, taken} {
		it := &item{id: v.ID, name: v.Name, size: 1 << 30, source: source{kind: remoteFile, url: "https://h/a.conf", name: "a.conf"}}
		if _, err := b.volumes.fetch(t.Context(), b.a, it); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.engine.TakeFill(t.Context(), b.a, taken.ID); err != nil {
		t.Fatal(err)
	}
	if err := b.volumes.Recover(t.Context(), b.a); err != nil {
		t.Fatal(err)
	}
	b.holds("half", "", "", "")
	b.holds("whole", "of https://h/a.conf", "https://h/a.conf", "a.conf")
	b.holds("taken", "of https://h/a.conf", "https://h/b.conf", "b.conf")
}

// A volume that is made for a container out of a source is there when it is whole.
func TestMaterialiseFromASource(t *testing.T) {
	b := newWebBench(t)
	good, bad := NewRow("", 10, true, nil), NewRow("", 10, true, nil)
	good.Spec.Filling = &store.Filling{Source: "https://h/a.conf"}
	bad.Spec.Filling = &store.Filling{Source: "https://h/404"}
	b.put(good, bad)
	if err := b.volumes.Materialise(t.Context(), b.a, []string{good.ID}); err != nil {
		t.Fatal(err)
	}
	v, _ := b.store.View(b.a).Volume(good.ID)
	if v.Phase != store.Ready || v.Spec.Source != "https://h/a.conf" || v.Spec.File != "a.conf" || v.Spec.Filling != nil || b.engine.VolumeContent(b.a, v.ID) == "" {
		t.Errorf("%+v", v)
	}
	if err := b.volumes.Materialise(t.Context(), b.a, []string{bad.ID}); !errdefs.IsInvalidArgument(err) {
		t.Errorf("error is %v", err)
	}
	if err := b.volumes.Discard(t.Context(), b.a, []string{bad.ID}); err != nil || b.engine.Fills(b.a) != 0 {
		t.Errorf("%v, %d are ready", err, b.engine.Fills(b.a))
	}
}
