package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// pointName is how a failpoint is called: what is done, and after or before which step of it.
var pointName = regexp.MustCompile(`^[a-z.]+\.(after|before)-[a-z-]+$`)

// Disks of two kinds go through the same steps: there the sources have the ends of names only.
const (
	diskSources = "internal/engine/local/disk/"
	volumes     = "volume."
	roots       = "root."
)

// A point at which no test ends hyperd says nothing about hyperd's death there.
func TestFailpointsAreTried(t *testing.T) {
	tried := map[string]bool{}
	points := map[string]string{} // where they are
	files := token.NewFileSet()
	for _, name := range sources(t) {
		f, err := parser.ParseFile(files, filepath.Join("../..", name), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			for _, text := range literals(f) {
				point, _, _ := strings.Cut(strings.TrimPrefix(text, "HYPER_FAILPOINT="), "=")
				tried[point] = true
			}
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if arg, is := hit(n); is && !pointName.MatchString(arg) && !strings.HasPrefix(name, diskSources) {
				t.Errorf("%s: a failpoint's name should be a constant there, such as \"volume.create.after-engine\"", files.Position(n.Pos()))
			}
			return true
		})
		for _, text := range literals(f) {
			whole := strings.TrimPrefix(text, ".")
			switch {
			case !pointName.MatchString(whole):
			case strings.HasPrefix(name, diskSources) && !strings.HasPrefix(whole, volumes) && !strings.HasPrefix(whole, roots):
				points[volumes+whole], points[roots+whole] = name, name
			default:
				points[whole] = name
			}
		}
	}
	if len(points) < 40 {
		t.Fatalf("only %d failpoints were found: this test does not see them any more", len(points))
	}
	for _, p := range slices.Sorted(maps.Keys(points)) {
		if !tried[p] {
			t.Errorf("%s: no test ends hyperd at %s", points[p], p)
		}
	}
}

// sources are this module's Go files, by their names from its root.
func sources(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, top := range []string{"cmd", "internal", "test"} {
		err := filepath.WalkDir(filepath.Join("../..", top), func(path string, _ fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".go") {
				out = append(out, strings.TrimPrefix(filepath.ToSlash(path), "../../"))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// This package names points without trying them.
	return slices.DeleteFunc(out, func(name string) bool { return strings.HasPrefix(name, "internal/archtest/") })
}

func literals(f *ast.File) []string {
	var out []string
	ast.Inspect(f, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if s, err := strconv.Unquote(l.Value); err == nil {
				out = append(out, s)
			}
		}
		return true
	})
	return out
}

// hit tells whether n is a call of failpoint.Hit, and its argument if that is a constant.
func hit(n ast.Node) (arg string, is bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) != 1 {
		return "", false
	}
	fun, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || fun.Sel.Name != "Hit" {
		return "", false
	}
	if pkg, ok := fun.X.(*ast.Ident); !ok || pkg.Name != "failpoint" {
		return "", false
	}
	if l, ok := call.Args[0].(*ast.BasicLit); ok {
		arg, _ = strconv.Unquote(l.Value)
	}
	return arg, true
}
