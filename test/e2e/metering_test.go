package e2e

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/boottime"
	"github.com/hypercloud/hyper/test/lab"
)

// usageEntry is a line of "hyper usage --entries --csv".
type usageEntry struct {
	seq, kind, name, class, quantity, least string
	start, end                              time.Time
}

func (e usageEntry) lasted() time.Duration { return e.end.Sub(e.start) }

// entriesOf reads the account's ledger: the entries of one kind and name.
func entriesOf(t *testing.T, l *lab.Lab, kind, name string) []usageEntry {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(hyper(t, l, "usage", "--entries", "--csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, head := range rows[0] {
		column[head] = i
	}
	var list []usageEntry
	for _, row := range rows[1:] {
		cell := func(head string) string { return row[column[head]] }
		e := usageEntry{seq: cell("Seq"), kind: cell("Kind"), name: cell("Name"), class: cell("Class"), quantity: cell("Quantity"), least: cell("LeastMillis")}
		var errStart, errEnd error
		e.start, errStart = time.Parse(time.RFC3339, cell("Start"))
		e.end, errEnd = time.Parse(time.RFC3339, cell("End"))
		if errStart != nil || errEnd != nil {
			t.Fatalf("the entry %v: %v, %v", row, errStart, errEnd)
		}
		if e.kind == kind && e.name == name {
			list = append(list, e)
		}
	}
	return list
}

// charged is the quantity that the account is charged for a container.
func charged(t *testing.T, l *lab.Lab, name string) string {
	t.Helper()
	var lines []struct{ Kind, Name, Quantity, Unit string }
	for line := range strings.Lines(hyper(t, l, "usage", "--json")) {
		var one struct{ Kind, Name, Quantity, Unit string }
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		lines = append(lines, one)
	}
	for _, one := range lines {
		if one.Kind == "container" && one.Name == name {
			return one.Quantity + " " + one.Unit
		}
	}
	return fmt.Sprintf("nothing, of %v", lines)
}

// TestMeteredTime runs containers while hyperd is there, while it is away and while it dies, and compares what they are charged for with how long they ran.
func TestMeteredTime(t *testing.T) {
	l := newLab(t, "e2em")
	hyper(t, l, "pull", "busybox")

	begin := boottime.Now()
	hyper(t, l, "run", "-d", "--name", "five", "busybox", "sleep", "5")
	hyper(t, l, "wait", "five")
	took := boottime.Now() - begin
	if list := entriesOf(t, l, "container", "five"); len(list) != 1 || list[0].lasted() < 5*time.Second || list[0].lasted() > took || list[0].class != "s4" || list[0].least != "10000" {
		t.Errorf("a container of 5 s, seen for %v, has the entries %+v", took, list)
	}
	if got := charged(t, l, "five"); got != "10 s" {
		t.Errorf("a container of 5 s is charged for %s, want 10 s", got)
	}

	hyper(t, l, "run", "-d", "--name", "stays", "busybox", "sleep", "100000")
	open := entriesOf(t, l, "container", "stays")
	begin = boottime.Now()
	hyper(t, l, "run", "-d", "--name", "away", "busybox", "sleep", "11")
	pid := strings.TrimSpace(hyper(t, l, "inspect", "-f", "{{.State.Pid}}", "away"))
	if err := l.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the process ends", func() string {
		if l.Command(t.Context(), "test", "-d", "/proc/"+pid).Run() == nil {
			return "it is still there"
		}
		return ""
	})
	took = boottime.Now() - begin
	time.Sleep(2 * time.Second) // an absence that nothing is charged for
	l.Env = []string{"HYPER_FAILPOINT=container.recover.after-record"}
	if err := l.Start(); err == nil {
		t.Fatal("hyperd did not reach the point at which it has recorded the end of a container that it found")
	}
	l.Env = nil
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	if list := entriesOf(t, l, "container", "away"); len(list) != 1 || list[0].lasted() < 11*time.Second || list[0].lasted() > took {
		t.Errorf("a container of 11 s, gone after %v, has the entries %+v", took, list)
	}
	if code := hyper(t, l, "inspect", "-f", "{{.State.ExitCode}} {{.State.Status}}", "away"); code != "0 exited\n" {
		t.Errorf("it ended with %s", code)
	}
	if list := entriesOf(t, l, "container", "stays"); len(list) != 1 || list[0].seq != "0" || !list[0].start.Equal(open[0].start) || list[0].lasted() < took {
		t.Errorf("a container that runs on has the entries %+v, had %+v", list, open)
	}

	begin = boottime.Now()
	restart(t, l, "HYPER_FAILPOINT=container.start.after-engine")
	out, errOut, code := l.Hyper("run", "-d", "--name", "unseen", "busybox", "sleep", "4")
	if err := l.WaitDown(); err != nil {
		t.Fatalf("hyperd did not reach the point at which a process runs and is not recorded: exit %d, %s%s", code, out, errOut)
	}
	time.Sleep(6 * time.Second)
	took = boottime.Now() - begin
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	if list := entriesOf(t, l, "container", "unseen"); len(list) != 1 || list[0].lasted() < 4*time.Second || list[0].lasted() > took-time.Second {
		t.Errorf("a container of 4 s, which hyperd never saw running, has the entries %+v after %v", list, took)
	}
	if got := charged(t, l, "unseen"); got != "10 s" {
		t.Errorf("a container of 4 s is charged for %s, want 10 s", got)
	}
	hyper(t, l, "rm", "-f", "stays", "five", "away", "unseen")
	if list := entriesOf(t, l, "rootfs", "five"); len(list) != 1 || list[0].seq == "0" || list[0].quantity != "10" {
		t.Errorf("a root file system that is gone has the entries %+v", list)
	}
}
