package build

import (
	"archive/tar"
	"bytes"
	"context"
	"os"
	"runtime/debug"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/oops"
)

const (
	sizeLabel = "sh_hyper_instancetype"
	// versionLabel tells which hyperd's builder a container is.
	versionLabel = "sh.hyper.builder"
	// layout changes when what a builder is made of does.
	layout = "1"
	// repository is the name of the image that builders are made from.
	repository = "hyper/buildkit"
)

// version is that of the builders that this hyperd makes.
func version() string {
	kit := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/moby/buildkit" {
				kit = m.Version
			}
		}
	}
	return kit + "-" + layout
}

// certificates are where distributions keep those of the authorities that the machine trusts.
var certificates = []string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
}

// base makes the image of a builder: the directories that it needs, the certificates that the machine trusts, and nothing that can be
// run. The programs are mounted into the container, so that they are those of the hyperd that starts it.
func (s *Service) base(ctx context.Context, a account.Ref) (string, error) {
	var trusted []byte
	for _, name := range certificates {
		var err error
		if trusted, err = os.ReadFile(name); err == nil {
			break
		}
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, dir := range []string{"dev", "etc", "etc/ssl", "etc/ssl/certs", "proc", "root", "run", "sys", "tmp", "usr", "usr/libexec", "usr/libexec/hyper", "var", "var/lib", "var/lib/buildkit"} {
		if err := w.WriteHeader(&tar.Header{Name: dir, Typeflag: tar.TypeDir, Mode: 0o755}); err != nil {
			return "", err
		}
	}
	for name, content := range map[string][]byte{
		strings.TrimPrefix(certificates[0], "/"): trusted,
		"etc/passwd":                             []byte("root:x:0:0:root:/root:/sbin/nologin\n"),
		"etc/group":                              []byte("root:x:0:\n"),
	} {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content))}); err != nil {
			return "", err
		}
		if _, err := w.Write(content); err != nil {
			return "", err
		}
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	before, _ := s.Images.Find(a, repository+":"+version())
	id, err := s.Images.Import(ctx, a, image.ImportRequest{
		Archive: &archive, Repository: repository, Tag: version(), Comment: "what images are built in",
		Config: ocispec.ImageConfig{Cmd: command[:1]},
	})
	if err == nil && before != nil && before.ID != id {
		s.forget(ctx, a, before.ID)
	}
	if err == nil && id == "" {
		return "", oops.Unavailable("the image that builders are made from could not be made")
	}
	return id, err
}

// forget removes an image that an earlier builder was made from, unless somebody has given it another name, or runs it.
func (s *Service) forget(ctx context.Context, a account.Ref, id string) {
	if tags, _ := s.Images.Names(a, id); len(tags) > 0 {
		return
	}
	if _, err := s.Images.Remove(ctx, a, id, false); err != nil {
		s.Log.Info("the image of an earlier builder stays", "image", id, "error", err)
	}
}
