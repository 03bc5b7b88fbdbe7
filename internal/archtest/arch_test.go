package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/hypercloud/hyper/"

// arrows are the imports that may not be: no package under from may import one under to.
var arrows = []struct {
	name, from, to string
	except         []string // packages, or trees ending in "/", that may
}{
	{name: "the rules know no machine", from: "internal/cloud/", to: "internal/engine/", except: []string{"internal/engine", "internal/engine/fake"}},
	{name: "the rules know no client", from: "internal/cloud/", to: "internal/cli/"},
	{name: "an engine knows no rules", from: "internal/engine/", to: "internal/cloud/"},
	{name: "an engine keeps no records", from: "internal/engine/", to: "internal/store/"},
	{name: "the store knows no rules", from: "internal/store/", to: "internal/cloud/"},
	{name: "the store knows no machine", from: "internal/store/", to: "internal/engine/local/"},
	{name: "only hyperd serves", from: "", to: "internal/server/", except: []string{"cmd/hyperd", "internal/server/"}},
	{name: "requests reach a machine through the rules", from: "internal/server/", to: "internal/engine/local/"},
	{name: "the client knows no daemon", from: "internal/cli/", to: "internal/cloud/"},
	{name: "the client knows no machine", from: "internal/cli/", to: "internal/engine/"},
	{name: "the client keeps no records", from: "internal/cli/", to: "internal/store/"},
	{name: "what is shown to others stands alone", from: "api/", to: "internal/"},
	{name: "signatures need nothing", from: "internal/signature", to: "internal/"},
	{name: "what use costs depends on nothing else", from: "internal/metering", to: "internal/", except: []string{"internal/oops", "internal/plainyaml"}},
	{name: "only hyperd chooses the machine", from: "", to: "internal/engine/local/", except: []string{"cmd/hyperd", "cmd/hyper-files", "cmd/hyper-git", "internal/engine/local/"}},
}

func TestArrows(t *testing.T) {
	listed := packages(t)
	for _, a := range arrows {
		t.Run(a.name, func(t *testing.T) {
			for _, p := range listed {
				from := strings.TrimPrefix(p.ImportPath, module)
				if !within(from, a.from) || slices.ContainsFunc(a.except, func(e string) bool { return within(from, e) }) {
					continue
				}
				for _, i := range p.Imports {
					to, own := strings.CutPrefix(i, module)
					if own && within(to, a.to) && !slices.ContainsFunc(a.except, func(e string) bool { return within(to, e) }) {
						t.Errorf("%s imports %s", from, to)
					}
				}
			}
		})
	}
}

func TestPackagesAreDocumented(t *testing.T) {
	for _, p := range packages(t) {
		if len(p.GoFiles) > 0 && len(strings.Fields(p.Doc)) < 5 {
			t.Errorf("%s: its package comment should tell a newcomer what lives there", strings.TrimPrefix(p.ImportPath, module))
		}
	}
}

// What a replace directive points to is built here and nowhere else: `go install` refuses such a module.
func TestModuleReplacesNothing(t *testing.T) {
	mod := goMod(t)
	for _, r := range mod.Replace {
		t.Errorf("go.mod replaces %s by %s", r.Old.Path, r.New.Path)
	}
	for _, e := range mod.Exclude {
		t.Errorf("go.mod excludes a version of %s", e.Path)
	}
}

// within reports whether the package is tree, or below it if tree ends in "/". The empty tree holds everything.
func within(pkg, tree string) bool {
	dir, whole := strings.CutSuffix(tree, "/")
	return tree == "" || pkg == dir || whole && strings.HasPrefix(pkg, tree)
}

type listedPackage struct {
	ImportPath, Doc                             string
	GoFiles, Imports, TestImports, XTestImports []string
}

// packages are those of this module, as they are built on Linux; the imports of their tests are apart.
func packages(t *testing.T) []listedPackage {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(run(t, "go", "list", "-json=ImportPath,Doc,GoFiles,Imports,TestImports,XTestImports", module+"...")))
	var all []listedPackage
	for {
		var p listedPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("go list names only %d packages", len(all))
	}
	return all
}

func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, &stderr)
	}
	return out
}
