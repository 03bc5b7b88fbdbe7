// Package document holds documents to what tests see: a part of a Markdown file, between two comments, is what a test says it is.
package document

import (
	"fmt"
	"os"
	"strings"
)

// Check compares what is in the file between the lines <!-- NAME --> and <!-- /NAME --> with text, and with write puts text there.
func Check(file, name, text string, write bool) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->\n"
	before, rest, ok := strings.Cut(string(raw), begin)
	have, after, closed := strings.Cut(rest, end)
	switch {
	case !ok || !closed:
		return fmt.Errorf("%s has no part between %q and %q", file, begin, end)
	case have == text:
		return nil
	case write:
		return os.WriteFile(file, []byte(before+begin+text+end+after), 0o644)
	}
	return fmt.Errorf("%s: the part %q is not what it should be (run the test with -update if that is meant); it should be:\n%s", file, name, text)
}
