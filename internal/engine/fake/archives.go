package fake

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// Parcel is an image in the fake's archives, which are JSON: one such object after the other.
type Parcel struct {
	Image engine.Image
	Names []string
}

// Load implements engine.Images.
func (e *Engine) Load(ctx context.Context, a account.Ref, req engine.LoadRequest) error {
	if err := e.enter(ctx, a, "Load", "", nil); err != nil {
		return err
	}
	var all []Parcel
	d := json.NewDecoder(req.Archive)
	for d.More() {
		var p Parcel
		if err := d.Decode(&p); err != nil {
			return oops.Invalid("the archive cannot be read: %v", err)
		}
		all = append(all, p)
	}
	if _, err := io.Copy(io.Discard, req.Archive); err != nil {
		return err
	}
	if req.Read != nil {
		req.Read()
	}
	for _, p := range all {
		if req.Progress != nil {
			req.Progress(engine.PullProgress{Layer: "aaaaaaaaaaaa", Status: engine.PullExtracting, Current: 1, Total: 2})
		}
		if err := req.Keep(&p.Image, p.Names, e.entering(a, p.Image)); err != nil {
			return err
		}
	}
	return nil
}

// entering gives an account an image when it is called.
func (e *Engine) entering(a account.Ref, img engine.Image) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := e.enter(ctx, a, "Keep", img.ID, nil); err != nil {
			return err
		}
		e.AddImage(a, img)
		return nil
	}
}

// Manifest implements engine.Images.
func (e *Engine) Manifest(ctx context.Context, a account.Ref, id string) (ocispec.Descriptor, error) {
	if err := e.enter(ctx, a, "Manifest", id, nil); err != nil {
		return ocispec.Descriptor{}, err
	}
	e.mu.Lock()
	img, ok := e.of(a).images[id]
	e.mu.Unlock()
	if !ok {
		return ocispec.Descriptor{}, oops.NotFound("image %s is not on this machine", id)
	}
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.Digest(img.Digest), Size: int64(len(id))}, nil
}

// OpenBlob implements engine.Images. The fake's images have a manifest each, which is the image's id, and nothing else.
func (e *Engine) OpenBlob(ctx context.Context, a account.Ref, digest string) (engine.Blob, error) {
	if err := e.enter(ctx, a, "OpenBlob", digest, nil); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, img := range e.of(a).images {
		if img.Digest == digest {
			return blob{bytes.NewReader([]byte(img.ID))}, nil
		}
	}
	return nil, oops.NotFound("%s is not on this machine", digest)
}

type blob struct{ *bytes.Reader }

func (blob) Close() error { return nil }

// Save implements engine.Images. What it writes can be loaded.
func (e *Engine) Save(ctx context.Context, a account.Ref, images []engine.SavedImage, w io.Writer) error {
	if err := e.enter(ctx, a, "Save", "", images); err != nil {
		return err
	}
	for _, s := range images {
		e.mu.Lock()
		img, ok := e.of(a).images[s.ID]
		e.mu.Unlock()
		if !ok {
			return oops.NotFound("image %s is not on this machine", s.ID)
		}
		if err := json.NewEncoder(w).Encode(Parcel{Image: *img, Names: s.Names}); err != nil {
			return err
		}
	}
	return nil
}

// Push implements engine.Images. The registry serves what was pushed.
func (e *Engine) Push(ctx context.Context, a account.Ref, req engine.PushRequest, progress func(engine.PushProgress)) (engine.Pushed, error) {
	if err := e.enter(ctx, a, "Push", req.ID, req); err != nil {
		return engine.Pushed{}, err
	}
	e.mu.Lock()
	img, ok := e.of(a).images[req.ID]
	if ok {
		e.registry[req.Ref] = remote{image: *img}
	}
	e.mu.Unlock()
	if !ok {
		return engine.Pushed{}, oops.NotFound("image %s is not on this machine", req.ID)
	}
	progress(engine.PushProgress{Layer: "aaaaaaaaaaaa", Status: engine.PushPreparing})
	progress(engine.PushProgress{Layer: "aaaaaaaaaaaa", Status: engine.PushPushed})
	return engine.Pushed{Digest: img.Digest, Size: 1234}, nil
}

// Commit implements engine.Committer.
func (e *Engine) Commit(ctx context.Context, a account.Ref, req engine.CommitRequest) error {
	if err := e.enter(ctx, a, "Commit", req.ID, req); err != nil {
		return err
	}
	e.mu.Lock()
	base, ok := e.of(a).images[req.Base]
	c, there := e.of(a).containers[req.ID]
	running := there && c.task != nil
	e.mu.Unlock()
	switch {
	case !ok || !there:
		return oops.NotFound("container %s has no root file system", req.ID)
	case running:
		return oops.Conflict("container %s is running", req.ID)
	}
	img := MakeImage("commit of "+req.ID, base.Created)
	img.DiffIDs = append(append([]string{}, base.DiffIDs...), Digest("layer "+req.ID))
	img.Size, img.Config, img.Docker = base.Size+1<<20, req.Config, req.Docker
	return req.Keep(&img, nil, e.entering(a, img))
}

// File is one of the fake's containers' files: all of them have the same.
var File = engine.FileStat{Name: "file", Size: 7, Mode: 0o644, ModTime: time.Unix(1_700_000_000, 0).UTC()}

// atFile finds a container, and the one path that is there.
func (e *Engine) atFile(ctx context.Context, a account.Ref, method string, at engine.FileSite, path string) error {
	if err := e.enter(ctx, a, method, at.ID, at); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	c, ok := e.of(a).containers[at.ID]
	switch {
	case !ok:
		return oops.NotFound("container %s has no root file system", at.ID)
	case (c.task != nil) != at.Running:
		return oops.NotFound("container %s is not running, or is", at.ID)
	case path != "/" && path != "/file":
		return oops.NotFound("%s is not there", path)
	}
	return nil
}

// StatFile implements engine.Files.
func (e *Engine) StatFile(ctx context.Context, a account.Ref, at engine.FileSite, path string) (engine.FileStat, error) {
	return File, e.atFile(ctx, a, "StatFile", at, path)
}

// ReadFiles implements engine.Files.
func (e *Engine) ReadFiles(ctx context.Context, a account.Ref, at engine.FileSite, path string, begin func(engine.FileStat), w io.Writer) error {
	if err := e.atFile(ctx, a, "ReadFiles", at, path); err != nil {
		return err
	}
	begin(File)
	_, err := io.WriteString(w, "archive")
	return err
}

// WriteFiles implements engine.Files.
func (e *Engine) WriteFiles(ctx context.Context, a account.Ref, at engine.FileSite, path string, _ engine.WriteOptions, r io.Reader) error {
	if err := e.atFile(ctx, a, "WriteFiles", at, path); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, r)
	return err
}

// ExportFiles implements engine.Files.
func (e *Engine) ExportFiles(ctx context.Context, a account.Ref, at engine.FileSite, w io.Writer) error {
	if err := e.atFile(ctx, a, "ExportFiles", at, "/"); err != nil {
		return err
	}
	_, err := io.WriteString(w, "export")
	return err
}

// ExportVolume implements engine.Files.
func (e *Engine) ExportVolume(ctx context.Context, a account.Ref, dir string, w io.Writer) error {
	if err := e.enter(ctx, a, "ExportVolume", dir, nil); err != nil {
		return err
	}
	_, err := io.WriteString(w, "volume")
	return err
}

// FileChanges implements engine.Files.
func (e *Engine) FileChanges(ctx context.Context, a account.Ref, at engine.FileSite) ([]engine.FileChange, error) {
	return []engine.FileChange{{Path: "/file", Kind: engine.ChangeAdded}}, e.atFile(ctx, a, "FileChanges", at, "/")
}
