package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hypercloud/hyper/test/lab"
)

// TestKilledWhileAnImageComes ends hyperd at each step of making an image known: from an archive, from a container, from a registry; and of
// removing one. After the restart an image is there whole or not at all, nothing of it is left in containerd, and the same again succeeds.
func TestKilledWhileAnImageComes(t *testing.T) {
	l := newLab(t, "e2ei")
	hyper(t, l, "run", "-d", "--name", "idle", "busybox", "sleep", "100000")
	hyper(t, l, "run", "--name", "source", "busybox", "sh", "-c", "echo made > /mine; mkdir /d; rm /bin/vi")
	archives := map[string]string{}
	for _, name := range []string{"one", "two"} {
		archives[name] = archive(t, l, name, map[string]any{}, text("mine", name+"\n"))
		hyper(t, l, "load", "-i", archives[name])
	}
	both := filepath.Join(l.Dir, "both.tar")
	hyper(t, l, "save", "-o", both, "one", "two")
	hyper(t, l, "rmi", "one", "two")
	hyper(t, l, "run", "--rm", "busybox", "true") // whatever is made once is made now
	before, held := inventory(t, l), contents(t, l)

	load := []string{"load", "-i", archives["one"]}
	// The client sends one image at a time; the API takes more.
	loadBoth := []string{"curl", "-sS", "--unix-socket", strings.TrimPrefix(l.Host(), "unix://"), "-X", "POST", "-T", both, "http://hyper/v1.23/images/load"}
	commit := []string{"commit", "source", "made"}
	do := func(args []string) (string, error) {
		if args[0] == "curl" {
			out, err := l.Command(t.Context(), args[0], args[1:]...).CombinedOutput()
			return string(out), err
		}
		out, errOut, code := l.Hyper(args...)
		if code != 0 {
			return errOut, fmt.Errorf("exit %d", code)
		}
		return out, nil
	}
	for _, tc := range []struct {
		point   string
		prepare []string
		act     []string
		stays   []string // images that are there after the restart; one|two: either, since an archive has its images in no certain order
		makes   []string // images that are there when it has been done again; none: it is not done again
	}{
		{"load.after-read", nil, load, nil, []string{"one"}},
		{"load.after-unpack", nil, load, nil, []string{"one"}},
		{"load.after-record", nil, load, nil, []string{"one"}},
		{"image.keep.after-engine", nil, load, nil, []string{"one"}},
		{"load.after-unpack=2", nil, loadBoth, []string{"one|two"}, []string{"one", "two"}},
		{"load.after-record=2", nil, loadBoth, []string{"one|two"}, []string{"one", "two"}},
		{"image.keep.after-engine=2", nil, loadBoth, []string{"one|two"}, []string{"one", "two"}},
		{"image.keep.after-engine", load, load, []string{"one"}, []string{"one"}}, // an image that was there
		{"commit.after-layer", nil, commit, nil, []string{"made"}},
		{"load.after-unpack", nil, commit, nil, []string{"made"}},
		{"load.after-record", nil, commit, nil, []string{"made"}},
		{"image.keep.after-engine", nil, commit, nil, []string{"made"}},
		{"image.pull.after-engine", nil, []string{"pull", "alpine"}, nil, []string{"alpine"}},
		{"image.remove.after-intent", load, []string{"rmi", "one"}, nil, nil},
	} {
		t.Run(tc.point+" "+tc.act[0], func(t *testing.T) {
			if tc.prepare != nil {
				hyper(t, l, tc.prepare...)
			}
			restart(t, l, "HYPER_FAILPOINT="+tc.point)
			said, _ := do(tc.act)
			if err := l.WaitDown(); err != nil {
				t.Fatalf("%v (%s) did not reach the point", tc.act, said)
			}
			restart(t, l)
			wantImages(t, l, tc.stays)
			wantContents(t, l, held)
			if tc.makes != nil {
				if said, err := do(tc.act); err != nil {
					t.Fatalf("%v, done again: %v\n%s", tc.act, err, said)
				}
				wantImages(t, l, tc.makes)
				wantContents(t, l, held)
			}
			if out := hyper(t, l, "exec", "idle", "echo", "alive"); out != "alive\n" {
				t.Errorf("the bystander says %q", out)
			}
			wantInventory(t, l, before)
		})
	}
}

// TestKilledInTheMiddleOfAnArchive ends hyperd while it waits for the rest of an archive: what had come is not kept.
func TestKilledInTheMiddleOfAnArchive(t *testing.T) {
	l := newLab(t, "e2em")
	whole, err := os.ReadFile(archive(t, l, "one", map[string]any{}, text("mine", "one\n")))
	if err != nil {
		t.Fatal(err)
	}
	hyper(t, l, "run", "--rm", "busybox", "true")
	before, held := inventory(t, l), contents(t, l)
	conn, err := net.Dial("unix", strings.TrimPrefix(l.Host(), "unix://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	head := fmt.Sprintf("POST /v1.23/images/load HTTP/1.1\r\nHost: hyper\r\nContent-Length: %d\r\n\r\n", len(whole))
	if _, err := conn.Write(append([]byte(head), whole[:len(whole)/2]...)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "half an archive is there", func() string {
		if now := contents(t, l); now["half blobs"] != 1 || now["leases"] != 1 {
			return fmt.Sprint(now)
		}
		return ""
	})
	if err := l.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	wantImages(t, l, nil)
	wantContents(t, l, held)
	hyper(t, l, "load", "-i", filepath.Join(l.Dir, "one.tar"))
	wantImages(t, l, []string{"one"})
	wantContents(t, l, held)
	wantInventory(t, l, before)
}

// wantImages says which images there are besides busybox, runs each, and removes it.
func wantImages(t *testing.T, l *lab.Lab, names []string) {
	t.Helper()
	var have []string
	for _, name := range []string{"alpine", "made", "one", "two"} {
		if hyper(t, l, "images", "-q", name) != "" {
			have = append(have, name)
		}
	}
	want := strings.Join(names, " ")
	if got := strings.Join(have, " "); got != want && !(want == "one|two" && (got == "one" || got == "two")) {
		t.Errorf("the images %q are there, want %q", have, names)
	}
	for _, name := range have {
		want := name + "\n"
		if name == "alpine" {
			want = ""
		}
		if out := hyper(t, l, "run", "--rm", name, "sh", "-c", "if [ -e /mine ]; then cat /mine; fi"); out != want {
			t.Errorf("image %s holds %q", name, out)
		}
		hyper(t, l, "rmi", name)
	}
	if out := hyper(t, l, "images", "-aq"); strings.Count(out, "\n") != 1 {
		t.Errorf("besides busybox there are images: %s", out)
	}
}

func contents(t *testing.T, l *lab.Lab) lab.Inventory {
	t.Helper()
	inv, err := l.Contents()
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// wantContents waits until containerd holds what it held before.
func wantContents(t *testing.T, l *lab.Lab, before lab.Inventory) {
	t.Helper()
	eventually(t, "something is left in containerd", func() string { return before.Diff(contents(t, l)) })
}
