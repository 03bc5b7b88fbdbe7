package server_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/hypercloud/hyper/internal/server/rest"
	"github.com/hypercloud/hyper/test/document"
)

// TestDocumentedCalls goes through all calls of the newest version of Docker's API: each is offered, or answers that it is not and what to do
// instead.
func TestDocumentedCalls(t *testing.T) {
	calls := dockersCalls(t)
	if len(calls) < 90 {
		t.Fatalf("the API's description has %d calls only", len(calls))
	}
	b := newBench(t)
	var offered, sentences []string
	absent := map[string][]string{}
	for _, c := range calls {
		method, path, _ := strings.Cut(c, " ")
		target := "/v" + rest.NewestVersion.String() + strings.NewReplacer("{", "", "}", "").Replace(path)
		var found *rest.Route
		for _, r := range b.server.Routes() {
			if r.Method == method && samePath(r.Pattern, path) && (found == nil || literals(r.Pattern) > literals(found.Pattern)) {
				found = &r
			}
		}
		switch {
		case found == nil:
			t.Errorf("%s is answered by 404: offer it, or say in absent.go what to do instead", c)
		case slices.Contains(withoutAny, c):
			if status, out := b.send(method, target, ""); status != 404 {
				t.Errorf("%s answers %d %s", c, status, out)
			}
		case found.Absent == "":
			offered = append(offered, "`"+c+"`")
		default:
			if absent[found.Absent] == nil {
				sentences = append(sentences, found.Absent)
			}
			absent[found.Absent] = append(absent[found.Absent], "`"+c+"`")
			status, out := b.send(method, target, "")
			if status != 501 || method != "HEAD" && !strings.Contains(out, found.Absent) {
				t.Errorf("%s answers %d %s", c, status, out)
			}
		}
	}
	doc := "Offered: " + strings.Join(offered, ", ") + ".\n\n| not offered | the answer |\n|---|---|\n"
	doc = strings.Replace(doc, ".\n", ".\n\nOffered, and there never is such a thing: `"+strings.Join(withoutAny, "`, `")+"`.\n", 1)
	for _, s := range sentences {
		doc += fmt.Sprintf("| %s | %s |\n", strings.Join(absent[s], ", "), s)
	}
	if err := document.Check("../../docs/compatibility.md", "calls", doc, *update); err != nil {
		t.Error(err)
	}
}

// withoutAny are calls of things that there are none of here, which clients make on their way to something else.
var withoutAny = []string{"GET /services/{id}", "DELETE /services/{id}", "GET /plugins/{name}/json"}

// dockersCalls are the methods and paths in the description of the API that comes with its types.
func dockersCalls(t *testing.T) (calls []string) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/moby/moby/api").Output()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "swagger.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var described struct {
		Info  struct{ Version string }
		Paths map[string]map[string]any
	}
	if err := yaml.Unmarshal(raw, &described); err != nil {
		t.Fatal(err)
	}
	if v := rest.NewestVersion.String(); described.Info.Version != v {
		t.Errorf("the API's description is of version %s, and hyperd speaks %s", described.Info.Version, v)
	}
	for path, methods := range described.Paths {
		for m := range methods {
			if m != "parameters" {
				calls = append(calls, strings.ToUpper(m)+" "+path)
			}
		}
	}
	slices.SortFunc(calls, func(a, b string) int {
		_, x, _ := strings.Cut(a, " ")
		_, y, _ := strings.Cut(b, " ")
		return strings.Compare(x+" "+a, y+" "+b)
	})
	return calls
}

// samePath tells that a pattern takes a path of the description, in which {...} stands for a name.
func samePath(pattern, path string) bool {
	p, q := strings.Split(pattern, "/"), strings.Split(path, "/")
	if strings.HasSuffix(pattern, "/{rest...}") && len(q) >= len(p) {
		q = append(q[:len(p)-1:len(p)-1], "{rest}")
	}
	return slices.EqualFunc(p, q, func(x, y string) bool {
		return x == y || strings.HasPrefix(x, "{") && strings.HasPrefix(y, "{") || x == "{rest...}"
	})
}

func literals(pattern string) (n int) {
	for _, s := range strings.Split(pattern, "/") {
		if !strings.HasPrefix(s, "{") {
			n++
		}
	}
	return n
}
