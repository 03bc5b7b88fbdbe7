package image

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/hypercloud/hyper/internal/unwrap"
)

const (
	// maxArchive is how many bytes the server takes.
	maxArchive = 4294967295
	// maxDocument is how many bytes manifest.json and a config may have.
	maxDocument = 16 << 20
)

// parcel is an archive of one image, as docker save writes it, on its way to be packed anew without some of its layers.
type parcel struct {
	raw    *os.File // the archive, as it came
	packed *os.File // as it is sent
	item   parcelItem
	diffs  []string // digests of the unpacked layers
	links  map[string]string
}

// parcelItem is one image of manifest.json.
type parcelItem struct {
	Config   string
	RepoTags []string
	Layers   []string
}

var errEmpty = errors.New("the archive is empty")

// openParcel keeps an archive in a temporary file and finds the image in it.
func openParcel(in io.Reader) (_ *parcel, err error) {
	p := &parcel{links: map[string]string{}}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.raw, err = nameless(); err != nil {
		return nil, err
	}
	n, err := io.Copy(p.raw, in)
	if err != nil {
		return nil, fmt.Errorf("reading the archive: %w", err)
	}
	if n == 0 {
		return nil, errEmpty
	}
	docs, err := p.documents()
	if err != nil {
		return nil, err
	}
	var items []parcelItem
	text, ok := docs["manifest.json"]
	if !ok {
		return nil, errors.New("open manifest.json: no such file or directory")
	}
	if err := json.Unmarshal(text, &items); err != nil {
		return nil, fmt.Errorf("reading manifest.json: %w", err)
	}
	if len(items) != 1 {
		return nil, errors.New("Loading multiple images from local is not supported")
	}
	p.item = items[0]
	text, ok = docs[clean(p.item.Config)]
	if !ok {
		return nil, fmt.Errorf("open %s: no such file or directory", p.item.Config)
	}
	var config struct {
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		} `json:"rootfs"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("reading %s: %w", p.item.Config, err)
	}
	p.diffs = config.RootFS.DiffIDs
	if len(p.diffs) != len(p.item.Layers) {
		return nil, fmt.Errorf("the image's config tells of %d layers, and manifest.json of %d", len(p.diffs), len(p.item.Layers))
	}
	return p, nil
}

// nameless makes a temporary file that nobody else can open, and that goes with the process.
func nameless() (*os.File, error) {
	f, err := os.CreateTemp("", "hyper-load-")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

func clean(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

// each calls fn with every entry of the archive.
func (p *parcel) each(fn func(h *tar.Header, r io.Reader) error) error {
	if _, err := p.raw.Seek(0, io.SeekStart); err != nil {
		return err
	}
	stream, end, err := unwrap.Reader(p.raw)
	if err != nil {
		return fmt.Errorf("reading the archive: %w", err)
	}
	defer end()
	for in := tar.NewReader(stream); ; {
		h, err := in.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the archive: %w", err)
		}
		if err := fn(h, in); err != nil {
			return err
		}
	}
}

// documents reads what may be JSON in the archive: manifest.json, and the files that it may name as a config.
func (p *parcel) documents() (map[string][]byte, error) {
	docs := map[string][]byte{}
	left := int64(4 * maxDocument)
	err := p.each(func(h *tar.Header, r io.Reader) error {
		name := clean(h.Name)
		switch {
		case h.Typeflag == tar.TypeSymlink:
			p.links[name] = clean(path.Join(path.Dir(name), h.Linkname))
		case h.Typeflag == tar.TypeLink:
			p.links[name] = clean(h.Linkname)
		case h.Typeflag == tar.TypeReg && h.Size <= maxDocument && h.Size <= left:
			head := make([]byte, 1)
			if n, _ := io.ReadFull(r, head); n == 0 || head[0] != '{' && head[0] != '[' {
				return nil
			}
			rest, err := io.ReadAll(r)
			if err != nil {
				return fmt.Errorf("reading the archive: %w", err)
			}
			docs[name] = append(head, rest...)
			left -= h.Size
		}
		return nil
	})
	return docs, err
}

// file is the name under which the archive has the content of a layer.
func (p *parcel) file(name string) string {
	name = clean(name)
	for range 8 {
		to, ok := p.links[name]
		if !ok {
			break
		}
		name = to
	}
	return name
}

// pack writes the archive that is sent, without the files of the first layers that no other needs, and tells its size.
func (p *parcel) pack(without int) (int64, error) {
	drop := map[string]bool{}
	for _, l := range p.item.Layers[:min(without, len(p.item.Layers))] {
		drop[p.file(l)], drop[clean(l)] = true, true
	}
	for _, l := range p.item.Layers[min(without, len(p.item.Layers)):] {
		delete(drop, p.file(l))
		delete(drop, clean(l))
	}
	var err error
	if p.packed, err = nameless(); err != nil {
		return 0, err
	}
	z := gzip.NewWriter(p.packed)
	w := tar.NewWriter(z)
	err = p.each(func(h *tar.Header, r io.Reader) error {
		if drop[clean(h.Name)] {
			return nil
		}
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		_, err := io.Copy(w, r)
		return err
	})
	if err = errors.Join(err, w.Close(), z.Close()); err != nil {
		return 0, fmt.Errorf("packing the image: %w", err)
	}
	size, err := p.packed.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	_, err = p.packed.Seek(0, io.SeekStart)
	return size, err
}

func (p *parcel) close() {
	for _, f := range []*os.File{p.raw, p.packed} {
		if f != nil {
			_ = f.Close()
		}
	}
}
