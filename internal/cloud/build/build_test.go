package build

import (
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/store"
)

func TestAttributes(t *testing.T) {
	req := Request{
		Dockerfile: "deploy/Dockerfile", Args: map[string]string{"A": "1", "EMPTY": ""}, Labels: map[string]string{"l": "x"}, Target: "release", NoCache: true,
		Pull: true, Platform: "linux/amd64", ExtraHosts: []string{"db:10.0.0.1", "six:fe80::1", "eq=10.0.0.2"}, ShmSize: 1 << 20, NoNetwork: true,
	}
	want := map[string]string{
		"filename": "deploy/Dockerfile", "build-arg:A": "1", "build-arg:EMPTY": "", "label:l": "x", "target": "release", "no-cache": "", "image-resolve-mode": "pull",
		"platform": "linux/amd64", "add-hosts": "db=10.0.0.1,six=fe80::1,eq=10.0.0.2", "shm-size": "1048576", "force-network-mode": "none",
	}
	if got := req.attributes(); !maps.Equal(got, want) {
		t.Errorf("the attributes are %v", got)
	}
	if got := (&Request{}).attributes(); len(got) != 0 {
		t.Errorf("a request of nothing has the attributes %v", got)
	}
}

// TestIntake ends the sending and the loading of an image in each order.
func TestIntake(t *testing.T) {
	broken, unsolved := errors.New("the archive is broken"), errors.New("the step failed")
	for name, tc := range map[string]struct {
		send    bool
		load    error
		solved  error
		id      string
		err     error
		someErr bool
	}{
		"all is well":           {send: true, id: "sha256:1"},
		"it cannot be loaded":   {send: true, load: broken, err: broken},
		"both fail":             {send: true, load: broken, solved: unsolved, err: broken},
		"the build fails":       {solved: unsolved, err: unsolved},
		"the build fails late":  {send: true, solved: unsolved, err: unsolved},
		"nothing was ever sent": {someErr: true},
	} {
		t.Run(name, func(t *testing.T) {
			in := &intake{load: func(r io.Reader) (string, error) {
				if tc.load != nil {
					return "", tc.load
				}
				text, err := io.ReadAll(r)
				if err != nil {
					return "", err
				}
				if string(text) != "archive" {
					t.Errorf("what arrives is %q", text)
				}
				return "sha256:1", nil
			}}
			if tc.send {
				w, err := in.begin()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := in.begin(); err == nil {
					t.Error("an image is taken twice")
				}
				if _, err := io.WriteString(w, "archive"); (err == nil) != (tc.load == nil) {
					t.Errorf("writing says %v", err)
				}
				if tc.solved == nil {
					w.Close()
				}
			}
			id, err := in.result(tc.solved)
			if id != tc.id || (tc.err != nil && !errors.Is(err, tc.err)) || (err != nil) != (tc.err != nil || tc.someErr) {
				t.Errorf("the result is %q, %v", id, err)
			}
		})
	}
}

// TestBuildersAreOfOneVersion compares the two modules that say which BuildKit is used: the one that talks, and the one that answers.
func TestBuildersAreOfOneVersion(t *testing.T) {
	line := regexp.MustCompile(`(?m)^\s*(?:require )?github\.com/moby/buildkit (v\S+)`)
	var found []string
	for _, file := range []string{"../../../go.mod", "../../../cmd/buildkitd/go.mod"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := line.FindSubmatch(text)
		if m == nil {
			t.Fatalf("%s names no BuildKit", file)
		}
		found = append(found, string(m[1]))
	}
	if len(slices.Compact(found)) != 1 {
		t.Errorf("the client is %s, the builders are %s", found[0], found[1])
	}
}

func TestTail(t *testing.T) {
	var said tail
	for range 100 {
		if n, err := said.Write([]byte(strings.Repeat("x", 100))); n != 100 || err != nil {
			t.Fatal(n, err)
		}
	}
	if n := len(said.String()); n != 1024 {
		t.Errorf("it keeps %d bytes", n)
	}
}

// TestUses counts users of a builder: while there is one it does not rest, and what is known of an account goes with its last.
func TestUses(t *testing.T) {
	st, err := store.Open(filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	acc, err := st.CreateAccount(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Store: st, Containers: container.New(container.Config{Store: st}), Idle: time.Millisecond})
	known := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.uses)
	}
	one, two := s.enter(acc.Ref), s.enter(acc.Ref)
	one()
	time.Sleep(20 * time.Millisecond)
	if known() != 1 {
		t.Error("it rests while it is used")
	}
	two()
	for end := time.Now().Add(10 * time.Second); known() != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not rest when nobody uses it")
		}
	}
	s.enter(acc.Ref)()
}
