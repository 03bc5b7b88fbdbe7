package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/fake"
)

// reader is an engine that reads archives as docker save writes them, of one image.
type reader struct {
	*fake.Engine
	files map[string][]byte
}

func (e *reader) Load(_ context.Context, _ account.Ref, req engine.LoadRequest) error {
	in := tar.NewReader(req.Archive)
	for {
		h, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if e.files[h.Name], err = io.ReadAll(in); err != nil {
			return err
		}
	}
	var manifest []struct{ RepoTags []string }
	if err := json.Unmarshal(e.files["manifest.json"], &manifest); err != nil {
		return err
	}
	img := fake.MakeImage("imported", time.Now(), "layer")
	img.ID = "sha256:" + hash(e.files["config.json"])
	return req.Keep(&img, manifest[0].RepoTags, func(context.Context) error { return nil })
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func rootfs(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range names {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestImport(t *testing.T) {
	plain := rootfs(t, "etc/passwd")
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(plain); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	for name, archive := range map[string][]byte{"plain": plain, "packed": packed.Bytes()} {
		t.Run(name, func(t *testing.T) {
			e := &reader{files: map[string][]byte{}}
			b := newBench(t, func(c *Config) { e.Engine = c.Engine.(*fake.Engine); c.Engine = e })
			id, err := b.images.Import(t.Context(), b.a, ImportRequest{
				Archive: bytes.NewReader(archive), Repository: "mine", Tag: "1", Comment: "why",
				Config: ocispec.ImageConfig{Cmd: []string{"/init"}}, Docker: engine.DockerConfig{OnBuild: []string{"RUN true"}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(e.files["layer.tar"], plain) {
				t.Error("the layer is not what was imported")
			}
			var config dockerspec.DockerOCIImage
			if err := json.Unmarshal(e.files["config.json"], &config); err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprint(config.RootFS.DiffIDs, config.Config.Cmd, config.Config.OnBuild, config.History[0].Comment)
			if want := "[sha256:" + hash(plain) + "][/init][RUN true]why"; strings.ReplaceAll(got, " [", "[") != want && got != want {
				t.Errorf("its config is %s, want %s", got, want)
			}
			img, err := b.images.Find(b.a, "mine:1")
			if err != nil || img.ID != id {
				t.Errorf("%v, and its id is %s", err, id)
			}
		})
	}
}

func TestImportRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		req  ImportRequest
		says string
	}{
		"nothing":       {ImportRequest{Archive: strings.NewReader("")}, "it is empty"},
		"no tar":        {ImportRequest{Archive: strings.NewReader(strings.Repeat("garbage", 200))}, "it is no tar"},
		"an image":      {ImportRequest{Archive: bytes.NewReader(rootfs(t, "manifest.json"))}, "load it"},
		"too large":     {ImportRequest{Archive: bytes.NewReader(rootfs(t, strings.Repeat("x", 90)))}, "which is what an image can have"},
		"a bad name":    {ImportRequest{Archive: strings.NewReader(""), Repository: "Not A Name"}, "Not A Name"},
		"a reserved":    {ImportRequest{Archive: strings.NewReader(""), Repository: "scratch"}, "reserved name"},
		"a name of old": {ImportRequest{Archive: strings.NewReader(""), Repository: "x@sha256:" + strings.Repeat("0", 64)}, "has a digest"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(c *Config) {
				if name == "too large" {
					c.MaxSize = 600
				}
			})
			_, err := b.images.Import(t.Context(), b.a, tc.req)
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, want something about %q", err, tc.says)
			}
			if got := b.shown(); got != "" {
				t.Errorf("%s is left", got)
			}
		})
	}
}
