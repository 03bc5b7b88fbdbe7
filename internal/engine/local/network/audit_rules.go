package network

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/vishvananda/netns"

	"github.com/hypercloud/hyper/internal/engine"
)

// chains are rules as the kernel tells them: the lines of each chain, by table and chain, and what is in a table besides chains. The
// nft program writes them, without handles and counters, so that two rulesets that mean the same are the same text.
type chains map[string][]string

// listed is how the kernel tells a text of rules: it is loaded into a namespace that is gone afterwards.
func listed(text string) (chains, error) {
	var out chains
	err := aside(func() (err error) {
		if err = applyRules(text); err == nil {
			out, err = listRules()
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("loading rules into a namespace of their own: %w", err)
	}
	return out, nil
}

func rulesIn(ns netns.NsHandle) (out chains, err error) {
	err = within(ns, func() error {
		out, err = listRules()
		return err
	})
	return out, err
}

// listRules lists what there is in the namespace of the calling thread: all of it, or the one table.
func listRules(table ...string) (chains, error) {
	args := []string{"--stateless", "list", "ruleset"}
	if len(table) > 0 {
		args = append([]string{"--stateless", "list", "table"}, table...)
	}
	raw, err := exec.Command("nft", args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(table) > 0 && strings.Contains(string(exit.Stderr), "No such file or directory") {
		return chains{}, nil
	}
	if errors.As(err, &exit) {
		return nil, fmt.Errorf("nft %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(exit.Stderr)))
	}
	return parseRules(string(raw)), started(err)
}

// parseRules reads what nft lists. A line that ends with a comma goes on in the next one: that is how long sets are written.
func parseRules(text string) chains {
	out := chains{}
	var table, inside, begun string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if begun += line; strings.HasSuffix(line, ",") {
			begun += " "
			continue
		}
		line, begun = begun, ""
		switch head, block := strings.CutSuffix(line, " {"); {
		case block && table == "":
			table = strings.TrimPrefix(head, "table ")
			out[table] = nil
		case block && inside == "":
			inside = table + " " + head
			out[inside] = nil
		case line == "}" && inside != "":
			inside = ""
		case line == "}":
			table = ""
		case inside != "":
			out[inside] = append(out[inside], sorted(line))
		default:
			out[table] = append(out[table], line)
		}
	}
	for name, lines := range out {
		if slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "flags dynamic") }) { // packets fill it
			out[name] = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "elements = ") })
		}
	}
	return out
}

var set = regexp.MustCompile(`\{ ([^{}]*) \}`)

// sorted puts the elements of a line's sets in an order, since the kernel keeps them in any.
func sorted(line string) string {
	return set.ReplaceAllStringFunc(line, func(s string) string {
		elements := strings.Split(s[2:len(s)-2], ", ")
		slices.Sort(elements)
		return "{ " + strings.Join(elements, ", ") + " }"
	})
}

// differences reports how a ruleset differs from what is expected, one finding for a table, or a chain in it.
func (r *report) differences(want, is chains) {
	tables := map[string]bool{}
	for _, name := range named(want, is) {
		wanted, isWanted := want[name]
		there, isThere := is[name]
		table := tableOf(name)
		whole := tables[table] // a table that is missing, or too much, as a whole has been told of
		switch {
		case whole:
		case !isThere && name == table:
			tables[table] = true
			r.drift("the table %s is missing, so that no packet meets its rules", name)
		case !isWanted && name == table:
			tables[table] = true
			r.drift("there is a table %s that hyperd did not make", name)
		case !isThere:
			r.lines(removed(wanted), "the %s is missing from the table %s", strings.TrimPrefix(name, table+" "), table)
		case !isWanted:
			r.lines(added(there), "there is a %s in the table %s that hyperd did not make", strings.TrimPrefix(name, table+" "), table)
		default:
			if d := compare(wanted, there); len(d) > 0 {
				r.lines(d, "%s", sentence(strings.TrimPrefix(name, table+" "), table, d))
			}
		}
	}
}

func (r *report) lines(lines []string, format string, args ...any) {
	if more := len(lines) - shownLines; more > 0 {
		lines = append(lines[:shownLines:shownLines], fmt.Sprintf("... and %d more", more))
	}
	r.find(engine.Finding{Kind: engine.Drift, Text: fmt.Sprintf(format, args...), Lines: lines})
}

// sentence says how the lines of a chain differ.
func sentence(chain, table string, lines []string) string {
	var missing, extra int
	for _, l := range lines {
		if strings.HasPrefix(l, "- ") {
			missing++
		} else {
			extra++
		}
	}
	switch {
	case extra == 0:
		return fmt.Sprintf("the %s of the table %s lacks %s", chain, table, rulesOf(missing))
	case missing == 0:
		return fmt.Sprintf("the %s of the table %s has %s that hyperd did not make", chain, table, rulesOf(extra))
	}
	return fmt.Sprintf("the %s of the table %s lacks %s and has %s that hyperd did not make", chain, table, rulesOf(missing), rulesOf(extra))
}

func rulesOf(n int) string {
	if n == 1 {
		return "a rule"
	}
	return fmt.Sprintf("%d rules", n)
}

// named are the names of both, in order, so that a table comes before what is in it.
func named(want, is chains) []string {
	var out []string
	for _, c := range []chains{want, is} {
		for name := range c {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// tableOf is the family and name that a name begins with.
func tableOf(name string) string {
	words := strings.Fields(name)
	return strings.Join(words[:min(2, len(words))], " ")
}

func removed(lines []string) []string { return marked("- ", lines) }
func added(lines []string) []string   { return marked("+ ", lines) }

func marked(mark string, lines []string) []string {
	var out []string
	for _, l := range lines {
		out = append(out, mark+l)
	}
	return out
}

const (
	comparedLines = 1 << 20 // lines times lines of which a common part is looked for
	shownLines    = 40      // lines of a chain
)

// compare lists the lines that are missing and those that are too many, in their order. Where a line only changed its place it is both.
func compare(want, is []string) []string {
	for len(want) > 0 && len(is) > 0 && want[0] == is[0] {
		want, is = want[1:], is[1:]
	}
	for len(want) > 0 && len(is) > 0 && want[len(want)-1] == is[len(is)-1] {
		want, is = want[:len(want)-1], is[:len(is)-1]
	}
	if len(want) == 0 || len(is) == 0 {
		return append(removed(want), added(is)...)
	}
	if len(want) == 1 && len(is) == 1 {
		w, i := apart(want[0], is[0])
		return []string{"- " + w, "+ " + i}
	}
	if len(want)*len(is) > comparedLines {
		return append(removed(want), added(is)...)
	}
	// The longest common subsequence; common[x][y] is its length for what follows x and y.
	common := make([][]int, len(want)+1)
	for x := range common {
		common[x] = make([]int, len(is)+1)
	}
	for x := len(want) - 1; x >= 0; x-- {
		for y := len(is) - 1; y >= 0; y-- {
			if want[x] == is[y] {
				common[x][y] = common[x+1][y+1] + 1
			} else {
				common[x][y] = max(common[x+1][y], common[x][y+1])
			}
		}
	}
	var out []string
	for len(want) > 0 && len(is) > 0 {
		x, y := len(common)-1-len(want), len(common[0])-1-len(is)
		switch {
		case want[0] == is[0]:
			want, is = want[1:], is[1:]
		case common[x+1][y] >= common[x][y+1]:
			out, want = append(out, "- "+want[0]), want[1:]
		default:
			out, is = append(out, "+ "+is[0]), is[1:]
		}
	}
	return append(append(out, removed(want)...), added(is)...)
}

// apart cuts two long lines to where they differ.
func apart(x, y string) (string, string) {
	const whole, around = 160, 60
	if len(x) <= whole && len(y) <= whole {
		return x, y
	}
	first, last := 0, 0
	for first < min(len(x), len(y)) && x[first] == y[first] {
		first++
	}
	for last < min(len(x), len(y))-first && x[len(x)-1-last] == y[len(y)-1-last] {
		last++
	}
	cut := func(s string) string {
		from, to := max(0, first-around), min(len(s), len(s)-last+around)
		out := s[from:to]
		if from > 0 {
			out = "... " + out
		}
		if to < len(s) {
			out += " ..."
		}
		return out
	}
	return cut(x), cut(y)
}
