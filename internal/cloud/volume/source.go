package volume

import (
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/hypercloud/hyper/internal/oops"
)

// maxSource is the longest source, in bytes.
const maxSource = 4096

// source is where the content of a volume comes from.
type source struct {
	raw    string // as it was asked for
	kind   sourceKind
	url    string
	branch string // of a repository; "": its own choice
	name   string // of a file
}

type sourceKind int

const (
	local      sourceKind = iota + 1 // the client's own files, which it sends
	remoteFile                       // one file
	repository
)

var (
	drivePattern  = regexp.MustCompile(`^[a-zA-Z]:[\\/]`)
	branchPattern = regexp.MustCompile(`^[^\x00-\x20\x7f~^:?*\[\\-][^\x00-\x20\x7f~^:?*\[\\]*$`)
)

// IsAddress reports whether a text is a source that the server gets by itself.
func IsAddress(text string) bool {
	for _, scheme := range []string{"git://", "http://", "https://"} {
		if strings.HasPrefix(text, scheme) {
			return true
		}
	}
	return false
}

// parseSource reads a source (api 8.2). Errors: ErrInvalidArgument.
func parseSource(raw string) (source, error) {
	s := source{raw: raw}
	switch {
	case len(raw) > maxSource:
		return s, oops.Invalid("a source of %d bytes is too long", len(raw))
	case strings.ContainsAny(raw, "\x00\r\n"):
		return s, oops.Invalid("%q is not supported volume source", raw)
	case strings.HasPrefix(raw, "/"), drivePattern.MatchString(raw):
		s.kind = local
		return s, nil
	case !IsAddress(raw):
		return s, oops.Invalid("%s is not supported volume source: name an address (http://, https://, git://) or an absolute path", raw)
	}
	s.url, s.branch, s.kind = splitBranch(raw)
	u, err := url.Parse(s.url)
	if err != nil || u.Hostname() == "" {
		return s, oops.Invalid("%s is not an address", raw)
	}
	if s.kind == remoteFile {
		s.name = fileName(u)
		return s, nil
	}
	if s.url != raw && !validBranch(s.branch) {
		return s, oops.Invalid("%q is not a name for a branch", s.branch)
	}
	return s, nil
}

// CheckAddress says what is wrong with a source that the server gets by itself: ErrInvalidArgument.
func CheckAddress(raw string) error {
	_, err := parseSource(raw)
	return err
}

// splitBranch cuts the branch off a repository's address. Whatever comes by http is a repository if it ends in .git before the branch.
func splitBranch(raw string) (address, branch string, kind sourceKind) {
	if head, tail, ok := strings.Cut(raw, ".git:"); ok {
		return head + ".git", tail, repository
	}
	if strings.HasSuffix(raw, ".git") {
		return raw, "", repository
	}
	if !strings.HasPrefix(raw, "git://") {
		return raw, "", remoteFile
	}
	host, rest, _ := strings.Cut(strings.TrimPrefix(raw, "git://"), "/")
	if where, branch, ok := strings.Cut(rest, ":"); ok {
		return "git://" + host + "/" + where, branch, repository
	}
	return raw, "", repository
}

func validBranch(name string) bool {
	return len(name) <= 255 && branchPattern.MatchString(name) && !strings.Contains(name, "..") && !strings.Contains(name, "//") &&
		!strings.HasPrefix(name, "/") && !strings.HasSuffix(name, "/") && !strings.HasSuffix(name, ".lock")
}

// fileName is how a file is called in its volume. Nobody sees that name but who looks into the disk.
func fileName(u *url.URL) string {
	name := path.Base(u.Path)
	if name == "." || name == "/" || name == ".." || len(name) > 255 || strings.ContainsAny(name, "/\x00") {
		return "file"
	}
	return name
}

// shown is a source without the password in it, for messages.
func (s source) shown() string {
	if u, err := url.Parse(s.url); err == nil && s.url != "" {
		if s.branch != "" {
			return u.Redacted() + ":" + s.branch
		}
		return u.Redacted()
	}
	return s.raw
}
