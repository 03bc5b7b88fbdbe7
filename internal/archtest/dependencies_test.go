package archtest

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const reasons = "docs/dependencies.md"

// A row of a table names a module, and says what for, why this one, and what it would take to leave.
var reason = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|(.*)$")

func TestDependenciesHaveReasons(t *testing.T) {
	text, err := os.ReadFile("../../" + reasons)
	if err != nil {
		t.Fatal(err)
	}
	used := dependencies(t)
	given := map[string]bool{}
	for _, row := range reason.FindAllStringSubmatch(string(text), -1) {
		module, cells := row[1], strings.Split(strings.Trim(row[2], " |"), " | ")
		if given[module] {
			t.Errorf("%s: %s is there twice", reasons, module)
		}
		given[module] = true
		if !used[module] {
			t.Errorf("%s: %s is no direct dependency of this module", reasons, module)
		}
		if len(cells) != 3 || slices.Contains(cells, "") {
			t.Errorf("%s: the row of %s should say what for, why this one, and what it would take to leave", reasons, module)
		}
	}
	for _, module := range slices.Sorted(maps.Keys(used)) {
		if !given[module] {
			t.Errorf("%s: no row for %s", reasons, module)
		}
	}
}

// go.mod marks as indirect what our own packages do not import. If the marks were wrong, so were the list of reasons.
func TestDirectDependenciesAreImported(t *testing.T) {
	mod := goMod(t)
	imported := map[string]bool{}
	for _, p := range packages(t) {
		for _, i := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			imported[mod.provides(i)] = true
		}
	}
	for _, r := range mod.Require {
		if imported[r.Path] == r.Indirect {
			t.Errorf("go.mod says indirect=%v of %s, and is wrong: run 'go mod tidy'", r.Indirect, r.Path)
		}
	}
}

// dependencies are the modules that this one requires for itself: those that it imports, and those of its tools.
func dependencies(t *testing.T) map[string]bool {
	t.Helper()
	mod := goMod(t)
	used := map[string]bool{}
	for _, r := range mod.Require {
		if !r.Indirect {
			used[r.Path] = true
		}
	}
	for _, tool := range mod.Tool {
		used[mod.provides(tool.Path)] = true
	}
	return used
}

type modFile struct {
	Require []struct {
		Path     string
		Indirect bool
	}
	Tool    []struct{ Path string }
	Exclude []struct{ Path string }
	Replace []struct{ Old, New struct{ Path string } }
}

func goMod(t *testing.T) modFile {
	t.Helper()
	var mod modFile
	if err := json.Unmarshal(run(t, "go", "mod", "edit", "-json", "../../go.mod"), &mod); err != nil {
		t.Fatal(err)
	}
	return mod
}

// provides is the required module that a package belongs to: the longest whose path the package's begins with. It is
// empty for a package of this module, or of the standard library.
func (m modFile) provides(pkg string) string {
	longest := ""
	for _, r := range m.Require {
		if (pkg == r.Path || strings.HasPrefix(pkg, r.Path+"/")) && len(r.Path) > len(longest) {
			longest = r.Path
		}
	}
	return longest
}
