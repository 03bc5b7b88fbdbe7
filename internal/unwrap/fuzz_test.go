package unwrap

import (
	"bytes"
	"compress/gzip"
	"io"
	"runtime"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// What was packed comes out as it was, several members of gzip one after another included; and whatever comes instead takes a bounded memory.
func FuzzReader(f *testing.F) {
	for _, seed := range [][]byte{
		nil, []byte("plain"), {0x1f, 0x8b}, {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0}, []byte("BZh9"), []byte("BZh91AY&SY"), {0x28, 0xb5, 0x2f, 0xfd, 0, 0xb0, 1, 0, 0},
		{0xfd, '7', 'z', 'X', 'Z', 0, 0, 4, 0xe6, 0xd6, 0xb4, 0x46, 2, 0, 0x21, 1, 40, 0, 0, 0, 0x77, 0x5d, 0x1f, 0x9a, 1, 0, 0},
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		before := m.TotalAlloc
		if r, end, err := Reader(bytes.NewReader(raw)); err == nil {
			_, _ = io.CopyN(io.Discard, r, 1<<20)
			end()
		}
		runtime.ReadMemStats(&m)
		if took := m.TotalAlloc - before; took > 3*maxWindow {
			t.Errorf("%d bytes made it take %d MB", len(raw), took>>20)
		}
		var zipped, framed bytes.Buffer
		for range 2 {
			w := gzip.NewWriter(&zipped)
			_, _ = w.Write(raw)
			_ = w.Close()
		}
		z, err := zstd.NewWriter(&framed)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = z.Write(append(bytes.Clone(raw), raw...))
		_ = z.Close()
		for _, packed := range [][]byte{zipped.Bytes(), framed.Bytes()} {
			r, end, err := Reader(bytes.NewReader(packed))
			if err != nil {
				if len(packed) == 0 {
					continue
				}
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			end()
			if err != nil || !bytes.Equal(got, append(bytes.Clone(raw), raw...)) {
				t.Errorf("%d bytes became %d (%v)", 2*len(raw), len(got), err)
			}
		}
	})
}
