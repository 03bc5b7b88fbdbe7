package listing

import (
	"encoding/csv"
	"errors"
	"strings"
	"testing"
)

func TestCSV(t *testing.T) {
	var b strings.Builder
	c := NewCSV(&b, "Name", "Amount")
	c.Row(Text("web"), "-1.50")
	c.Row(Text(`=HYPERLINK("x"),1`), "0")
	c.Row(Text("two\nlines"), "")
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	const want = "Name,Amount\nweb,-1.50\n\"'=HYPERLINK(\"\"x\"\"),1\",0\n\"two\nlines\",\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	if err != nil || len(rows) != 4 || rows[3][0] != "two\nlines" {
		t.Errorf("it is read as %q, %v", rows, err)
	}
}

func TestTextIsNoFormula(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "web": "web", "a=b": "a=b", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1", "\n=1": "'\n=1",
	} {
		if got := Text(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestOneLine(t *testing.T) {
	if got := OneLine("a\tb\n\x1b[2Jü\u009b"); got != "a b  [2Jü " {
		t.Errorf("got %q", got)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk is full") }

func TestCSVThatIsNotWritten(t *testing.T) {
	if err := NewCSV(full{}, "Name").Flush(); err == nil || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("got %v", err)
	}
}
