package metering

import (
	"encoding/csv"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const page = "../../docs/prices.md"

// blocks are those of a page with code in a language.
func blocks(t *testing.T, language string) (found []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(text), "```"+language+"\n")[1:] {
		code, _, _ := strings.Cut(part, "```")
		found = append(found, code)
	}
	return found
}

// rows are the cells of the page's tables, without what is beside them.
func rows(t *testing.T) (found [][]string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(string(text)) {
		if l = strings.TrimSpace(l); strings.HasPrefix(l, "|") {
			cells := strings.Split(strings.Trim(l, "|"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			found = append(found, cells)
		}
	}
	return found
}

// The page shows the book that is the default, and how another version is added to it.
func TestPageHasTheOriginalsPrices(t *testing.T) {
	found := blocks(t, "yaml")
	if _, file, _ := strings.Cut(string(originalFile), "\n"); found[0] != file {
		t.Errorf("%s has the file\n%s\nand it is\n%s", page, found[0], file)
	}
	if b := mustParse(t, found[0]+found[1]); len(b.Versions()) != 2 {
		t.Errorf("there are %d versions", len(b.Versions()))
	}
}

// The page's example is computed right.
func TestPagesExample(t *testing.T) {
	records, err := csv.NewReader(strings.NewReader(blocks(t, "csv")[0])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var entries []Entry
	for _, r := range records[1:] {
		e := Entry{Kind: Kind(r[1]), Resource: r[2], Name: r[3], Class: r[4], Amount: r[9], Note: r[10]}
		var errs [5]error
		e.Seq, errs[0] = strconv.ParseInt(r[0], 10, 64)
		e.Quantity, errs[1] = strconv.ParseInt(r[5], 10, 64)
		e.Start, errs[2] = time.Parse(time.RFC3339Nano, r[6])
		e.End, errs[3] = time.Parse(time.RFC3339Nano, r[7])
		e.Least, errs[4] = time.ParseDuration(r[8] + "ms")
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
		entries = append(entries, e)
	}
	s := charges(t, entries, mustParse(t, blocks(t, "yaml")[0]), at("2026-11-01"), at("2026-12-01"), ByPrice)
	table := rows(t)
	first := slices.IndexFunc(table, func(cells []string) bool { return len(cells) == 4 && cells[2] == "exact" }) + 2
	if first < 2 || len(table) <= first+len(s.Lines) {
		t.Fatalf("%s has no bill of %d lines", page, len(s.Lines))
	}
	for i, l := range s.Lines {
		name := (item{l.Kind, l.Class}).String()
		if row := table[first+i]; row[0] != name || row[2] != Exact(l.Amount) || row[3] != Money(s.Currency, Cents(l.Amount)) {
			t.Errorf("%s has %q, and it is %s, %s", page, row, name, Exact(l.Amount))
		}
	}
	if row := table[first+len(s.Lines)]; row[0] != "total" || row[2] != Exact(s.Total) || row[3] != Money(s.Currency, Cents(s.Total)) {
		t.Errorf("%s has the total %q, and it is %s", page, row, Exact(s.Total))
	}
}
