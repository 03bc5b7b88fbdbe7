package images

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// answer makes a bend that answers requests of a method for paths that contain part.
func answer(method, part string, f func(w http.ResponseWriter, r *http.Request)) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if method != "" && r.Method != method || !strings.Contains(r.URL.Path, part) {
			return false
		}
		f(w, r)
		return true
	}
}

func status(code int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// half sends half of a blob that is said to be whole, and breaks off.
func half(size int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(size))
		_, _ = w.Write(make([]byte, size/2))
		panic(http.ErrAbortHandler)
	}
}

func TestBadRegistries(t *testing.T) {
	for _, tc := range []struct {
		name string
		bend func(http.ResponseWriter, *http.Request) bool
		is   func(error) bool
		says string
	}{
		{"no such image", answer("", "/manifests/", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"errors":[{"code":"NAME_UNKNOWN"}]}`)
		}), errdefs.IsNotFound, "Error: image HOST/team/app not found"},
		{"no such tag", answer("", "/manifests/", status(http.StatusNotFound)), errdefs.IsNotFound, "manifest for HOST/team/app:1 not found"},
		{"asks who", answer("", "/v2/", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		}), errdefs.IsUnauthorized, "pull access denied for HOST/team/app:1"},
		{"asks who, and not how", answer("", "/v2/", status(http.StatusUnauthorized)), errdefs.IsUnauthorized, "wants to know who asks"},
		{"forbids", answer("", "/manifests/", status(http.StatusForbidden)), errdefs.IsUnauthorized, "pull access denied"},
		{"too many requests", answer("", "/manifests/", status(http.StatusTooManyRequests)), errdefs.IsUnavailable, "too many requests"},
		{"broken", answer("", "/manifests/", status(http.StatusBadGateway)), errdefs.IsUnavailable, "answered 502 Bad Gateway"},
		{"never answers", answer("", "/manifests/", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
			errdefs.IsUnavailable, "did not answer within 1s"},
		{"never sends a layer", answer("GET", "/blobs/", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}), errdefs.IsUnavailable, "sent nothing for 1s"},
		{"sends a drop now and then", answer("GET", "/blobs/", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte{0})
				w.(http.Flusher).Flush()
				time.Sleep(100 * time.Millisecond)
			}
		}), errdefs.IsUnavailable, "sent nothing for 1s"},
		{"lies about a manifest", answer("GET", "/manifests/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"schemaVersion":2}`) }),
			errdefs.IsUnavailable, "sent a manifest whose digest is"},
		{"lies about a layer", answer("GET", "/blobs/", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) }),
			errdefs.IsUnavailable, "sent something else than sha256:"},
		{"truncates silently", answer("GET", "/blobs/", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("x")) }),
			errdefs.IsUnavailable, "HOST"},
		{"breaks off", answer("GET", "/blobs/", half(1000)), errdefs.IsUnavailable, "HOST"},
		{"has not what it names", answer("GET", "/blobs/", status(http.StatusNotFound)), errdefs.IsUnavailable, "which the image is made of"},
		{"sends no end of a manifest", answer("", "/manifests/", func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				w.WriteHeader(http.StatusMethodNotAllowed)
				return
			}
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}), errdefs.IsInvalidArgument, "a manifest of more than 4 MB"},
		{"schema 1", answer("", "/manifests/", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"schemaVersion":1,"fsLayers":[{"blobSum":"x"}]}`)
		}), errdefs.IsInvalidArgument, "first format (schema 1)"},
		{"no manifest at all", answer("", "/manifests/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }),
			errdefs.IsInvalidArgument, "cannot be read"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			reg := newRegistry(t)
			reg.push(t, "team/app:1", 50_000, 2)
			s, a := reg.store(), anAccount(t)
			reg.bend(tc.bend)
			begin := time.Now()
			_, err := s.Pull(t.Context(), a, reg.own("team/app:1"), nil)
			if !tc.is(err) || !strings.Contains(fmt.Sprint(err), strings.ReplaceAll(tc.says, "HOST", reg.host())) {
				t.Errorf("%v", err)
			}
			if d := time.Since(begin); d > 15*time.Second {
				t.Errorf("it took %v", d)
			}
			if r := remains(t, a); r.images != 0 || r.snapshots != 0 || r.leases > 1 {
				t.Errorf("it left %+v", r)
			}
			// It can be pulled as soon as the registry behaves.
			reg.bend(nil)
			if _, err := s.Pull(t.Context(), a, reg.own("team/app:1"), nil); err != nil {
				t.Error(err)
			}
			if r := remains(t, a); r.images != 1 || r.leases != 0 {
				t.Errorf("afterwards there is %+v", r)
			}
		})
	}
}

func TestNames(t *testing.T) {
	reg := newRegistry(t)
	reg.push(t, "library/app:1", 100, 1)
	reg.bend(answer("", "/manifests/", status(http.StatusNotFound)))
	s := reg.store()
	for ref, says := range map[string]string{
		"docker.io/library/scratch:latest": "'scratch' is a reserved name",
		"docker.io/library/x:latest":       "Error: image library/x not found",
		"docker.io/foo/bar:latest":         "Error: image foo/bar not found",
		"docker.io/library/app:2":          "manifest for app:2 not found",
		"NOT/a name":                       "is not the name of an image",
	} {
		if _, err := s.Pull(t.Context(), anAccount(t), engine.PullRequest{Ref: ref}, nil); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", ref, err)
		}
	}
	if _, err := s.Pull(t.Context(), anAccount(t), engine.PullRequest{Ref: "127.0.0.1:1/x:1"}, nil); !errdefs.IsUnavailable(err) || !strings.Contains(err.Error(), "refuses connections") {
		t.Errorf("nobody there: %v", err)
	}
}

// A pull that was cut goes on where it was, and does not send again what is there.
func TestResume(t *testing.T) {
	reg := newRegistry(t)
	const size = 8 << 20
	img := reg.push(t, "team/app:1", size, 1)
	s, a := reg.store(), anAccount(t)
	blob := layerBytes(t, img)
	sent := len(blob) / 2
	part := func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, layerDigest(t, img)) {
			return false
		}
		if r.Header.Get("Range") != "" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(blob)))
		_, _ = w.Write(blob[:sent])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	reg.bend(part)
	if _, err := s.Pull(t.Context(), a, reg.own("team/app:1"), nil); !errdefs.IsUnavailable(err) {
		t.Fatalf("%v", err)
	}
	collect(t, a)
	if r := remains(t, a); r.leases != 1 || r.images != 0 {
		t.Errorf("%+v", r)
	}
	var from atomic.Int64
	reg.bend(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, layerDigest(t, img)) {
			return false
		}
		at, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Range"), "bytes="), "-"))
		from.Store(int64(at))
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(blob))
		return true
	})
	if _, err := s.Pull(t.Context(), a, reg.own("team/app:1"), nil); err != nil {
		t.Fatal(err)
	}
	if from.Load() != int64(sent) {
		t.Errorf("went on at %d of %d, where %d were there", from.Load(), len(blob), sent)
	}
	if r := remains(t, a); r.images != 1 || r.leases != 0 {
		t.Errorf("%+v", r)
	}
}

// A registry that does not know ranges sends all again; a cut in the middle of a pull is not told of.
func TestCutInTheMiddle(t *testing.T) {
	reg := newRegistry(t)
	img := reg.push(t, "team/app:1", 4<<20, 1)
	blob := layerBytes(t, img)
	var n atomic.Int64
	reg.bend(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, layerDigest(t, img)) {
			return false
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(blob)))
		if n.Add(1) == 1 {
			_, _ = w.Write(blob[:len(blob)/2])
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(blob)
		return true
	})
	if _, err := reg.store().Pull(t.Context(), anAccount(t), reg.own("team/app:1"), nil); err != nil {
		t.Error(err)
	}
	if n.Load() != 2 {
		t.Errorf("asked %d times", n.Load())
	}
}

func layerBytes(t *testing.T, img v1.Image) []byte {
	t.Helper()
	ls, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	rc, err := ls[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	raw, err := io.ReadAll(rc)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func layerDigest(t *testing.T, img v1.Image) string {
	t.Helper()
	ls, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	return digestOf(t, ls[0])
}

func TestBadImages(t *testing.T) {
	zeros := bytes.Repeat([]byte{0}, 3<<20)
	manyFiles := make([]entry, 200)
	for i := range manyFiles {
		manyFiles[i] = entry{name: "f" + strconv.Itoa(i)}
	}
	for _, tc := range []struct {
		name string
		make func(t *testing.T) v1.Image
		is   func(error) bool
		says string
	}{
		{"unpacks to too much", func(t *testing.T) v1.Image { return layered(t, []entry{{name: "zeros", body: string(zeros)}}) },
			errdefs.IsResourceExhausted, "image is larger than"},
		{"two layers are too much together", func(t *testing.T) v1.Image {
			return layered(t, []entry{{name: "a", body: string(zeros[:3<<19])}}, []entry{{name: "b", body: string(zeros[:3<<19])}})
		}, errdefs.IsResourceExhausted, "image is larger than"},
		{"no end of padding", func(t *testing.T) v1.Image {
			return appendLayer(t, layered(t), append(archived(t, []entry{{name: "a", body: "b"}}), bytes.Repeat([]byte{0}, 8<<20)...))
		}, errdefs.IsResourceExhausted, "image is larger than"},
		{"too many files", func(t *testing.T) v1.Image { return layered(t, manyFiles) }, errdefs.IsResourceExhausted, "more than 100 files"},
		{"is sent too large", func(t *testing.T) v1.Image {
			noise := make([]byte, 0, 3<<20)
			for i := range uint64(3 << 20 / 8) {
				x := (i + 1) * 0x9E3779B97F4A7C15
				x ^= x >> 29
				x *= 0xBF58476D1CE4E5B9
				for range 8 {
					noise = append(noise, byte(x))
					x >>= 8
				}
			}
			return layered(t, []entry{{name: "noise", body: string(noise)}})
		}, errdefs.IsResourceExhausted, "image is larger than"},
		{"is no archive", func(t *testing.T) v1.Image {
			return appendLayer(t, layered(t), []byte(strings.Repeat("not a tar ", 200)))
		},
			errdefs.IsInvalidArgument, "cannot be unpacked"},
		{"lies about its layers", func(t *testing.T) v1.Image {
			img := layered(t, []entry{{name: "a", body: "b"}})
			cf, err := img.ConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			cf = cf.DeepCopy()
			cf.RootFS.DiffIDs[0].Hex = strings.Repeat("0", 64)
			img, err = mutate.ConfigFile(img, cf)
			if err != nil {
				t.Fatal(err)
			}
			return img
		}, errdefs.IsUnavailable, "does not unpack to what"},
		{"has no layers", func(t *testing.T) v1.Image { return layered(t) }, errdefs.IsInvalidArgument, "it has no layers"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			reg := newRegistry(t)
			reg.pushImage(t, "team/app:1", tc.make(t))
			s, a := reg.store(), anAccount(t)
			s.MaxImageSize, s.MaxFiles = 2<<20, 100
			_, err := s.Pull(t.Context(), a, reg.own("team/app:1"), nil)
			if !tc.is(err) || !strings.Contains(fmt.Sprint(err), tc.says) {
				t.Errorf("%v", err)
			}
			collect(t, a)
			if r := remains(t, a); r.images != 0 || r.snapshots != 0 {
				t.Errorf("it left %+v", r)
			}
		})
	}
}

// A mirror that has the image serves it; one that fails is passed over; whose word counts if all fail is told.
func TestMirrors(t *testing.T) {
	good, bad, dead := newRegistry(t), newRegistry(t), httptest.NewServer(nil)
	dead.Close()
	img := good.push(t, "library/app:1", 1000, 1)
	bad.bend(answer("", "", status(http.StatusInternalServerError)))
	a := anAccount(t)
	s := New(Config{Client: daemon.Client(), Mirrors: []string{dead.URL, bad.URL, good.URL}, AnswerTimeout: time.Second})
	got, err := s.Pull(t.Context(), a, engine.PullRequest{Ref: "docker.io/library/app:1", Username: "u", Password: "p"}, nil)
	if err != nil || got.ID != idOf(t, img) {
		t.Errorf("%v, %v", got, err)
	}
	missing, down := oops.NotFound("no"), oops.Unavailable("down")
	for _, tc := range []struct {
		name string
		said []error
		want error
	}{
		{"the registry's own word", []error{down, missing}, missing},
		{"a mirror's if it is silent", []error{missing, down}, missing},
		{"the first of failures", []error{down, oops.Unavailable("too")}, down},
	} {
		if got := verdict(tc.said); got != tc.want { //nolint:errorlint // the same one
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

// Credentials go to the registry that was named and nowhere else.
func TestCredentials(t *testing.T) {
	reg := newRegistry(t)
	reg.push(t, "team/app:1", 1000, 1)
	reg.bend(func(w http.ResponseWriter, r *http.Request) bool {
		if u, p, _ := r.BasicAuth(); u == "u" && p == "p" {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	s, a := reg.store(), anAccount(t)
	req := reg.own("team/app:1")
	req.Username, req.Password = "u", "wrong"
	if _, err := s.Pull(t.Context(), a, req, nil); !errdefs.IsUnauthorized(err) || !strings.Contains(err.Error(), "refuses these credentials") {
		t.Errorf("wrong ones: %v", err)
	}
	if _, err := s.Pull(t.Context(), a, engine.PullRequest{Ref: "docker.io/team/app:1", Username: "u", Password: "p"}, nil); err == nil {
		t.Error("a mirror was told")
	}
	req.Password = "p"
	if _, err := s.Pull(t.Context(), a, req, nil); err != nil {
		t.Error(err)
	}
}

func TestCancel(t *testing.T) {
	reg := newRegistry(t)
	reg.push(t, "team/app:1", 1000, 1)
	arrived := make(chan struct{}, 8)
	reg.bend(answer("GET", "/blobs/", func(_ http.ResponseWriter, r *http.Request) { arrived <- struct{}{}; <-r.Context().Done() }))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	a := anAccount(t)
	if _, err := reg.store().Pull(ctx, a, reg.own("team/app:1"), nil); err != context.Canceled { //nolint:errorlint // as it is
		t.Errorf("%v", err)
	}
	if r := remains(t, a); r.images != 0 || r.snapshots != 0 || r.leases > 1 {
		t.Errorf("%+v", r)
	}
}

// A server that accepts and says nothing at all.
func TestSilence(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := New(Config{Client: daemon.Client(), AnswerTimeout: 500 * time.Millisecond})
	begin := time.Now()
	_, err = s.Pull(t.Context(), anAccount(t), engine.PullRequest{Ref: l.Addr().String() + "/x:1"}, nil)
	if !errdefs.IsUnavailable(err) || !strings.Contains(err.Error(), "did not answer within 500ms") || time.Since(begin) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
}
