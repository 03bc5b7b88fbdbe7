package fill

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// pack writes a directory, or one file, as a tar: of a directory an entry "." and then everything in it by its path from there, of a file the file by its
// own name (api 8.4). Links stay links. What is no file, directory, link or pipe is passed over and told of.
func pack(source string, w io.Writer, tell func(skipped string, mode fs.FileMode)) error {
	top, err := root(source)
	if err != nil {
		return err
	}
	out := tar.NewWriter(w)
	info, err := os.Stat(top)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		if err := packOne(out, top, filepath.Base(source), info); err != nil {
			return err
		}
		return out.Close()
	}
	err = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(top, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode()&(fs.ModeSocket|fs.ModeDevice|fs.ModeIrregular) != 0 {
			tell(path, info.Mode())
			return nil
		}
		return packOne(out, path, filepath.ToSlash(name), info)
	})
	if err != nil {
		return err
	}
	return out.Close()
}

func packOne(out *tar.Writer, path, name string, info fs.FileInfo) error {
	var to string
	if info.Mode()&fs.ModeSymlink != 0 {
		var err error
		if to, err = os.Readlink(path); err != nil {
			return err
		}
	}
	h, err := tar.FileInfoHeader(info, to)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	h.Name, h.Uname, h.Gname = name, "", ""
	if err := out.WriteHeader(h); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	// A file that grows meanwhile is sent as it was; one that shrinks cannot be.
	if n, err := io.CopyN(out, f, h.Size); err != nil {
		return fmt.Errorf("%s became shorter while it was read (%d of %d bytes): %w", path, n, h.Size, err)
	}
	return nil
}

// weigh tells about how many bytes pack will write.
func weigh(source string) int64 {
	top, err := root(source)
	if err != nil {
		return 0
	}
	var sum int64
	_ = filepath.WalkDir(top, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // the packing will tell
		}
		sum += block
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			sum += (info.Size() + block - 1) / block * block
		}
		return nil
	})
	return sum + 2*block
}

// block is the unit of a tar.
const block = 512
