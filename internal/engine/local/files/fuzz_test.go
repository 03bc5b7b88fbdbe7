package files

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/moby/go-archive"
	"golang.org/x/sys/unix"
)

// names are what a script's entries are called and lead to. OUT is where nothing may happen; IN is where the archive is unpacked.
var names = []string{
	"a", "b", "a/b", "a/b/c", ".", "..", "../x", "../out/secret", "a/../../out/new", "/a", "OUT/secret", "OUT/new", "IN/a", "a/", "./a", "//OUT/secret", "a/../b", "../../../../../../../../OUT/secret", "..\\out", "a\x00b", "é\n", "",
	".wh.a", ".wh..wh..opq", "a/.wh.b", ".wh...", strings.Repeat("x", 255), strings.Repeat("y", 256), strings.Repeat("d/", 60) + "e", "IN", "OUT", "IN/../out/secret", "proc/self/root", "/proc/self/cwd", "/dev/null",
}

var kinds = []byte{
	tar.TypeReg, tar.TypeDir, tar.TypeSymlink, tar.TypeLink, tar.TypeChar, tar.TypeBlock, tar.TypeFifo, tar.TypeXGlobalHeader, tar.TypeGNUSparse, 'Z', tar.TypeCont, tar.TypeReg, tar.TypeSymlink, tar.TypeDir,
}

// scripted writes an archive of which each four bytes of a script are an entry: its kind, its name, what it leads to, and what else is odd about it.
func scripted(script []byte, in, out string) []byte {
	place := strings.NewReplacer("IN", in, "OUT", out)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for e := range slices.Chunk(script[:min(len(script), 64)/4*4], 4) {
		h := &tar.Header{
			Typeflag: kinds[int(e[0])%len(kinds)], Name: place.Replace(names[int(e[1])%len(names)]), Linkname: place.Replace(names[int(e[2])%len(names)]),
			Mode: int64(e[3]) << 4, Uid: int(e[3]) * 1000,
		}
		if e[3]&1 != 0 {
			h.Mode |= 0o7777
		}
		if e[3]&2 != 0 {
			h.PAXRecords = map[string]string{"SCHILY.xattr.user.x": "y", "SCHILY.xattr.trusted.overlay.opaque": "y", "HYPER.x": "z"}
		}
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(e[3] % 8)
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			h = &tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "g", PAXRecords: map[string]string{"path": h.Name, "linkpath": h.Linkname}}
		}
		kind := h.Typeflag
		if kind == tar.TypeGNUSparse || kind == 'Z' || kind == tar.TypeCont {
			h.Typeflag = tar.TypeFifo // the package writes no others: the letter is changed below
		}
		start := b.Len()
		if w.WriteHeader(h) != nil {
			continue
		}
		if raw := b.Bytes()[start:]; kind != h.Typeflag && len(raw) == 512 {
			raw[156] = kind
			copy(raw[148:156], "        ")
			sum := 0
			for _, c := range raw {
				sum += int(c)
			}
			copy(raw[148:156], fmt.Sprintf("%06o\x00 ", sum))
		}
		_, _ = w.Write([]byte("content")[:h.Size])
	}
	_ = w.Close()
	return b.Bytes()
}

// told is all that there is to tell of a tree, but for times of access.
func told(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		rel, _ := filepath.Rel(dir, name)
		fmt.Fprintf(&b, "%q %v %d:%d %d links %d", rel, info.Mode(), st.Uid, st.Gid, st.Nlink, st.Mtim.Sec)
		switch {
		case info.Mode().IsRegular():
			raw, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %q", raw)
		case info.Mode()&fs.ModeSymlink != 0:
			to, _ := os.Readlink(name)
			fmt.Fprintf(&b, " -> %q", to)
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// FuzzUnpack really unpacks archives, as root and with the machine's file system before it, which is more than the process ever has: nothing outside of
// the directory may change, there are no devices in it, and what was unpacked can be packed and unpacked again and is the same.
func FuzzUnpack(f *testing.F) {
	// A hole in a file of the archive's is written out: not on this machine.
	signal.Ignore(syscall.SIGXFSZ)
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 128 << 20, Max: 128 << 20}); err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{
		{0, 0, 0, 7}, {2, 0, 10, 0, 0, 2, 0, 7}, {2, 0, 30, 0, 0, 2, 0, 7}, {2, 0, 5, 0, 0, 2, 0, 7, 0, 2, 0, 7}, {3, 0, 10, 0}, {3, 0, 7, 0, 0, 0, 0, 7}, {2, 0, 10, 0, 3, 1, 0, 0, 0, 1, 0, 7}, {4, 0, 0, 0, 5, 1, 0, 0, 6, 2, 0, 0},
		{0, 7, 0, 7}, {0, 17, 0, 7}, {0, 31, 0, 7}, {1, 22, 0, 3}, {0, 24, 0, 3, 1, 23, 0, 0}, {7, 10, 11, 0, 0, 0, 0, 7}, {8, 0, 0, 0, 9, 1, 0, 0, 10, 2, 0, 0}, {2, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 7}, {2, 4, 30, 0, 0, 1, 0, 7}, {1, 0, 0, 3, 1, 2, 0, 3, 0, 3, 0, 5},
		{2, 0, 33, 0, 0, 2, 0, 7}, {0, 0, 0, 7, 3, 1, 0, 0, 2, 0, 30, 0, 3, 2, 0, 0},
	} {
		f.Add(seed, []byte(nil))
	}
	var whole bytes.Buffer
	w := tar.NewWriter(&whole)
	_ = w.WriteHeader(&tar.Header{Name: "a", Typeflag: tar.TypeReg, Size: 3, Mode: 0o644})
	_, _ = w.Write([]byte("abc"))
	_ = w.Close()
	f.Add([]byte(nil), whole.Bytes())
	f.Add([]byte(nil), whole.Bytes()[:515])
	f.Add([]byte(nil), []byte("\x28\xb5\x2f\xfd\x00\xb0"))
	f.Fuzz(func(t *testing.T, script, raw []byte) {
		base := t.TempDir()
		in, out := filepath.Join(base, "in"), filepath.Join(base, "out")
		for _, dir := range []string{in, out, filepath.Join(base, "again")} {
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(out, "secret"), []byte("of the machine"), 0o600); err != nil {
			t.Fatal(err)
		}
		before := told(t, out)
		opts, err := unpacking(Order{})
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) == 0 {
			raw = scripted(script, in, out)
		}
		if len(raw) > 1<<20 {
			return
		}
		err = write(Order{Path: in}, opts, io.LimitReader(bytes.NewReader(raw), 1<<20))
		if after := told(t, out); after != before {
			t.Fatalf("outside there was\n%s, and is\n%s", before, after)
		}
		if entries, _ := os.ReadDir(base); len(entries) != 3 {
			t.Fatalf("beside the directory there is more: %v", entries)
		}
		if err != nil && kindOf(err) == "" {
			t.Errorf("%v is the machine's fault", err)
		}
		if err := filepath.WalkDir(in, func(name string, d fs.DirEntry, err error) error {
			if err == nil && d.Type()&fs.ModeDevice != 0 {
				t.Errorf("there is the device %s", name)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		var packed bytes.Buffer
		if err := pack(in, &archive.TarOptions{}, &packed); err != nil {
			t.Fatalf("what was unpacked cannot be packed: %v", err)
		}
		for r := tar.NewReader(bytes.NewReader(packed.Bytes())); ; {
			h, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if !filepath.IsLocal(h.Name) && h.Name != "./" {
				t.Errorf("what was packed is called %q", h.Name)
			}
		}
	})
}

// FuzzSieve puts archives through what looks at them before a volume is filled. What comes out leads nowhere else, and has no devices.
func FuzzSieve(f *testing.F) {
	for _, seed := range [][]byte{{0, 0, 0, 7}, {2, 0, 10, 0, 0, 2, 0, 7}, {2, 0, 5, 0, 3, 1, 0, 0}, {1, 4, 0, 7, 0, 0, 0, 7}, {3, 1, 0, 0}, {6, 0, 0, 0, 7, 0, 0, 0}, {4, 0, 0, 0}, {0, 28, 0, 7}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		s := &sieve{links: map[string]bool{}}
		stream := s.through(bytes.NewReader(scripted(script, "/in", "/out")))
		links := map[string]bool{}
		for r := tar.NewReader(stream); ; {
			h, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				if kindOf(err) != "invalid" && kindOf(err) != "" {
					t.Errorf("%v is %s", err, kindOf(err))
				}
				break
			}
			name := filepath.Clean(h.Name)
			if !filepath.IsLocal(name) || h.Typeflag == tar.TypeChar || h.Typeflag == tar.TypeBlock {
				t.Errorf("%q of the kind %q comes through", h.Name, h.Typeflag)
			}
			for dir := filepath.Dir(name); dir != "."; dir = filepath.Dir(dir) {
				if links[dir] {
					t.Errorf("%q comes through, which leads over a link", h.Name)
				}
			}
			links[name] = h.Typeflag == tar.TypeSymlink
			if h.Typeflag == tar.TypeLink && (!filepath.IsLocal(filepath.Clean(h.Linkname)) || links[filepath.Clean(h.Linkname)]) {
				t.Errorf("the link to %q comes through", h.Linkname)
			}
			if h.Uid < 0 || h.Uid >= 65536 || h.Gid < 0 || h.Gid >= 65536 {
				t.Errorf("%q is of %d:%d", h.Name, h.Uid, h.Gid)
			}
		}
		_, _ = io.Copy(io.Discard, stream)
		if one := s.alone(); one != "" && (strings.Contains(one, "/") || !filepath.IsLocal(one)) {
			t.Errorf("the volume is the file %q", one)
		}
	})
}

// A sentence stays one however long the name in it is.
func FuzzShortened(f *testing.F) {
	f.Add("a", 1)
	f.Add("é", 1000)
	f.Fuzz(func(t *testing.T, text string, n int) {
		text = strings.Repeat(text, max(0, min(n, 10000)))
		if got := shortened(text); len(got) > maxText+10 || len(text) <= maxText && got != text {
			t.Errorf("%d bytes became %d", len(text), len(got))
		}
	})
}
