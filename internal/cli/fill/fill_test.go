package fill

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	for text, want := range map[string][2]string{
		"/home/me/site:/www":                  {"/home/me/site", "/www"},
		"/a:b:/www":                           {"/a:b", "/www"},
		`C:\site:/www`:                        {`C:\site`, "/www"},
		"c:/site:/www":                        {"c:/site", "/www"},
		"git://h/r.git:/src":                  {"git://h/r.git", "/src"},
		"git://h:1/r.git:feature/one:/src":    {"git://h:1/r.git:feature/one", "/src"},
		"https://h/f.conf:/etc/f.conf":        {"https://h/f.conf", "/etc/f.conf"},
		"http://h:8080/r.git:dev:/src":        {"http://h:8080/r.git:dev", "/src"},
		"/data":                               {},
		"store:/data":                         {},
		"store:/data:ro":                      {},
		"./site:/www":                         {},
		"https://h/f.conf":                    {},
		`C:\site`:                             {},
		"git@h:r.git:/src":                    {},
		"":                                    {},
		"gitty://h/x:/y":                      {},
		"https://[2001:db8::1]/f:/etc/f.conf": {"https://[2001:db8::1]/f", "/etc/f.conf"},
	} {
		source, rest, ok := Split(text)
		if source != want[0] || rest != want[1] || ok != (want[0] != "") {
			t.Errorf("%q is %q and %q, %v; want %q", text, source, rest, ok, want)
		}
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, "sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for source, want := range map[string]string{
		dir: "", "https://h/x": "", "git://h/x": "",
		filepath.Join(dir, "none"): "stat " + filepath.Join(dir, "none") + ": no such file or directory",
		filepath.Join(dir, "sock"): "Unsupported local volume source(" + filepath.Join(dir, "sock") + "): Srwxr-xr-x",
		"/dev/null":                "Unsupported local volume source(/dev/null): Dcrw-rw-rw-",
		"relative":                 "relative is not supported volume source",
		"ftp://h/x":                "ftp://h/x is not supported volume source",
	} {
		err := Check(source)
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("%s: %v, want %q", source, err, want)
		}
	}
}

func TestPack(t *testing.T) {
	dir := t.TempDir()
	site := filepath.Join(dir, "site")
	for name, text := range map[string]string{"index.html": "outer\n", "sub/page": "inner\n", "sub/run": "#!/bin/sh\n"} {
		path := filepath.Join(site, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{
		os.Chmod(filepath.Join(site, "sub/run"), 0o755), os.Chmod(site, 0o750),
		os.Symlink("/etc/passwd", filepath.Join(site, "away")), os.Symlink("sub", filepath.Join(site, "link")), os.Symlink(site, filepath.Join(dir, "entry")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("unix", filepath.Join(site, "sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for source, want := range map[string][]string{
		site: {
			". drwxr-x--- ", "away Lrwxrwxrwx /etc/passwd", "index.html -rw-r--r-- outer\n", "link Lrwxrwxrwx sub", "sub drwxr-xr-x ",
			"sub/page -rw-r--r-- inner\n", "sub/run -rwxr-xr-x #!/bin/sh\n", "skipped sock Srwxr-xr-x",
		},
		filepath.Join(site, "index.html"): {"index.html -rw-r--r-- outer\n"},
	} {
		var buf bytes.Buffer
		var skipped []string
		err := pack(source, &buf, func(name string, mode fs.FileMode) {
			skipped = append(skipped, fmt.Sprintf("skipped %s %s", filepath.Base(name), mode))
		})
		if err != nil {
			t.Fatal(err)
		}
		if w := weigh(source); w < int64(buf.Len())-4*block || w > int64(buf.Len())+4*block {
			t.Errorf("%s: %d bytes were announced, and %d packed", source, w, buf.Len())
		}
		if got := append(entries(t, &buf), skipped...); !slices.Equal(got, want) {
			t.Errorf("%s is packed as\n%q\nwant\n%q", source, got, want)
		}
	}
	// A link that is named stands for the directory.
	var direct, linked bytes.Buffer
	tell := func(string, fs.FileMode) {}
	if err := pack(site, &direct, tell); err != nil {
		t.Fatal(err)
	}
	if err := pack(filepath.Join(dir, "entry"), &linked, tell); err != nil || !bytes.Equal(direct.Bytes(), linked.Bytes()) {
		t.Errorf("a link is packed otherwise than where it leads: %v", err)
	}
}

// entries lists a tar: name, mode, and content or where a link leads.
func entries(t *testing.T, r io.Reader) (out []string) {
	t.Helper()
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if h.Uname != "" || h.Gname != "" || strings.HasSuffix(h.Name, "/") {
			t.Errorf("an entry says %+v", h)
		}
		out = append(out, fmt.Sprintf("%s %v %s%s", h.Name, h.FileInfo().Mode(), h.Linkname, raw))
	}
}
