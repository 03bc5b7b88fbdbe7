package disk

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// copyImage fills the file to with what is in the image from, of the same size. Where the file system shares blocks that
// costs nothing. Elsewhere what is written in the image is copied, and its holes stay holes: of an empty file system that
// is little.
func copyImage(to, from string) error {
	src, err := os.OpenFile(from, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	err = unix.IoctlFileClone(int(dst.Fd()), int(src.Fd()))
	if cannotClone(err) {
		err = copyData(dst, src)
	}
	return errors.Join(err, dst.Close())
}

// cannotClone reports whether an error says that the file system does not share blocks.
func cannotClone(err error) bool {
	for _, no := range []error{unix.EOPNOTSUPP, unix.ENOTTY, unix.ENOSYS, unix.EINVAL, unix.EXDEV} {
		if errors.Is(err, no) {
			return true
		}
	}
	return false
}

// copyData copies a file without its holes.
func copyData(dst, src *os.File) error {
	for end := int64(0); ; {
		begin, err := unix.Seek(int(src.Fd()), end, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return nil // there is a hole to the end
		}
		if err != nil {
			return err
		}
		if end, err = unix.Seek(int(src.Fd()), begin, unix.SEEK_HOLE); err != nil {
			return err
		}
		if _, err := io.Copy(io.NewOffsetWriter(dst, begin), io.NewSectionReader(src, begin, end-begin)); err != nil {
			return err
		}
	}
}
