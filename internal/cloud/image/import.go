package image

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"time"

	"github.com/distribution/reference"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/diskroom"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/spool"
	"github.com/hypercloud/hyper/internal/unwrap"
)

// ImportRequest says of what an image of one layer is made.
type ImportRequest struct {
	Archive    io.Reader // a root file system: a tar, plain or packed by gzip, bzip2, xz or zstd
	Repository string    // "": the image gets no name
	Tag        string    // "": latest
	Comment    string
	Config     ocispec.ImageConfig
	Docker     engine.DockerConfig
}

// Import makes an image of a root file system and returns its id. An account imports one at a time. Errors: ErrInvalidArgument,
// ErrResourceExhausted.
func (s *Service) Import(ctx context.Context, a account.Ref, req ImportRequest) (id string, err error) {
	if err := a.Check(); err != nil {
		return "", err
	}
	named, err := CommitName(req.Repository, req.Tag)
	if err != nil {
		return "", err
	}
	sh := s.shelf(a)
	select {
	case sh.importing <- struct{}{}:
		defer func() { <-sh.importing }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	ctx = quota.Once(ctx)
	if err := s.room(ctx, a); err != nil {
		return "", err // before anything is read
	}
	layer, err := s.layerOf(req.Archive)
	if err != nil {
		return "", err
	}
	defer layer.Close()
	config, err := configOf(req, layer.Hash())
	if err != nil {
		return "", err
	}
	// From here on it is an archive as docker save writes it, and none of its rules is any other.
	out, in := io.Pipe()
	go func() { in.CloseWithError(writeArchive(in, layer, config, named)) }()
	defer out.Close()
	err = s.load(ctx, a, LoadRequest{Archive: out}, "import", func(l Loaded) { id = l.ID })
	if err == nil && named != nil {
		s.publish(a, "tag", id, reference.FamiliarString(reference.TagNameOnly(named)))
	}
	return id, err
}

// layerOf keeps the layer that an archive holds, unpacked: its hash is part of what the image is.
func (s *Service) layerOf(r io.Reader) (*spool.Body, error) {
	plain, end, err := unwrap.Reader(r)
	if err != nil {
		return nil, oops.Invalid("the archive cannot be read: %v", err)
	}
	defer end()
	var head [1]byte
	n, err := io.ReadFull(plain, head[:])
	if err != nil {
		return nil, oops.Invalid("the archive cannot be read: it is empty")
	}
	layer, err := spool.Read(diskroom.WhileRoom(io.MultiReader(bytes.NewReader(head[:n]), plain), s.SpoolDir), s.SpoolDir, s.MaxSize)
	switch {
	case errors.Is(err, diskroom.ErrNoRoom):
		return nil, err
	case errors.Is(err, spool.ErrTooLarge):
		return nil, oops.Exhausted("the root file system has more than %d MB, which is what an image can have", s.MaxSize>>20)
	case err != nil:
		return nil, oops.Invalid("the archive cannot be read: %v", err)
	}
	if h, err := tar.NewReader(layer.Reader()).Next(); err != nil && (err != io.EOF || layer.Size() < 512) {
		layer.Close()
		return nil, oops.Invalid("the archive cannot be read: it is no tar, plain or packed by gzip, bzip2, xz or zstd: %v", err)
	} else if h != nil && h.Name == "manifest.json" {
		layer.Close()
		return nil, oops.Invalid("the archive holds an image, and not a root file system: load it")
	}
	return layer, nil
}

func configOf(req ImportRequest, hash string) ([]byte, error) {
	now := time.Now().UTC()
	img := dockerspec.DockerOCIImage{
		Image: ocispec.Image{
			Created:  &now,
			Platform: ocispec.Platform{Architecture: runtime.GOARCH, OS: "linux"},
			RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.NewDigestFromEncoded(digest.SHA256, hash)}},
			History:  []ocispec.History{{Created: &now, Comment: req.Comment}},
		},
		Config: dockerspec.DockerOCIImageConfig{
			ImageConfig:             req.Config,
			DockerOCIImageConfigExt: dockerspec.DockerOCIImageConfigExt{OnBuild: req.Docker.OnBuild, Shell: req.Docker.Shell},
		},
	}
	if h := req.Docker.Healthcheck; h != nil {
		img.Config.Healthcheck = &dockerspec.HealthcheckConfig{
			Test: h.Test, Interval: h.Interval, Timeout: h.Timeout, StartPeriod: h.StartPeriod, StartInterval: h.StartInterval, Retries: h.Retries,
		}
	}
	return json.Marshal(img)
}

func writeArchive(w io.Writer, layer *spool.Body, config []byte, named reference.Named) error {
	type entry struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	e := entry{Config: "config.json", Layers: []string{"layer.tar"}}
	if named != nil {
		e.RepoTags = []string{reference.TagNameOnly(named).String()}
	}
	manifest, err := json.Marshal([]entry{e})
	if err != nil {
		return err
	}
	out := tar.NewWriter(w)
	for _, f := range []struct {
		name string
		size int64
		r    io.Reader
	}{
		{"manifest.json", int64(len(manifest)), bytes.NewReader(manifest)},
		{e.Config, int64(len(config)), bytes.NewReader(config)},
		{e.Layers[0], layer.Size(), layer.Reader()},
	} {
		if err := out.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: f.size, Typeflag: tar.TypeReg}); err != nil {
			return err
		}
		if _, err := io.Copy(out, f.r); err != nil {
			return err
		}
	}
	return out.Close()
}
