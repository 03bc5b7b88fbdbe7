package runtime

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/logfile"
)

func TestIntakeIsTheAccounts(t *testing.T) {
	r := New(Config{LogRate: 1000})
	one, two, other := r.hub(key{"a", "1"}), r.hub(key{"a", "2"}), r.hub(key{"b", "1"})
	if one.intake == nil || one.intake != two.intake || one.intake == other.intake {
		t.Error("an account's containers do not share one limit that is theirs alone")
	}
	if New(Config{}).hub(key{"a", "1"}).intake != nil {
		t.Error("without a rate there is a limit")
	}
}

func TestTakeCountsBytesAndLines(t *testing.T) {
	l := rate.NewLimiter(0, 1000)
	take(t.Context(), l, 500, 2)
	if left := int(l.Tokens()); left != 300 {
		t.Errorf("%d are left of 1000 after 500 bytes in two lines, want 300", left)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { take(ctx, rate.NewLimiter(1e-9, 10), 100, 0); close(done) }()
	cancel()
	<-done
}

// A container that wrote more than its share ends as soon as any other, and all that it wrote is in its log.
func TestWhatIsLeftAtTheEndDoesNotWait(t *testing.T) {
	dir := t.TempDir()
	p, err := makePipes(dir, false, false)
	if err != nil {
		t.Fatal(err)
	}
	log, err := logfile.Open(filepath.Join(dir, "log"), 2, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	h := newHub()
	h.intake = rate.NewLimiter(1e-9, 10)
	if err := h.open(p, filepath.Join(dir, "log"), log, newInput("", func() {})); err != nil {
		t.Fatal(err)
	}
	out, err := os.OpenFile(p.stdout, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	errOut, err := os.OpenFile(p.stderr, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	h.read()
	const lines = 3000
	if _, err := out.WriteString(strings.Repeat("more than it may\n", lines)); err != nil {
		t.Fatal(err)
	}
	out.Close()
	errOut.Close()
	select {
	case <-h.drained:
		t.Error("what is more than it may was taken at once")
	case <-time.After(50 * time.Millisecond):
	}
	h.settle(time.Minute)
	n := 0
	err = logfile.Read(t.Context(), filepath.Join(dir, "log"), nil, engine.LogOptions{Tail: -1, Stdout: true}, func(engine.LogEntry) error { n++; return nil })
	if err != nil || n != lines {
		t.Errorf("the log has %d lines of %d (%v)", n, lines, err)
	}
	h.close()
}
