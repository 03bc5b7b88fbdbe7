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
	answers, parts := "| command | Hyper | why |\n|---|---|---|\n", "| command | where | why |\n|---|---|---|\n"
	for _, d := range told {
		row := fmt.Sprintf("| `%s` | %s | %s |\n", cell(d.command), cell(d.hyper), cell(d.why))
		if d.part {
			parts += row
		} else {
			answers += row
		}
	}
	for name, text := range map[string]string{"differences": answers, "parts": parts} {
		if err := document.Check("../../docs/compatibility.md", name, text, *update); err != nil {
			t.Error(err)
		}
	}
}

// cell makes a text fit for a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}
