package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/hypercloud/hyper/test/lab"
)

// TestDeletedFilesGiveRoom deletes files in a running container: what they took comes back to the machine, from its volume and from
// its root disk, while both stay attached.
func TestDeletedFilesGiveRoom(t *testing.T) {
	const written = 500 << 20
	l := newLab(t, "e2ev")
	hyper(t, l, "run", "-d", "--name", "c", "-v", "data:/data", "busybox", "sleep", "100000")
	for _, tc := range []struct{ what, file, image string }{
		{"the volume", "/data/f", "[0-9a-f]*/*.img"},
		{"the root disk", "/f", "roots/[0-9a-f]*/*.img"},
	} {
		before, machine := onDisk(t, l, "run/volumes/pool/"+tc.image), onDisk(t, l, "data/volumes/pool.xfs")
		hyper(t, l, "exec", "c", "sh", "-c", "dd if=/dev/urandom of="+tc.file+" bs=1M count=500 2>/dev/null && sync")
		if now := onDisk(t, l, "run/volumes/pool/"+tc.image); now < before+written {
			t.Errorf("500 MB in %s take %d bytes on the pool", tc.what, now-before)
		}
		hyper(t, l, "exec", "c", "sh", "-c", "rm "+tc.file+" && sync")
		eventually(t, tc.what+" gives back what its files took", func() string {
			if now := onDisk(t, l, "run/volumes/pool/"+tc.image); now > before+written/10 {
				return fmt.Sprintf("it takes %d bytes of the pool, and took %d", now, before)
			}
			if now := onDisk(t, l, "data/volumes/pool.xfs"); now > machine+written/5 {
				return fmt.Sprintf("the pool takes %d bytes of the machine's disk, and took %d", now, machine)
			}
			return ""
		})
	}
}

// onDisk is the number of bytes that files take, by a pattern for their names below the lab's directory.
func onDisk(t *testing.T, l *lab.Lab, pattern string) int64 {
	t.Helper()
	out, err := l.Command(context.Background(), "sh", "-c", "sync -f "+filepath.Join(l.Dir, pattern)+"; stat -c %b "+filepath.Join(l.Dir, pattern)).CombinedOutput()
	if err != nil {
		t.Fatalf("stat %s: %v %s", pattern, err, out)
	}
	var total int64
	for _, f := range strings.Fields(string(out)) {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			t.Fatalf("stat %s: %s", pattern, out)
		}
		total += n * 512
	}
	return total
}
