package plainyaml

import (
	"strings"
	"testing"

	"github.com/containerd/errdefs"
)

var menu = Format{Noun: "menu", What: "dishes", Empty: "it needs dishes", Size: 1000, Depth: 2}

func TestRead(t *testing.T) {
	root, err := menu.Read([]byte("# today\n\nsoup: [pea, fish]\ncake: none\n"))
	if err != nil || Line(root) != 3 {
		t.Fatalf("the root is at line %d, %v", Line(root), err)
	}
	for text, says := range map[string]string{
		"":                           "the file of the menu is empty: it needs dishes",
		"# nothing\n":                "the file of the menu is empty: it needs dishes",
		"soup: [":                    "line 1 of the menu: ",
		"soup: \xff":                 "is not text in UTF-8",
		"soup: &s pea\n":             "line 1 of the menu: anchors and aliases are not taken: write the dishes out",
		"a: 1\nsoup: !!set {}\n":     "line 2 of the menu: !!set is not taken",
		"soup: [[[pea]]]\n":          "line 1 of the menu: this is nested deeper than a menu is",
		"- - - pea\n":                "line 1 of the menu: this is nested deeper than a menu is",
		"soup: pea\n---\nsoup: no\n": "line 3 of the menu: a second document begins here, and a file is one menu",
		strings.Repeat("#", 1001):    "the file of a menu has at most 0 KiB, this one has 1",
	} {
		if _, err := menu.Read([]byte(text)); !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.30q: %v, want %q", text, err, says)
		}
	}
}
