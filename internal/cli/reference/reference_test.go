package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/hypercloud/hyper/internal/cli"
	"github.com/hypercloud/hyper/internal/cli/compose"
)

const committed = "../../../docs/reference/cli"

// The pages in the repository are those that the commands make.
func TestReferenceIsCurrent(t *testing.T) {
	root, err := cli.Commands(compose.Command)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := render(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range pages {
		if have, err := os.ReadFile(filepath.Join(committed, name)); err != nil || string(have) != string(text) {
			t.Errorf("docs/reference/cli/%s is not what the commands say: run 'make docs', and commit what it changes", name)
		}
	}
	have, err := filepath.Glob(filepath.Join(committed, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range have {
		if pages[filepath.Base(path)] == nil {
			t.Errorf("docs/reference/cli/%s is of no command: run 'make docs', and commit what it removes", filepath.Base(path))
		}
	}
}

var link = regexp.MustCompile(`\]\(([a-z_-]+\.md)\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	root, err := cli.Commands(compose.Command)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := render(root)
	if err != nil {
		t.Fatal(err)
	}
	reached := map[string]bool{index: true}
	for name, text := range pages {
		for _, m := range link.FindAllSubmatch(text, -1) {
			reached[string(m[1])] = true
			if pages[string(m[1])] == nil {
				t.Errorf("%s leads to %s, which is not there", name, m[1])
			}
		}
	}
	for name := range pages {
		if !reached[name] {
			t.Errorf("nothing leads to %s", name)
		}
	}
}

func TestManual(t *testing.T) {
	root, err := cli.Commands(compose.Command)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Setenv("SOURCE_DATE_EPOCH", "1490708263")
	if err := writeManual(root, dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "hyper-fip-allocate.1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"HYPER-FIP-ALLOCATE" "1" "Mar 2017"`, "hyper fip allocate [OPTIONS] COUNT", "hyper fip allocate -y 1"} {
		if !regexp.MustCompile(regexp.QuoteMeta(want)).Match(text) {
			t.Errorf("the page does not have %q", want)
		}
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(pages, func(p string) bool { return filepath.Ext(p) != ".1" }); i >= 0 {
		t.Errorf("%s is no manual page", pages[i])
	}
}
