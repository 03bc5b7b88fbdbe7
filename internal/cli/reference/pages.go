package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/hypercloud/hyper/internal/cli"
	"github.com/hypercloud/hyper/internal/cli/group"
)

// index is the page that leads to the others.
const index = "README.md"

// writePages puts a page for each command into a directory, and an index. What else was there is removed: it was a page of a command that is no more.
func writePages(root *cobra.Command, dir string) error {
	pages, err := render(root)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// render makes the pages, by file name.
func render(root *cobra.Command) (map[string][]byte, error) {
	pages := map[string][]byte{index: contents(root)}
	var visit func(cmd *cobra.Command) error
	visit = func(cmd *cobra.Command) error {
		cmd.DisableAutoGenTag = true
		var b bytes.Buffer
		if err := doc.GenMarkdownCustom(cmd, &b, func(name string) string { return name }); err != nil {
			return fmt.Errorf("%s: %w", cmd.CommandPath(), err)
		}
		pages[file(cmd)] = tidy(b.String())
		for _, sub := range cmd.Commands() {
			if !sub.IsAvailableCommand() {
				continue
			}
			if err := visit(sub); err != nil {
				return err
			}
		}
		return nil
	}
	return pages, visit(root)
}

func file(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "_") + ".md" }

// tidy drops blanks at line ends, and empty lines at the page's.
func tidy(page string) []byte {
	lines := strings.Split(page, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t")
	}
	return []byte(strings.TrimSpace(strings.Join(lines, "\n")) + "\n")
}

// contents is the index, in the order of the top-level help.
func contents(root *cobra.Command) []byte {
	var b bytes.Buffer
	fmt.Fprint(&b, "# The command hyper\n\nMade from the commands by `make docs`: edit those, not these pages. Global options are on the page of [hyper](hyper.md).\n")
	byName := map[string]*cobra.Command{}
	for _, cmd := range root.Commands() {
		byName[cmd.Name()] = cmd
	}
	titles, names := cli.Sections()
	for _, title := range titles {
		fmt.Fprintf(&b, "\n## %s\n\n| | |\n|---|---|\n", title)
		for _, name := range names[title] {
			lines(&b, byName[name])
		}
	}
	return b.Bytes()
}

// lines are those of a command in the index: its own, or for a group those of its commands.
func lines(b *bytes.Buffer, cmd *cobra.Command) {
	if !cmd.HasAvailableSubCommands() || group.DoesRun(cmd) {
		fmt.Fprintf(b, "| [%s](%s) | %s |\n", cmd.CommandPath(), file(cmd), cmd.Short)
	}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			lines(b, sub)
		}
	}
}
