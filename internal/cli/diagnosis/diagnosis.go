// Package diagnosis writes what the doctor found, for people and for programs. `hyper admin doctor` and `hyperd doctor` share it.
package diagnosis

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/hypercloud/hyper/api/types"
)

// FormatHelp is the help text of --format.
const FormatHelp = "json, for programs (default: a line for each check)"

// QuietHelp is the help text of --quiet.
const QuietHelp = "Show only what is not as it should be"

// Style says how a report is written.
type Style struct {
	Format string // "json", or "" for people
	Quiet  bool   // for people: without what is well, but for the last line
	Mend   string // the command that repairs what drifted
}

// Check refuses a format that there is not.
func (s Style) Check() error {
	if s.Format != "" && s.Format != "json" {
		return fmt.Errorf("format %q: use json, or leave it out", s.Format)
	}
	return nil
}

// Write writes a report.
func (s Style) Write(w io.Writer, r types.DoctorReport) error {
	if s.Format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	account := "\x00" // of no check
	for _, c := range r.Checks {
		if s.Quiet && len(c.Findings) == 0 {
			continue
		}
		if c.Account != account {
			account = c.Account
			fmt.Fprintln(w, heading(account))
		}
		writeCheck(w, c)
	}
	_, err := fmt.Fprintln(w, summary(r, s.Mend))
	return err
}

func heading(account string) string {
	if account == "" {
		return "machine"
	}
	return "account " + account
}

// row is a line of a check: its state, its name, and a text that may be empty.
func row(w io.Writer, state, name, text string) {
	fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %-8s %-20s %s", state, name, text), " "))
}

func writeCheck(w io.Writer, c types.DoctorCheck) {
	if len(c.Findings) == 0 {
		row(w, "ok", c.Name, c.Fact)
	}
	for _, f := range c.Findings {
		state := f.Kind
		if f.Mended {
			state = "mended"
		}
		row(w, state, c.Name, f.Text)
		for _, l := range f.Lines {
			row(w, "", "", "  "+l)
		}
	}
}

// summary says in a line what there is to do.
func summary(r types.DoctorReport, mend string) string {
	var drift, problems, mended int
	for _, c := range r.Checks {
		for _, f := range c.Findings {
			switch {
			case f.Mended:
				mended++
			case f.Kind == "drift":
				drift++
			case f.Kind == "problem":
				problems++
			}
		}
	}
	var parts []string
	if mended > 0 {
		parts = append(parts, count(mended, "thing is mended", "things are mended"))
	}
	if drift > 0 {
		parts = append(parts, fmt.Sprintf("%s: '%s' repairs %s", count(drift, "thing drifted", "things drifted"), mend, it(drift)))
	}
	if problems > 0 {
		parts = append(parts, count(problems, "problem needs somebody to look at it", "problems need somebody to look at them"))
	}
	if r.Failed != "" {
		parts = append(parts, "mending failed: "+r.Failed)
	}
	if drift+problems == 0 && r.Failed == "" {
		parts = append(parts, "all is well")
	}
	return strings.Join(parts, "; ")
}

func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

func it(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}
