package files

import (
	"archive/tar"
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/go-archive"
	"golang.org/x/sys/unix"
)

// resolve follows the links of all of a path but its end, whose form (a slash, a dot) is kept: as Docker reads it.
func resolve(path string) (resolved, abs string, err error) {
	abs = archive.PreserveTrailingDotOrSeparator(filepath.Join("/", path), path)
	dir, base := filepath.Split(abs)
	if dir, err = follow(dir); err != nil {
		return "", "", err
	}
	return strings.TrimSuffix(dir, "/") + "/" + base, abs, nil
}

// follow follows all links of a path. The error that there are too many has a text only.
func follow(path string) (string, error) {
	out, err := filepath.EvalSymlinks(path)
	var known *fs.PathError
	if err != nil && !errors.As(err, &known) {
		return "", &fs.PathError{Op: "open", Path: path, Err: unix.ELOOP}
	}
	return out, err
}

func describe(path string) (Answer, string, error) {
	resolved, abs, err := resolve(path)
	if err != nil {
		return Answer{}, "", err
	}
	info, err := os.Lstat(resolved)
	if err != nil {
		return Answer{}, "", err
	}
	a := Answer{Name: filepath.Base(abs), Size: info.Size(), Mode: info.Mode(), ModTime: info.ModTime()}
	if info.Mode()&fs.ModeSymlink != 0 {
		if a.LinkTarget, err = filepath.EvalSymlinks(resolved); err != nil { // it leads nowhere: say where to
			to, err := os.Readlink(resolved)
			if err != nil {
				return Answer{}, "", err
			}
			if !filepath.IsAbs(to) {
				to = filepath.Join(filepath.Dir(resolved), to)
			}
			a.LinkTarget = filepath.Clean(to)
		}
	}
	return a, resolved, nil
}

func stat(o Order, out io.Writer) error {
	a, _, err := describe(o.Path)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(a)
}

// read writes what a file is, and then the file, or the directory with all that is in it. Its name in the archive is the one that was asked for.
func read(o Order, out io.Writer) error {
	a, resolved, err := describe(o.Path)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(a); err != nil {
		return err
	}
	resolved = filepath.Clean(resolved)
	if resolved == "/" {
		return export(o, out)
	}
	dir, base := resolved, "."
	if !a.Mode.IsDir() {
		dir, base = filepath.Split(resolved)
	}
	return pack(dir, archive.TarResourceRebaseOpts(base, a.Name), out)
}

// export writes everything, but not what is in the directories that are left out.
func export(o Order, out io.Writer) error {
	opts := &archive.TarOptions{}
	for _, dir := range o.Exclude {
		if rel := strings.Trim(filepath.Clean("/"+dir), "/"); rel != "" {
			opts.ExcludePatterns = append(opts.ExcludePatterns, literal.Replace(rel)+"/*")
		}
	}
	if o.Root {
		if err := packRoot(out); err != nil {
			return err
		}
	}
	return pack("/", opts, out)
}

// packRoot writes the entry of the root, which the others follow.
func packRoot(out io.Writer) error {
	fi, err := os.Lstat("/")
	if err != nil {
		return err
	}
	h, err := tar.FileInfoHeader(fi, "")
	if err != nil {
		return err
	}
	h.Name, h.Uname, h.Gname, h.Format = "./", "", "", tar.FormatPAX
	w := tar.NewWriter(out)
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	return w.Flush()
}

// literal takes their meaning from the characters of patterns. One that begins with an exclamation mark would be an exception.
var literal = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `!`, `\!`)

// pack writes a tar. The library passes over its own errors: where a file is gone or shorter than it was, the archive ends there. So it is read on
// its way.
func pack(dir string, opts *archive.TarOptions, out io.Writer) error {
	stream, err := archive.TarWithOptions(dir, opts)
	if err != nil {
		return err
	}
	defer stream.Close()
	w := bufio.NewWriterSize(out, 64<<10)
	in := tar.NewReader(io.TeeReader(stream, w))
	for err == nil {
		_, err = in.Next()
	}
	switch {
	case err == io.EOF:
		_, err = io.Copy(w, stream)
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = &kindError{"invalid", errors.New("a file was cut or removed while it was read: try again")}
	}
	return errors.Join(err, w.Flush())
}

// changes writes the names in an overlay's upper directory: M, or D for what is gone, and the path with a slash before it, ended by a zero byte.
func changes(out io.Writer) error {
	w := bufio.NewWriter(out)
	err := filepath.WalkDir("/", func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) || path == "/" {
			return nil // gone meanwhile
		}
		if err != nil {
			return err
		}
		kind := "M"
		if d.Type()&fs.ModeCharDevice != 0 {
			var st unix.Stat_t
			if unix.Lstat(path, &st) == nil && st.Rdev == 0 {
				kind = "D"
			}
		}
		_, err = fmt.Fprint(w, kind, path, "\x00")
		return err
	})
	return errors.Join(err, w.Flush())
}
