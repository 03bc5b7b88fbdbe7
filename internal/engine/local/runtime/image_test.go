package runtime

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
)

// file is one entry of the test image.
type file struct {
	name, content, link string
	kind                byte
	mode                int64
	uid, gid            int
	xattrs              map[string]string
}

// imageFiles are a busybox and what the tests want to find.
func imageFiles() ([]file, error) {
	path, err := exec.LookPath("busybox")
	if err != nil {
		return nil, fmt.Errorf("the test image is made of busybox-static, which is missing: %w", err)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	files := []file{
		{name: "bin/", mode: 0o755}, {name: "bin/busybox", content: string(program), mode: 0o755},
		{name: "sbin/", mode: 0o755}, {name: "tmp/", mode: 0o1777}, {name: "root/", mode: 0o700}, {name: "etc/", mode: 0o755}, {name: "dev/", mode: 0o755},
		{name: "etc/passwd", content: "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1001:web:/home/web:/bin/sh\nhuge:x:70000:70000::/:/bin/sh\n", mode: 0o644},
		{name: "etc/group", content: "root:x:0:\nweb:x:1001:\naudio:x:29:web\nvideo:x:44:\n", mode: 0o644},
		{name: "etc/noexec", content: "#!/bin/sh\n", mode: 0o644},
		{name: "bin/broken", content: "neither a program nor a script", mode: 0o755},
		{name: "data/", mode: 0o750, uid: 1000, gid: 1001},
		{name: "data/file", content: "content\n", mode: 0o640, uid: 1000, gid: 1001, xattrs: map[string]string{"user.note": "kept"}},
		{name: "data/setuid", content: "x", mode: 0o4755},
		{name: "data/sub/", mode: 0o2775, gid: 44}, {name: "data/sub/deep", content: "deep\n", mode: 0o600, uid: 7, gid: 8},
		{name: "data/link", kind: tar.TypeSymlink, link: "/etc/passwd"},
		{name: "data/hard", kind: tar.TypeLink, link: "data/file", mode: 0o640, uid: 1000, gid: 1001},
		{name: "data/pipe", kind: tar.TypeFifo, mode: 0o622},
		{name: "data/capable", content: "x", mode: 0o755, xattrs: map[string]string{"security.capability": "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"}},
		{name: "empty/", mode: 0o711, uid: 5, gid: 6},
		{name: "away", kind: tar.TypeSymlink, link: "../../../../etc"},
	}
	for applet := range strings.FieldsSeq("sh cat echo sleep id ls true false kill env hostname head tail wc dd mount touch mkdir ps stty yes test seq grep nc ulimit tty stat od") {
		files = append(files, file{name: "bin/" + applet, kind: tar.TypeSymlink, link: "busybox"})
	}
	return files, nil
}

func layer() ([]byte, error) {
	files, err := imageFiles()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range files {
		h := &tar.Header{
			Name: f.name, Mode: f.mode, Uid: f.uid, Gid: f.gid, Linkname: f.link, Typeflag: f.kind, Size: int64(len(f.content)),
			ModTime: time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC), Format: tar.FormatPAX,
		}
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
			if strings.HasSuffix(f.name, "/") {
				h.Typeflag = tar.TypeDir
			}
		}
		for k, v := range f.xattrs {
			if h.PAXRecords == nil {
				h.PAXRecords = map[string]string{}
			}
			h.PAXRecords["SCHILY.xattr."+k] = v
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write([]byte(f.content)); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), w.Close()
}

// giveImage puts the test image among an account's, as a pull does, and returns its id.
func giveImage(ctx context.Context, r *Runtime, a account.Ref) (string, error) {
	ctx = scope(ctx, a)
	ctx, done, err := r.Client.WithLease(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = done(ctx) }()
	raw, err := layer()
	if err != nil {
		return "", err
	}
	put := func(mediaType string, data []byte, labels map[string]string) (ocispec.Descriptor, error) {
		d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
		err := content.WriteBlob(ctx, r.Client.ContentStore(), d.Digest.String(), bytes.NewReader(data), d, content.WithLabels(labels))
		return d, err
	}
	l, err := put(ocispec.MediaTypeImageLayer, raw, nil)
	if err != nil {
		return "", err
	}
	config, err := json.Marshal(ocispec.Image{
		Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"},
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{l.Digest}},
	})
	if err != nil {
		return "", err
	}
	c, err := put(ocispec.MediaTypeImageConfig, config, nil)
	if err != nil {
		return "", err
	}
	manifest, err := json.Marshal(ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Config: c, Layers: []ocispec.Descriptor{l}})
	if err != nil {
		return "", err
	}
	m, err := put(ocispec.MediaTypeImageManifest, manifest, map[string]string{
		"containerd.io/gc.ref.content.config": c.Digest.String(), "containerd.io/gc.ref.content.l.0": l.Digest.String(),
	})
	if err != nil {
		return "", err
	}
	img, err := r.Client.ImageService().Create(ctx, images.Image{Name: c.Digest.String(), Target: m})
	if err != nil && !errdefs.IsAlreadyExists(err) {
		return "", err
	}
	if err == nil {
		err = containerd.NewImage(r.Client, img).Unpack(ctx, snapshotter)
	} else {
		err = nil
	}
	return c.Digest.String(), err
}

// Architectures differ, and the image is never asked for one: its id names it.
func TestTheTestImageIsWhole(t *testing.T) {
	if _, err := giveImage(t.Context(), shared, accountNumber(t, 0)); err != nil {
		t.Fatal(err)
	}
}
