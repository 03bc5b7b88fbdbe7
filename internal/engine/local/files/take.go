package files

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/moby/go-archive"
	"golang.org/x/sys/unix"
)

// Taken is what a volume was filled with.
type Taken struct {
	File string `json:",omitempty"` // the name of the only thing in it, if that is a file which came alone
}

// take unpacks an archive into the root, which is an empty volume. Where a path leads out of it, nothing would be found; such an archive is
// refused all the same, since it is not what its owner meant.
func take(opts *archive.TarOptions, in io.Reader, out io.Writer) error {
	s := &sieve{links: map[string]bool{}}
	stream := s.through(in)
	err := archive.Unpack(stream, "/", opts)
	if err == nil {
		_, err = io.Copy(io.Discard, stream) // the sieve has seen all then
	}
	if err == nil && s.root != nil {
		err = dress("/", s.root)
	}
	switch {
	case err == nil:
		return json.NewEncoder(out).Encode(Taken{File: s.alone()})
	case kindOf(err) != "":
		return err
	}
	return &kindError{"invalid", fmt.Errorf("the archive cannot be unpacked: %w", err)}
}

// sieve looks at each entry of an archive before it is unpacked.
type sieve struct {
	links   map[string]bool // entries that are symbolic links
	root    *tar.Header     // of the directory itself
	entries int
	file    string // the first entry, if it is a file
}

// through is the archive, up to the first entry that a volume cannot have. The sieve may be read when the stream has ended.
func (s *sieve) through(in io.Reader) io.Reader {
	r, w := io.Pipe()
	go func() {
		from, to := tar.NewReader(in), tar.NewWriter(w)
		err := s.copy(from, to)
		if err == nil {
			_, err = io.Copy(io.Discard, in) // what follows the archive
		}
		if err == nil {
			err = to.Close()
		}
		_ = w.CloseWithError(err)
	}()
	return r
}

func (s *sieve) copy(from *tar.Reader, to *tar.Writer) error {
	for {
		h, err := from.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return &kindError{"invalid", fmt.Errorf("what was sent is no archive: %w", err)}
		}
		if err := s.look(h); err != nil {
			return &kindError{"invalid", err}
		}
		if err := to.WriteHeader(known(h)); err != nil {
			return err
		}
		if _, err := io.Copy(to, from); err != nil {
			return err
		}
	}
}

func (s *sieve) look(h *tar.Header) error {
	name := path.Clean(h.Name)
	switch {
	case path.IsAbs(name):
		return fmt.Errorf("the archive has an absolute path in it: %q", h.Name)
	case name == ".." || strings.HasPrefix(name, "../") || strings.Contains("/"+h.Name+"/", "/../"):
		return fmt.Errorf("the archive has a path in it that leads out of it: %q", h.Name)
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if s.links[dir] {
			return fmt.Errorf("the archive has a path in it that leads over a link of its own: %q", h.Name)
		}
	}
	s.entries++
	delete(s.links, name)
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
		if s.entries == 1 {
			s.file = name
		}
	case tar.TypeDir:
		if name == "." {
			s.root = h
		}
	case tar.TypeSymlink:
		s.links[name] = true
	case tar.TypeLink:
		to := path.Clean(h.Linkname)
		if path.IsAbs(to) || to == ".." || strings.HasPrefix(to, "../") || s.links[to] {
			return fmt.Errorf("the archive links %q to what is not in it: %q", h.Name, h.Linkname)
		}
	case tar.TypeFifo, tar.TypeXGlobalHeader:
	default:
		return fmt.Errorf("the archive has something in it that a volume cannot have, a device or an unknown kind of file: %q", h.Name)
	}
	return nil
}

// alone is the name of a file that came alone.
func (s *sieve) alone() string {
	if s.entries == 1 && !strings.Contains(s.file, "/") {
		return s.file
	}
	return ""
}

// dress gives the volume's own directory the owner and the mode that it had where it came from.
func dress(dir string, h *tar.Header) error {
	h = known(h)
	if err := os.Chown(dir, h.Uid, h.Gid); err != nil {
		return err
	}
	return unix.Chmod(dir, uint32(h.Mode)&0o7777)
}

// save writes one file of the given name.
func save(o Order, in io.Reader, out io.Writer) error {
	if o.Path == "" || o.Path == "." || o.Path == ".." || strings.Contains(o.Path, "/") || len(o.Path) > unix.NAME_MAX {
		return &kindError{"invalid", fmt.Errorf("%q is not a name for a file", o.Path)}
	}
	f, err := os.OpenFile("/"+o.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, in)
	if err = errors.Join(err, f.Close()); err != nil {
		if where, ok := errors.AsType[*fs.PathError](err); ok {
			return where.Err
		}
		return err
	}
	return json.NewEncoder(out).Encode(Taken{File: o.Path})
}
