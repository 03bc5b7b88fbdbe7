package runtime

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func passwdTree(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"passwd": "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/app:/bin/sh\nhuge:x:70000:1::/:/bin/sh\n",
		"group":  "root:x:0:\napp:x:1001:\nextra:x:1002:app\n",
	} {
		if err := os.WriteFile(filepath.Join(root, "etc", name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestLookup(t *testing.T) {
	root := passwdTree(t)
	for _, tc := range []struct {
		name, user string
		uid, gid   uint32
		extra      []uint32
		err        string
	}{
		{"by name, with its groups", "app", 1000, 1001, []uint32{1001, 1002}, ""},
		{"by number, that passwd does not know", "4242", 4242, 0, []uint32{0}, ""},
		{"with a group", "app:extra", 1000, 1002, []uint32{1002}, ""},
		{"unknown", "nobody", 0, 0, nil, "unable to find user nobody"},
		{"an id that is not mapped", "huge", 0, 0, nil, "this machine gives a container those from 0 to 65535"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u, err := lookup(root, tc.user, nil)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("error %v, want %q", err, tc.err)
				}
				return
			}
			if err != nil || u.UID != tc.uid || u.GID != tc.gid || !slices.Equal(u.AdditionalGids, tc.extra) {
				t.Errorf("%+v, %v", u, err)
			}
		})
	}
}

// A file that stays open would keep the root file system from being unmounted.
func TestLookupLeavesNothingOpen(t *testing.T) {
	root := passwdTree(t)
	if _, err := lookup(root, "app", []string{"extra"}); err != nil {
		t.Fatal(err)
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(to, root) {
			t.Errorf("%s is still open", to)
		}
	}
}
