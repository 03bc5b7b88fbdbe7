package boottime

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The kernel tells the same count in /proc/uptime, cut to hundredths of a second.
func TestNowIsTheTimeSinceTheMachineWasStarted(t *testing.T) {
	const tick = 10 * time.Millisecond
	before := Now()
	raw, err := os.ReadFile("/proc/uptime")
	if err != nil {
		t.Fatal(err)
	}
	after := Now()
	seconds, _, _ := strings.Cut(string(raw), " ")
	up, err := time.ParseDuration(seconds + "s")
	if err != nil {
		t.Fatal(err)
	}
	if before <= 0 || before > up+tick || after < up {
		t.Errorf("%v, then up for %v, then %v", before, up, after)
	}
}

func TestIDIsTheSameThroughoutABoot(t *testing.T) {
	id, err := ID()
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(id) {
		t.Errorf("%q", id)
	}
	if again, err := ID(); again != id || err != nil {
		t.Errorf("%q, then %q, %v", id, again, err)
	}
}

func TestNotes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "note")
	if at := Noted(path); at != 0 {
		t.Errorf("without a note: %v", at)
	}
	now := Now()
	if err := Note(path, now); err != nil {
		t.Fatal(err)
	}
	if err := Note(path, now+1); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second note: %v", err)
	}
	if at := Noted(path); at != now {
		t.Errorf("noted %v, read %v", now, at)
	}
}

func TestWhatIsNoNote(t *testing.T) {
	for name, target := range map[string]string{
		"a word": "soon", "a fraction": "1.5", "before the boot": "-1", "too large": strconv.FormatUint(1<<63, 10), "a path": "/proc/uptime",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "note")
			if err := os.Symlink(target, path); err != nil {
				t.Fatal(err)
			}
			if at := Noted(path); at != 0 {
				t.Errorf("read %v", at)
			}
		})
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("5"), 0o600); err != nil {
		t.Fatal(err)
	}
	if at := Noted(path); at != 0 {
		t.Errorf("read %v of a file", at)
	}
}
