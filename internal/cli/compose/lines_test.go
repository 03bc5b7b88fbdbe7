package compose

import (
	"strings"
	"testing"
)

// Names are padded to the longest (cli 13), and nothing is shown before it is released.
func TestLines(t *testing.T) {
	var out, err strings.Builder
	l := newLines(&out, &err, false)
	l.expect("mysqldb-1", "mywordpress-1")
	l.hold = true
	l.Log("mysqldb-1", "one\ntwo")
	l.Err("mywordpress-1", "trouble")
	l.Status("mysqldb-1", "exited with code 0")
	if out.Len()+err.Len() > 0 {
		t.Errorf("shown before: %q, %q", &out, &err)
	}
	l.release()
	l.Log("mysqldb-1", "three")
	if want := "mysqldb-1     | one\nmysqldb-1     | two\nmysqldb-1 exited with code 0\nmysqldb-1     | three\n"; out.String() != want {
		t.Errorf("on standard output\n%swant\n%s", &out, want)
	}
	if want := "mywordpress-1 | trouble\n"; err.String() != want {
		t.Errorf("on standard error %q, want %q", &err, want)
	}

	out.Reset()
	l.colour = true
	l.Log("mysqldb-1", "x")
	l.Log("mywordpress-1", "x")
	if want := "\x1b[36mmysqldb-1     | \x1b[0mx\n\x1b[33mmywordpress-1 | \x1b[0mx\n"; out.String() != want {
		t.Errorf("in colour %q", &out)
	}
	out.Reset()
	l.plain = true
	l.Log("mysqldb-1", "x")
	if out.String() != "x\n" {
		t.Errorf("without names %q", &out)
	}
}
