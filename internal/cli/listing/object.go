package listing

import (
	"encoding/json"
	"io"
	"strings"
	"text/tabwriter"
)

// Object renders one thing that is no list: as JSON on one line, or through a user's template.
func Object(w io.Writer, format string, object any) error {
	if format == "json" {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return enc.Encode(object)
	}
	tmpl, err := parse(strings.NewReplacer(`\t`, "\t", `\n`, "\n").Replace(format))
	if err != nil {
		return err
	}
	return execute(w, tmpl, object)
}

// ObjectHelp is the help text of --format where one thing is shown.
const ObjectHelp = "Go template for the output, or json"

// NewNarrowTable is a table whose cells are no wider than they must be: for what people read and no script of the first client does.
func NewNarrowTable(w io.Writer) *tabwriter.Writer {
	return tabwriter.NewWriter(w, 0, 1, padding, ' ', 0)
}
