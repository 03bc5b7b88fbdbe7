// Package unwrap unpacks a stream whose packing only its first bytes tell of, within a bounded memory.
package unwrap

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
)

// maxWindow bounds the memory that a stream may ask for.
const maxWindow = 128 << 20

// Reader unpacks gzip, bzip2, xz and zstd, once; anything else is read as it is. end must be called when the reading is over.
func Reader(r io.Reader) (out io.Reader, end func(), err error) {
	buf := bufio.NewReaderSize(r, 64<<10)
	head, err := buf.Peek(6)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	nothing := func() {}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		out, err = gzip.NewReader(buf)
		return out, nothing, err
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(buf, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	case bytes.HasPrefix(head, []byte("BZh")):
		return bzip2.NewReader(buf), nothing, nil
	case bytes.HasPrefix(head, []byte{0xfd, '7', 'z', 'X', 'Z', 0}):
		out, err = xz.NewReader(buf, maxWindow)
		return out, nothing, err
	}
	return buf, nothing, nil
}
