package e2e

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hypercloud/hyper/test/lab"
)

// entry is one of a hostile image.
type entry struct {
	name, link, content string
	kind                byte
}

func link(name, to string) entry { return entry{name: name, link: to, kind: tar.TypeSymlink} }
func text(name, s string) entry  { return entry{name: name, content: s, kind: tar.TypeReg} }
func dir(name string) entry      { return entry{name: name + "/", kind: tar.TypeDir} }

func tarOf(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Linkname: e.link, Typeflag: e.kind, Mode: 0o755, Size: int64(len(e.content))}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// archive writes an image of a busybox and what is put over it, as docker save would, and returns the file's name.
func archive(t *testing.T, l *lab.Lab, name string, config map[string]any, over ...entry) string {
	t.Helper()
	path, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatalf("hostile images are made of busybox-static, which is missing: %v", err)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	base := []entry{dir("bin"), text("bin/busybox", string(program)), dir("etc"), text("etc/passwd", "root:x:0:0::/:/bin/sh\n")}
	for _, applet := range []string{"sh", "cat", "ls", "id", "pwd", "true", "touch"} {
		base = append(base, link("bin/"+applet, "busybox"))
	}
	layers := [][]byte{tarOf(t, base...), tarOf(t, over...)}
	var diffs, files []string
	var all []entry
	for n, raw := range layers {
		diffs = append(diffs, fmt.Sprintf("sha256:%x", sha256.Sum256(raw)))
		files = append(files, fmt.Sprintf("l%d.tar", n))
		all = append(all, text(files[n], string(raw)))
	}
	encode := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if config["Cmd"] == nil {
		config["Cmd"] = []string{"true"}
	}
	all = append(all, text("c.json", encode(map[string]any{
		"architecture": "amd64", "os": "linux", "config": config, "rootfs": map[string]any{"type": "layers", "diff_ids": diffs},
	})), text("manifest.json", encode([]any{map[string]any{"Config": "c.json", "RepoTags": []string{name + ":latest"}, "Layers": files}})))
	file := filepath.Join(l.Dir, name+".tar")
	if err := os.WriteFile(file, tarOf(t, all...), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestHostileImages runs images that are made to reach what is the machine's. Each runs without reaching it, or is refused with a
// sentence; nothing is left, and the machine's own file says what it said.
func TestHostileImages(t *testing.T) {
	l := newLab(t, "e2eh")
	const secret = "what only the machine has"
	marker := writeFile(t, l, "secret", secret)
	up := strings.Repeat("../", 12)
	type obj = map[string]any
	hyper(t, l, "run", "--rm", "busybox", "true")
	before := inventory(t, l)
	for _, tc := range []struct {
		name   string
		config obj
		over   []entry
		run    []string // arguments after the image
		says   string   // what it prints, if it runs; "" for a refusal
		fails  string   // part of the sentence, for a refusal
	}{
		{name: "devlink", over: []entry{link("dev", up+"dev")}, run: []string{"sh", "-c", "ls /dev/ | wc -l >/tmp.txt; [ -e /dev/vda ] || [ -e /dev/loop0 ] || echo no disks"}, says: "no disks", fails: "/dev"},
		{name: "proclink", over: []entry{link("proc", up+"proc")}, run: []string{"sh", "-c", "cat /proc/1/comm"}, says: "sh|cat", fails: "proc"},
		{name: "syslink", over: []entry{link("sys", "/etc")}, run: []string{"sh", "-c", "touch /sys/x 2>&1; echo over"}, says: "over", fails: "sys"},
		{name: "passwdlink", config: obj{"User": "daemon"}, over: []entry{link("etc/passwd", up+"etc/passwd")}, fails: "daemon"},
		{name: "passwdmagic", config: obj{"User": "daemon"}, over: []entry{link("etc/passwd", "/proc/1/root/etc/passwd")}, fails: "daemon"},
		{name: "hostslink", over: []entry{link("etc/hosts", marker)}, run: []string{"cat", "/etc/hosts"}, says: "localhost", fails: "hosts"},
		{name: "uidover", config: obj{"User": "4294967296"}, fails: "4294967296"},
		{name: "uidminus", config: obj{"User": "-1"}, fails: "-1"},
		{name: "uidlast", config: obj{"User": "4294967295"}, fails: "4294967295"},
		{name: "uidbeyond", config: obj{"User": "65536"}, fails: "65536"},
		{name: "gidover", config: obj{"User": "0:4294967297"}, fails: "4294967297"},
		{name: "workfd", config: obj{"WorkingDir": "/proc/self/fd/7"}, run: []string{"sh", "-c", "cat " + up + marker + " 2>/dev/null; echo end"}, says: "end", fails: "fd/7"},
		{name: "workfd8", config: obj{"WorkingDir": "/proc/self/fd/8"}, run: []string{"sh", "-c", "cat " + up + marker + " 2>/dev/null; echo end"}, says: "end", fails: "fd/8"},
		{name: "workup", config: obj{"WorkingDir": "/" + up}, run: []string{"sh", "-c", "pwd; cat ." + marker + " 2>/dev/null; true"}, says: "^/\n$"},
		{name: "worklink", config: obj{"WorkingDir": "/out/deep"}, over: []entry{link("out", up+"var/tmp")}, run: []string{"pwd"}, says: "/deep\n", fails: "out"},
		{name: "volumelink", config: obj{"Volumes": obj{"/out/deep": obj{}}}, over: []entry{link("out", up+filepath.Dir(marker))}, run: []string{"sh", "-c", "ls -a /out/deep; echo mounted"}, says: "mounted", fails: "out"},
		{name: "volumemagic", config: obj{"Volumes": obj{"/out": obj{}}}, over: []entry{link("out", "/proc/1/root/etc")}, run: []string{"sh", "-c", "echo mounted"}, says: "mounted", fails: "out"},
		{name: "shmlink", over: []entry{dir("dev"), link("dev/shm", up+"etc")}, run: []string{"sh", "-c", "echo x > /dev/shm/x && echo own"}, says: "own"},
		{name: "protected", config: obj{"Labels": obj{"sh_hyper_container_protection": "true", "sh_hyper_instancetype": "l3"}}, run: []string{"sh", "-c", "echo plain"}, says: "plain"},
		{name: "device", over: []entry{{name: "disk", kind: tar.TypeBlock}}, run: []string{"sh", "-c", "cat /disk 2>&1 || echo shut"}, says: "shut", fails: "disk"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.config == nil {
				tc.config = obj{}
			}
			out, errOut, code := l.Hyper("load", "-i", archive(t, l, tc.name, tc.config, tc.over...))
			if code == 0 {
				out, errOut, code = l.Hyper(append([]string{"run", "--rm", tc.name}, tc.run...)...)
			}
			if strings.Contains(out+errOut, secret) {
				t.Errorf("it reads what is the machine's: %s%s", out, errOut)
			}
			switch {
			case code == 0 && tc.says != "" && matches(tc.says, out):
			case code != 0 && tc.fails != "" && strings.Contains(errOut, tc.fails) && !strings.Contains(errOut, "panic"):
			default:
				t.Errorf("exit %d, %q %q", code, out, errOut)
			}
			_, _, _ = l.Hyper("rmi", tc.name)
		})
	}
	if b, err := os.ReadFile(marker); err != nil || string(b) != secret {
		t.Errorf("the machine's file says %q (%v)", b, err)
	}
	if out := hyper(t, l, "ps", "-aq"); out != "" {
		t.Errorf("containers are left: %s", out)
	}
	wantInventory(t, l, before)
}

func matches(pattern, s string) bool {
	for _, p := range strings.Split(pattern, "|") {
		if strings.HasPrefix(p, "^") {
			if s == strings.TrimSuffix(p[1:], "$") {
				return true
			}
		} else if strings.Contains(s, p) {
			return true
		}
	}
	return false
}
