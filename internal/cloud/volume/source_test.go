package volume

import (
	"strings"
	"testing"

	"github.com/containerd/errdefs"
)

func TestSources(t *testing.T) {
	for raw, want := range map[string]source{
		"/home/me/site":                      {kind: local},
		`C:\site`:                            {kind: local},
		"https://h/a.conf":                   {kind: remoteFile, url: "https://h/a.conf", name: "a.conf"},
		"https://h/d/":                       {kind: remoteFile, url: "https://h/d/", name: "d"},
		"http://h:8080":                      {kind: remoteFile, url: "http://h:8080", name: "file"},
		"http://h/..":                        {kind: remoteFile, url: "http://h/..", name: "file"},
		"http://h/a%2Fb?x=y":                 {kind: remoteFile, url: "http://h/a%2Fb?x=y", name: "b"},
		"http://h/x.git.tar":                 {kind: remoteFile, url: "http://h/x.git.tar", name: "x.git.tar"},
		"https://h/x.git":                    {kind: repository, url: "https://h/x.git"},
		"https://h:8443/x.git:dev":           {kind: repository, url: "https://h:8443/x.git", branch: "dev"},
		"https://joe:pw@h/x.git:feature/one": {kind: repository, url: "https://joe:pw@h/x.git", branch: "feature/one"},
		"git://h/x.git":                      {kind: repository, url: "git://h/x.git"},
		"git://h:1234/x.git:a/b/c":           {kind: repository, url: "git://h:1234/x.git", branch: "a/b/c"},
		"git://h/x":                          {kind: repository, url: "git://h/x"},
		"git://h:1234/x:dev":                 {kind: repository, url: "git://h:1234/x", branch: "dev"},
		"http://h/" + strings.Repeat("x", 300) + ".t": {kind: remoteFile, url: "http://h/" + strings.Repeat("x", 300) + ".t", name: "file"},
	} {
		want.raw = raw
		if got, err := parseSource(raw); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", raw, got, err, want)
		}
	}
	for _, raw := range []string{
		"", "site", "./site", "ftp://h/x", "file:///etc/passwd", "ssh://h/x.git", "ext::sh -c true", "http://", "http:///x", "git://", "https://h/x.git:",
		"https://h/x.git:-x", "https://h/x.git:a b", "https://h/x.git:../x", "git://h/x.git:a:b", "https://h/x.git:/a", "https://h/x.git:a//b",
		"/a\x00b", "http://h/\r\nHost: x", "http://h/" + strings.Repeat("x", 5000), "http://%zz/",
	} {
		if got, err := parseSource(raw); !errdefs.IsInvalidArgument(err) {
			t.Errorf("%q is read as %+v, %v", raw, got, err)
		}
	}
	if s, err := parseSource("https://joe:secret@h/x.git:dev"); err != nil || s.shown() != "https://joe:xxxxx@h/x.git:dev" {
		t.Errorf("it is shown as %s, %v", s.shown(), err)
	}
}
