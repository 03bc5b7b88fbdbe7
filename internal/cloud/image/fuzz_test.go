package image

import (
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/distribution/reference"
)

// A reference is what it is written as, in the store's form and in the one that people read; and what it names is one registry's.
func FuzzReference(f *testing.F) {
	for _, seed := range [][2]string{
		{"mysql", ""}, {"mysql:5", "8"}, {"a/b:c@sha256:" + strings.Repeat("a", 64), ""}, {"registry.example:5000/a/b", "sha256:" + strings.Repeat("b", 64)}, {"scratch", ""}, {"docker.io/library/scratch", "x"}, {"..", "."}, {"a//b", ""}, {"A", ""},
		{"a:b:c", ""}, {"localhost/a", ""}, {"[::1]:5000/a", ""}, {strings.Repeat("a", 64), ""}, {"a", strings.Repeat("x", 129)}, {"a\x00", ""}, {"a@md5:x", ""}, {"127.0.0.1/x", ""}, {" a", ""}, {"http://a/b", ""}, {"a b", "c d"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, name, tag string) {
		named, err := parsePull(name, tag)
		if err != nil {
			if !errdefs.IsInvalidArgument(err) {
				t.Errorf("%v", err)
			}
			return
		}
		if (tagOf(named) == "") == (digestOf(named) == "") {
			t.Errorf("%s must have a tag or a digest", named)
		}
		if strings.ContainsAny(named.String(), " \x00\n") || strings.Contains(named.Name(), "..") || strings.HasPrefix(named.Name(), "/") {
			t.Errorf("%q %q is %q", name, tag, named)
		}
		for _, text := range []string{named.String(), reference.FamiliarString(named)} {
			again, err := parse(text)
			if err != nil || again.String() != named.String() {
				t.Errorf("%q %q is %s; %q is %v (%v)", name, tag, named, text, again, err)
			}
		}
		if familiar(named.Name()) == "scratch" {
			t.Errorf("%q %q is the reserved name", name, tag)
		}
		if list, err := parseNames([]string{name}); err == nil && len(list) > 0 && digestOf(list[0]) != "" {
			t.Errorf("an archive names an image %s", list[0])
		}
	})
}
