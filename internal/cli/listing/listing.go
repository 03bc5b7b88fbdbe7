// Package listing renders what a command lists: as a table, as blocks of "key: value", as lines of JSON or through
// a user's template (cli 1.7).
//
// A row is a struct whose exported string fields are the template's fields. Fields name the columns; a method
// takes what needs an argument (.Label "k").
package listing

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"text/template"

	"github.com/docker/cli/templates"
)

// Listing says how the rows of one command look.
type Listing struct {
	// Default is the template of the plain table, with cells separated by \t.
	Default string
	// Raw is the template of one "key: value" block; empty when the command has none.
	Raw string
	// Quiet is the template of -q.
	Quiet string
	// Width is the least that a cell has; 0: 20.
	Width int
	// Headers are the columns' titles by field.
	Headers map[string]string
}

// FormatHelp is the help text of --format.
const FormatHelp = "Go template, or table, raw, json, 'table TEMPLATE'"

// Write renders rows. The format is that of --format: empty for the plain table.
func Write[Row any](w io.Writer, l Listing, format string, quiet bool, rows []Row) error {
	switch {
	case quiet && (format == "" || format == "table" || format == "raw"):
		return lines(w, l.Quiet, rows)
	case format == "" || format == "table":
		return table(w, l, l.Default, rows)
	case format == "raw" && l.Raw != "":
		return lines(w, l.Raw, rows)
	case format == "json":
		return jsonLines(w, rows)
	}
	format = strings.NewReplacer(`\t`, "\t", `\n`, "\n").Replace(format)
	if rest, ok := strings.CutPrefix(format, "table "); ok {
		return table(w, l, strings.TrimSpace(rest), rows)
	}
	return lines(w, format, rows)
}

// padding is what a cell has besides its text.
const padding = 3

// NewTable pads cells to the widest plus three, at least 20; the last one of a line is left as it is.
func NewTable(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 20, 1, padding, ' ', 0) }

func table[Row any](w io.Writer, l Listing, text string, rows []Row) error {
	tmpl, err := parse(text)
	if err != nil {
		return err
	}
	head, err := tmpl.Clone()
	if err != nil {
		return err
	}
	tw := NewTable(w)
	if l.Width > 0 {
		tw = tabwriter.NewWriter(w, l.Width, 1, padding, ' ', 0)
	}
	if err := execute(tw, head.Funcs(templates.HeaderFunctions), headers(l.Headers)); err != nil {
		return err
	}
	for _, row := range rows {
		if err := execute(tw, tmpl, row); err != nil {
			return err
		}
	}
	return tw.Flush()
}

func lines[Row any](w io.Writer, text string, rows []Row) error {
	tmpl, err := parse(text)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := execute(w, tmpl, row); err != nil {
			return err
		}
	}
	return nil
}

func jsonLines[Row any](w io.Writer, rows []Row) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, row := range rows {
		if err := enc.Encode(row); err != nil {
			return err
		}
	}
	return nil
}

func parse(text string) (*template.Template, error) {
	tmpl, err := templates.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("template parsing error: %w", err)
	}
	return tmpl, nil
}

func execute(w io.Writer, tmpl *template.Template, data any) error {
	var b strings.Builder
	if err := tmpl.Execute(&b, data); err != nil {
		return fmt.Errorf("template parsing error: %w", err)
	}
	_, err := fmt.Fprintln(w, b.String())
	return err
}

// headers stands in for a row while the header line is rendered.
type headers map[string]string

// Label is the title of the column that shows one label: its last word.
func (headers) Label(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '_' || r == '-' || r == '/' })
	if len(words) == 0 {
		return ""
	}
	return strings.ToUpper(words[len(words)-1])
}
