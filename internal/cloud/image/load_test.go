package image

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/fetch"
)

// parcels is an archive as the fake engine reads it.
func parcels(t *testing.T, all ...fake.Parcel) io.Reader {
	t.Helper()
	var buf bytes.Buffer
	for _, p := range all {
		if err := json.NewEncoder(&buf).Encode(p); err != nil {
			t.Fatal(err)
		}
	}
	return &buf
}

func (b *bench) load(archive io.Reader) (told []string, err error) {
	b.Helper()
	err = b.images.Load(b.Context(), b.a, LoadRequest{Archive: archive}, func(l Loaded) { told = append(told, plain(l.Name+" "+l.ID)) })
	return told, err
}

func TestLoad(t *testing.T) {
	b := newBench(t)
	b.pull("mysql")
	told, err := b.load(parcels(t, fake.Parcel{Image: nginx, Names: []string{"mysql:latest", "docker.io/team/x"}}, fake.Parcel{Image: newer}))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(told, "; "); got != "mysql:latest NGINX-ID; team/x:latest NGINX-ID;  NEWER-ID" {
		t.Errorf("it tells %s", got)
	}
	// What was loaded has no digest of a registry, and the image that lost its name keeps the one that it was pulled by.
	if got := b.shown(); got != "<none> mysql:latest,team/x:latest mysql@MYSQL" {
		t.Errorf("there are %s", got)
	}
	if b.engine.HasImage(b.b, nginx.ID) {
		t.Error("another account has it")
	}
}

func TestLoadStopsAtTheQuota(t *testing.T) {
	b := newBench(t)
	b.limit(quota.Images, 1)
	told, err := b.load(parcels(t, fake.Parcel{Image: mysql, Names: []string{"mysql"}}, fake.Parcel{Image: nginx, Names: []string{"nginx"}}))
	if !errdefs.IsResourceExhausted(err) || !strings.HasPrefix(err.Error(), "Exceeded quota") {
		t.Errorf("%v", err)
	}
	if len(told) != 1 || b.shown() != "mysql:latest" || b.engine.HasImage(b.a, nginx.ID) {
		t.Errorf("it tells %v, there are %s", told, b.shown())
	}
	// Without room nothing is read at all.
	b.engine.ForgetCalls()
	if _, err := b.load(strings.NewReader("x")); !errdefs.IsResourceExhausted(err) || len(b.engine.Calls()) > 0 {
		t.Errorf("%v %v", err, b.engine.Calls())
	}
}

func TestLoadRefusesNames(t *testing.T) {
	for _, name := range []string{"../etc", "x/UP", "scratch", "", "a b", strings.Repeat("x", 300)} {
		b := newBench(t)
		if _, err := b.load(parcels(t, fake.Parcel{Image: mysql, Names: []string{name}})); !errdefs.IsInvalidArgument(err) {
			t.Errorf("%q: %v", name, err)
		}
		if b.shown() != "" || b.engine.HasImage(b.a, mysql.ID) {
			t.Errorf("%q: there are %s", name, b.shown())
		}
	}
}

// An image is in both places or in none.
func TestLoadThatFailsLeavesNothing(t *testing.T) {
	b := newBench(t)
	b.engine.Fail("Keep", errors.New("broken"))
	if _, err := b.load(parcels(t, fake.Parcel{Image: mysql, Names: []string{"mysql"}})); err == nil || b.shown() != "" {
		t.Errorf("%v %s", err, b.shown())
	}
	b.engine.On("Keep", func(context.Context, fake.Call) error { b.limit(quota.Images, quota.None); return nil })
	if _, err := b.load(parcels(t, fake.Parcel{Image: mysql, Names: []string{"mysql"}})); err == nil || b.shown() != "" || b.engine.HasImage(b.a, mysql.ID) {
		t.Errorf("a quota that falls meanwhile: %v %s", err, b.shown())
	}
}

// Removing and loading the same image at once never leaves a row without its image.
func TestLoadBesideRemoval(t *testing.T) {
	b := newBench(t)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { _, _ = b.load(parcels(t, fake.Parcel{Image: mysql, Names: []string{"mysql"}})) })
		wg.Go(func() { _, _ = b.images.Remove(t.Context(), b.a, "mysql", true) })
	}
	wg.Wait()
	_, row := b.store.View(b.a).Image(mysql.ID)
	if row != b.engine.HasImage(b.a, mysql.ID) {
		t.Errorf("a row: %v, an image: %v", row, !row)
	}
}

func TestPresent(t *testing.T) {
	b := newBench(t)
	b.pull("mysql") // debian, mysql
	debian, top, other := mysql.DiffIDs[0], mysql.DiffIDs[1], nginx.DiffIDs[1]
	for name, tc := range map[string]struct {
		layers []string
		want   int
	}{
		"all": {[]string{debian, top}, 2}, "the lower": {[]string{debian, other}, 1}, "not above a missing one": {[]string{other, debian}, 0}, "none": {nil, 0},
	} {
		if got, err := b.images.Present(b.a, [][]string{tc.layers}); err != nil || len(got) != tc.want {
			t.Errorf("%s: %v %v", name, got, err)
		}
		if got, err := b.images.Present(b.b, [][]string{tc.layers}); err != nil || len(got) != 0 {
			t.Errorf("%s, asked by another account: %v %v", name, got, err)
		}
	}
	if _, err := b.images.Present(b.a, [][]string{{debian}, {top}}); err == nil || err.Error() != "Loading multiple images from local is not supported" {
		t.Errorf("two images: %v", err)
	}
}

// web answers as a test says.
type web struct {
	file fetch.File
	err  error
}

func (w web) Get(context.Context, string) (*fetch.File, error) {
	f := w.file
	f.ReadCloser = io.NopCloser(strings.NewReader("x"))
	f.Reason = fmt.Sprint(f.Status, " ", http.StatusText(f.Status))
	return &f, w.err
}

func TestDownload(t *testing.T) {
	for name, tc := range map[string]struct {
		web  web
		says string
	}{
		"an archive":       {web{file: fetch.File{Size: 1, Type: "application/x-tar", Status: 200}}, ""},
		"of unknown size":  {web{file: fetch.File{Size: -1, Type: "application/octet-stream", Status: 200}}, ""},
		"not found":        {web{file: fetch.File{Size: 1, Type: "text/html", Status: 404}}, "Bad request parameters: Got HTTP status code >= 400: 404 Not Found"},
		"not there":        {web{err: errors.New("Get ftp://x: unsupported protocol scheme \"ftp\"")}, `Bad request parameters: Get ftp://x: unsupported protocol scheme "ftp"`},
		"text":             {web{file: fetch.File{Size: 1, Type: "text/plain", Status: 200}}, "Download failed: URL MIME type should be one of: binary/octet-stream, application/octet-stream, application/x-tar, application/x-gzip, application/x-bzip, application/x-xz, but now is text/plain"},
		"empty":            {web{file: fetch.File{Size: 0, Type: "application/x-tar", Status: 200}}, "Bad request parameters: The size of the image archive file is 0, should be greater than zero and less than or equal to 4294967295"},
		"too large":        {web{file: fetch.File{Size: MaxArchive + 1, Type: "application/x-tar", Status: 200}}, "is 4294967296, should be"},
		"nothing any more": {web{file: fetch.File{Size: 0, Status: 204}}, "204 No Content"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(c *Config) { c.Fetch = tc.web })
			body, size, err := b.images.Download(t.Context(), b.a, "http://x")
			if tc.says == "" && (err != nil || size != tc.web.file.Size) || tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)) {
				t.Errorf("%d %v", size, err)
			}
			if err == nil {
				body.Close()
			}
		})
	}
}

func TestArchivesEndAtTheBound(t *testing.T) {
	a := &archive{ReadCloser: io.NopCloser(strings.NewReader("12345")), left: 4}
	if _, err := io.ReadAll(a); !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), "is greater than") {
		t.Errorf("%v", err)
	}
}

func TestSave(t *testing.T) {
	b := newBench(t)
	b.pull("mysql")
	b.pull("mysql:8")
	b.pull("nginx")
	b.tag("nginx", "team/web:1")
	for name, tc := range map[string]struct {
		refs []string
		want string
	}{
		"a name":      {[]string{"nginx:latest"}, "NGINX-ID [docker.io/library/nginx:latest]"},
		"all tags":    {[]string{"mysql"}, "MYSQL-ID [docker.io/library/mysql:8 docker.io/library/mysql:latest]"},
		"no latest":   {[]string{"team/web"}, "NGINX-ID [docker.io/team/web:1]"},
		"an id":       {[]string{shortID(nginx.ID)}, "NGINX-ID []"},
		"two of one":  {[]string{"nginx:latest", "team/web:1"}, "NGINX-ID [docker.io/library/nginx:latest docker.io/team/web:1]"},
		"two of them": {[]string{"nginx:latest", "mysql:8"}, "NGINX-ID [docker.io/library/nginx:latest] MYSQL-ID [docker.io/library/mysql:8]"},
	} {
		b.engine.ForgetCalls()
		begun := 0
		if err := b.images.Save(t.Context(), b.a, tc.refs, func() { begun++ }, io.Discard); err != nil || begun != 1 {
			t.Errorf("%s: %v, begun %d", name, err, begun)
			continue
		}
		var got []string
		for _, s := range b.engine.Calls("Save")[0].Arg.([]engine.SavedImage) {
			got = append(got, plain(fmt.Sprint(s.ID, " ", s.Names)))
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	for name, refs := range map[string][]string{"unknown": {"none"}, "one of them unknown": {"mysql", "none"}, "none": nil} {
		err := b.images.Save(t.Context(), b.a, refs, func() { t.Errorf("%s: it begins", name) }, io.Discard)
		if err == nil {
			t.Errorf("%s: it goes well", name)
		}
	}
	if err := b.images.Save(t.Context(), b.b, []string{"mysql"}, func() {}, io.Discard); !errdefs.IsNotFound(err) {
		t.Errorf("another's: %v", err)
	}
}

func TestPush(t *testing.T) {
	b := newBench(t)
	b.pull("nginx")
	b.tag("nginx", "me/web:1")
	b.tag("nginx", "me/web:2")
	push := func(ref, tag string) (Pushed, []string, error) {
		var told []string
		p, err := b.images.Push(t.Context(), b.a, PushRequest{Ref: ref, Tag: tag, Username: "u"}, func(m Message) { told = append(told, plain(m.line())) })
		return p, told, err
	}
	p, told, err := push("me/web", "1")
	want := "The push refers to repository [docker.io/me/web]\naaaaaaaaaaaa: Preparing\naaaaaaaaaaaa: Pushed\n1: digest: NGINX size: 1234"
	if err != nil || strings.Join(told, "\n") != want || p.Tag != "1" || p.Digest != nginx.Digest {
		t.Errorf("%+v %v\n%s", p, err, strings.Join(told, "\n"))
	}
	if _, digests := b.images.Names(b.a, nginx.ID); !slices.Contains(digests, "me/web@"+nginx.Digest) {
		t.Errorf("after the push it is known by %v", digests)
	}
	if got := b.engine.Calls("Push")[0].Arg; got != (engine.PushRequest{ID: nginx.ID, Ref: "docker.io/me/web:1", Username: "u"}) {
		t.Errorf("%+v", got)
	}
	b.engine.ForgetCalls()
	if _, _, err := push("me/web", ""); err != nil || len(b.engine.Calls("Push")) != 2 {
		t.Errorf("all tags: %v %v", err, b.engine.Calls("Push"))
	}
	for name, tc := range map[string]struct {
		ref, tag string
		is       func(error) bool
	}{
		"no such repository": {"me/none", "", errdefs.IsNotFound}, "no such tag": {"me/web", "3", errdefs.IsNotFound},
		"a digest": {"me/web@" + nginx.Digest, "", errdefs.IsInvalidArgument}, "a bad name": {"../x", "", errdefs.IsInvalidArgument},
	} {
		if _, told, err := push(tc.ref, tc.tag); !tc.is(err) || len(told) > 0 {
			t.Errorf("%s: %v, told %v", name, err, told)
		}
	}
	if _, err := b.images.Push(t.Context(), b.b, PushRequest{Ref: "me/web", Tag: "1"}, func(Message) {}); !errdefs.IsNotFound(err) {
		t.Errorf("another's: %v", err)
	}
}
