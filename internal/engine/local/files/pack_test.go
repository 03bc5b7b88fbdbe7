package files

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/moby/go-archive"
)

// An archive that ends in the middle of a file is an error, and not an archive.
func TestPackTellsOfFilesThatAreShorterThanTheirSize(t *testing.T) {
	// What sysfs says of a size is a page, whatever there is to read: as of a file that was cut meanwhile.
	var out bytes.Buffer
	if err := pack("/sys/kernel", archive.TarResourceRebaseOpts("fscaps", "fscaps"), &out); kindOf(err) != "invalid" {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
}

func TestPackWritesAllOfAnArchive(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int{"a": 1, "b": 512, "c": 300_000, "none": 0} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := pack(dir, &archive.TarOptions{}, &out); err != nil {
		t.Fatal(err)
	}
	if end := out.Bytes()[out.Len()-1024:]; !bytes.Equal(end, make([]byte, 1024)) || out.Len()%512 != 0 {
		t.Errorf("%d bytes do not end as an archive does", out.Len())
	}
	entries, content := 0, int64(0)
	for in := tar.NewReader(&out); ; entries++ {
		h, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content += h.Size
	}
	if entries != 4 || content != 300_513 {
		t.Errorf("it holds %d entries of %d bytes", entries, content)
	}
}
