package image

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/fetch"
	"github.com/hypercloud/hyper/internal/oops"
)

// Fetcher gets what is at a URL that a tenant names; see fetch.Client.
type Fetcher interface {
	Get(ctx context.Context, url string) (*fetch.File, error)
}

// archiveTypes are the media types of archives (api 7.3).
var archiveTypes = []string{
	"binary/octet-stream", "application/octet-stream", "application/x-tar", "application/x-gzip", "application/x-bzip", "application/x-xz",
}

// Download begins to get an archive from a URL, and tells its size (-1: not known). What it returns must be closed. Errors are
// ErrInvalidArgument, in the words of the original (api 7.3).
func (s *Service) Download(ctx context.Context, a account.Ref, url string) (io.ReadCloser, int64, error) {
	if err := a.Check(); err != nil {
		return nil, 0, err
	}
	file, err := s.Fetch.Get(ctx, url)
	if err != nil {
		return nil, 0, oops.Invalid("Bad request parameters: %v", err)
	}
	if err := checkFile(file); err != nil {
		_ = file.Close()
		return nil, 0, err
	}
	return &archive{ReadCloser: file, left: MaxArchive}, file.Size, nil
}

func checkFile(f *fetch.File) error {
	switch {
	case f.Status >= 400:
		return oops.Invalid("Bad request parameters: Got HTTP status code >= 400: %s", f.Reason)
	case f.Status != 200:
		return oops.Invalid("Bad request parameters: Got HTTP status code %s, which brings no archive", f.Reason)
	case !slices.Contains(archiveTypes, f.Type):
		return oops.Invalid("Download failed: URL MIME type should be one of: %s, but now is %s", strings.Join(archiveTypes, ", "), f.Type)
	case f.Size >= 0:
		return CheckSize(f.Size)
	}
	return nil
}

// CheckSize refuses the size of an archive of images that is empty or too large.
func CheckSize(n int64) error {
	if n < 1 || n > MaxArchive {
		return oops.Invalid("Bad request parameters: The size of the image archive file is %d, should be greater than zero and less than or equal to %d", n, MaxArchive)
	}
	return nil
}

// archive is one that comes from elsewhere: it ends at the bound, and an error of the way is told as such.
type archive struct {
	io.ReadCloser
	left int64
}

func (d *archive) Read(p []byte) (int, error) {
	n, err := d.ReadCloser.Read(p)
	if d.left -= int64(n); d.left < 0 {
		return 0, oops.Invalid("Bad request parameters: The size of the image archive file is greater than %d", MaxArchive)
	}
	if err != nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
		err = oops.Invalid("Download failed: %v", err)
	}
	return n, err
}
