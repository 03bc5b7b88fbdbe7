package files

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/go-archive"
	"github.com/moby/sys/user"
	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/unwrap"
)

// nobody is whom a file belongs to whose owner the container cannot have.
const nobody = account.IDCount - 2

// write unpacks an archive into a directory, to which a link may lead.
func write(o Order, opts *archive.TarOptions, in io.Reader) error {
	dir, err := follow(filepath.Join("/", o.Path))
	if err != nil {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &kindError{"invalid", errors.New("extraction point is not a directory")}
	}
	if err := unix.Access(dir, unix.W_OK); errors.Is(err, unix.EROFS) {
		return err
	}
	if o.Owner != "" {
		if opts.ChownOpts, err = owner(o.Owner); err != nil {
			return err
		}
	}
	stream, end, err := unwrap.Reader(in)
	if err != nil {
		return fmt.Errorf("reading the archive: %w", err)
	}
	defer end()
	err = archive.Unpack(owned(stream), dir, opts)
	switch {
	case err == nil:
		_, err = io.Copy(io.Discard, stream) // what follows the archive
		return err
	case kindOf(err) != "":
		return err
	}
	// What else goes wrong is the archive's: a name that leads out, an end too early, a file in the place of a directory.
	return &kindError{"invalid", err}
}

// pieceSize is how much of a file's content is handed from one reader of the archive to the next at a time.
const pieceSize = 256 << 10

// owned makes the files of an archive nobody's whose owners are outside of the container's ids. Such a file is not for its owner to run as.
func owned(in io.Reader) io.Reader {
	r, w := io.Pipe()
	go func() {
		from, to, piece := tar.NewReader(in), tar.NewWriter(w), make([]byte, pieceSize)
		for {
			h, err := from.Next()
			if err == io.EOF {
				_ = w.CloseWithError(to.Close())
				return
			}
			if err == nil {
				err = to.WriteHeader(known(h))
			}
			if err == nil {
				_, err = io.CopyBuffer(to, struct{ io.Reader }{from}, piece)
			}
			if err != nil {
				_ = w.CloseWithError(err)
				return
			}
		}
	}()
	return bufio.NewReaderSize(r, pieceSize) // or each of the unpacker's small reads would wait for the other goroutine
}

func known(h *tar.Header) *tar.Header {
	outside := func(id int) bool { return id < 0 || id >= account.IDCount }
	if outside(h.Uid) || outside(h.Gid) {
		h.Mode &^= 0o6000
	}
	if outside(h.Uid) {
		h.Uid = nobody
	}
	if outside(h.Gid) {
		h.Gid = nobody
	}
	h.Uname, h.Gname = "", "" // the numbers count, and a name may have a megabyte
	// What the archive says in the words of its own format is said anew; attributes are kept.
	h.Format = tar.FormatUnknown
	for k := range h.PAXRecords {
		if !strings.HasPrefix(k, "SCHILY.xattr.user.") && k != "SCHILY.xattr.security.capability" {
			delete(h.PAXRecords, k)
		}
	}
	if h.Typeflag == tar.TypeGNUSparse {
		h.Typeflag = tar.TypeReg
	}
	return h
}

// owner finds a user of the container's.
func owner(name string) (*archive.ChownOpts, error) {
	u, err := user.GetExecUser(name, &user.ExecUser{}, database("/etc/passwd"), database("/etc/group"))
	if err != nil {
		return nil, &kindError{"invalid", fmt.Errorf("unable to find user %s: %w", name, err)}
	}
	if u.Uid >= account.IDCount || u.Gid >= account.IDCount {
		return nil, &kindError{"invalid", fmt.Errorf("user %s has the ids %d:%d, which a container cannot have", name, u.Uid, u.Gid)}
	}
	return &archive.ChownOpts{UID: u.Uid, GID: u.Gid}, nil
}

// database reads a file of users or groups. One that is absent, or no file, is empty.
func database(name string) io.Reader {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil
	}
	content, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil
	}
	return bytes.NewReader(content)
}
