package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hypercloud/hyper/test/document"
)

// checkDifferences holds docs/compatibility.md to what was seen.
func checkDifferences(t *testing.T, told []difference) {
	t.Helper()
	var b strings.Builder
	b.WriteString("| command | Hyper | why |\n|---|---|---|\n")
	for _, d := range told {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", cell(d.command), cell(d.hyper), cell(d.why))
	}
	if err := document.Check("../../docs/compatibility.md", "differences", b.String(), *update); err != nil {
		t.Error(err)
	}
}

// cell makes a text fit for a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}
