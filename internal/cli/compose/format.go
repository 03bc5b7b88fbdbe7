package compose

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/docker/cli/templates"
	"github.com/spf13/pflag"
)

// asJSON is the format that programs read: an object a line.
const asJSON = "json"

// formatFlag adds --format. Where there is one, --json is short for --format json.
func formatFlag(f *pflag.FlagSet) *string {
	return f.String("format", "", "Go template for the output, or json")
}

// write writes a table of items, or each of them as the format says. row returns an item's cells.
func write[T any](w io.Writer, format string, items []T, header []string, row func(T) []string) error {
	if format != "" && format != "table" {
		return each(w, format, items)
	}
	tw := tabwriter.NewWriter(w, 0, 1, 2, ' ', 0)
	if header != nil {
		fmt.Fprintln(tw, strings.Join(header, "\t"))
	}
	for _, item := range items {
		fmt.Fprintln(tw, strings.Join(row(item), "\t"))
	}
	return tw.Flush()
}

// each writes items as JSON or by a template.
func each[T any](w io.Writer, format string, items []T) error {
	if format == asJSON {
		e := json.NewEncoder(w)
		for _, item := range items {
			if err := e.Encode(item); err != nil {
				return err
			}
		}
		return nil
	}
	t, err := templates.Parse(strings.TrimPrefix(format, "table "))
	if err != nil {
		return fmt.Errorf("the format cannot be read: %w", err)
	}
	for _, item := range items {
		if err := t.Execute(w, item); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	return nil
}
