package volume

import (
	"net/url"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
)

// A source is an address of one of three schemes with a host, or the client's own; the name of its file is one in a directory; what is shown has no password.
func FuzzParseSource(f *testing.F) {
	for _, seed := range []string{
		"/a", "C:\\a", "http://h/f", "https://u:secret@h/f", "git://h/r:b", "https://h/r.git", "https://h/r.git:main", "https://h/r.git:-x", "https://h/..", "https://h/%2e%2e", "https://h/a%2fb", "https://h/%00", "file:///etc/passwd", "ssh://h/r", "git://h", "http://", "http://:80/", "https://h/r.git:a..b",
		"git://h/r:--upload-pack=x", "https://[::1]/x", "http://h/\r\nX: y", "https://h/x\x00", "https://h/" + strings.Repeat("x", 5000), "git://u:secret@h/r:b", "https://h.git:b/x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		s, err := parseSource(raw)
		if err != nil {
			if !errdefs.IsInvalidArgument(err) {
				t.Errorf("%v", err)
			}
			return
		}
		if len(raw) > maxSource || strings.ContainsAny(raw, "\x00\r\n") {
			t.Errorf("%q is taken", raw)
		}
		if s.kind == local {
			if IsAddress(raw) {
				t.Errorf("%q is taken for the client's own", raw)
			}
			return
		}
		u, err := url.Parse(s.url)
		if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "git" || u.Scheme == "git" && s.kind != repository {
			t.Errorf("%q is fetched from %q (%v)", raw, s.url, err)
			return
		}
		if s.branch != "" && (strings.HasPrefix(s.branch, "-") || strings.Contains(s.branch, "..") || strings.ContainsAny(s.branch, " \t\x00:~^")) {
			t.Errorf("%q has the branch %q", raw, s.branch)
		}
		if s.kind == remoteFile && (s.name == "" || s.name == "." || s.name == ".." || strings.ContainsAny(s.name, "/\x00") || len(s.name) > 255) {
			t.Errorf("%q is kept as %q", raw, s.name)
		}
		if p, ok := u.User.Password(); ok && len(p) > 3 && strings.Count(s.shown(), p) > strings.Count(strings.Replace(s.url, u.User.String()+"@", "", 1), p) {
			t.Errorf("%q shows its password: %q", raw, s.shown())
		}
		again, err := parseSource(raw)
		if err != nil || again != s {
			t.Errorf("%+v, and again %+v (%v)", s, again, err)
		}
	})
}

// Names of volumes stand in names of files.
func FuzzName(f *testing.F) {
	for _, seed := range []string{"v1", "a", "..", "a/b", "a\n", "-ab", strings.Repeat("x", 256), "é1", "ab\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if err := ValidName(name); err != nil {
			if !errdefs.IsInvalidArgument(err) || len(err.Error()) > 1000 {
				t.Errorf("%v", err)
			}
		} else if len(name) < 2 || len(name) > 255 || strings.ContainsAny(name, "/\\\x00\n :") || name[0] == '.' || name[0] == '-' {
			t.Errorf("%q is taken", name)
		}
	})
}
