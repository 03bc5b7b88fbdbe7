package listing

import (
	"cmp"
	"encoding/csv"
	"errors"
	"io"
	"strings"
)

// CSVHelp is the help text of --csv.
const CSVHelp = "Show comma-separated values with a header, in which amounts are exact"

// CSV writes comma-separated values (RFC 4180, lines that end in a line feed alone).
type CSV struct {
	w     *csv.Writer
	wrote error // the first that went wrong
}

// NewCSV begins with a header.
func NewCSV(w io.Writer, header ...string) *CSV {
	c := &CSV{w: csv.NewWriter(w)}
	c.Row(header...)
	return c
}

// Row writes one line. Fields that people chose go through [Text] first. Who has few lines may leave its error to Flush, which has it again.
func (c *CSV) Row(fields ...string) error {
	if c.wrote == nil {
		c.wrote = c.w.Write(fields)
	}
	return c.wrote
}

// Flush says whether all of it was written.
func (c *CSV) Flush() error {
	c.w.Flush()
	return cmp.Or(c.wrote, c.w.Error())
}

// Text is a text that spreadsheets take for a text. One that begins as a formula does gets an apostrophe in front, as the Open Worldwide Application
// Security Project advises: a note that says =HYPERLINK(...) would be run by who opens the file. Numbers must not come here: -1.50 is none that harms.
func Text(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}

// OneLine is a text as a cell of a table: without line ends, tabs and what else moves a terminal.
func OneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}

// OneFormat refuses --csv together with another format.
func OneFormat(asCSV bool, format string) error {
	if asCSV && format != "" {
		return errors.New("Conflicting options: --csv and --format or --json")
	}
	return nil
}
