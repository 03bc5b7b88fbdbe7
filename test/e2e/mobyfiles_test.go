package e2e

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// packed is an archive of one file.
func packed(t *testing.T, h tar.Header, content string) io.Reader {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	h.Size = int64(len(content))
	if err := w.WriteHeader(&h); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &buf
}

// unpacked are an archive's files, by name.
func unpacked(t *testing.T, r io.ReadCloser) map[string]string {
	t.Helper()
	defer r.Close()
	out := map[string]string{}
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		must(t, h, err)
		content, err := io.ReadAll(in)
		out[h.Name] = string(must(t, content, err))
	}
}

// mobyFileRows are the files of containers.
var mobyFileRows = map[string]mobyRow{
	"CopyToContainer": func(t *testing.T, m moby) {
		id := m.idle(t)
		in := func(opts client.CopyToContainerOptions, h tar.Header) error {
			opts.Content = packed(t, h, "content")
			_, err := m.CopyToContainer(within(t), id, opts)
			return err
		}
		if err := in(client.CopyToContainerOptions{DestinationPath: "/tmp"}, tar.Header{Name: "a", Mode: 0o640, Uid: 5, Gid: 6}); err != nil {
			t.Fatal(err)
		}
		want(t, "the file", m.output(t, id, "cat", "/tmp/a"), "content")
		want(t, "its mode and owner", m.output(t, id, "stat", "-c", "%a %u:%g", "/tmp/a"), "640 5:6\n")
		if err := in(client.CopyToContainerOptions{DestinationPath: "/none"}, tar.Header{Name: "a", Mode: 0o640}); !errdefs.IsNotFound(err) {
			t.Errorf("a directory that is not there: %v", err)
		}
		if err := in(client.CopyToContainerOptions{DestinationPath: "/"}, tar.Header{Name: "tmp", Mode: 0o644}); err == nil {
			t.Error("a directory is overwritten by a file")
		}
	},
	"CopyFromContainer": func(t *testing.T, m moby) {
		id, _ := m.ended(t, "mkdir -p /d/e; echo one >/d/1; echo two >/d/e/2; ln -s 1 /d/l")
		r, err := m.CopyFromContainer(within(t), id, client.CopyFromContainerOptions{SourcePath: "/d"})
		must(t, r, err)
		files := unpacked(t, r.Content)
		if files["d/1"] != "one\n" || files["d/e/2"] != "two\n" || len(files) != 5 {
			t.Errorf("the archive has %v", files)
		}
		if r.Stat.Name != "d" || !r.Stat.Mode.IsDir() {
			t.Errorf("it is said to be %+v", r.Stat)
		}
		if _, err := m.CopyFromContainer(within(t), id, client.CopyFromContainerOptions{SourcePath: "/none"}); !errdefs.IsNotFound(err) {
			t.Errorf("what is not there: %v", err)
		}
	},
	"ContainerStatPath": func(t *testing.T, m moby) {
		id, _ := m.ended(t, "printf 12345 >/f; chmod 600 /f; ln -s /f /l")
		r, err := m.ContainerStatPath(within(t), id, client.ContainerStatPathOptions{Path: "/f"})
		must(t, r, err)
		if r.Stat.Name != "f" || r.Stat.Size != 5 || r.Stat.Mode.Perm() != 0o600 || r.Stat.Mtime.IsZero() {
			t.Errorf("%+v", r.Stat)
		}
		r, err = m.ContainerStatPath(within(t), id, client.ContainerStatPathOptions{Path: "/l"})
		must(t, r, err)
		if r.Stat.LinkTarget != "/f" || r.Stat.Mode&fs.ModeSymlink == 0 {
			t.Errorf("a link: %+v", r.Stat)
		}
		if _, err := m.ContainerStatPath(within(t), id, client.ContainerStatPathOptions{Path: "/none"}); !errdefs.IsNotFound(err) {
			t.Errorf("what is not there: %v", err)
		}
	},
	"ContainerExport": func(t *testing.T, m moby) {
		id, _ := m.ended(t, "echo mine >/mine")
		r, err := m.ContainerExport(within(t), id, client.ContainerExportOptions{})
		files := unpacked(t, must(t, r, err))
		want(t, "a file of its own", files["mine"], "mine\n")
		if _, ok := files["bin/busybox"]; !ok {
			t.Error("the image's files are missing")
		}
	},
	"ContainerDiff": func(t *testing.T, m moby) {
		id, _ := m.ended(t, "echo new >/new; echo x >>/etc/passwd; rm /bin/busybox")
		r, err := m.ContainerDiff(within(t), id, client.ContainerDiffOptions{})
		found := map[string]container.ChangeType{}
		for _, c := range must(t, r, err).Changes {
			found[c.Path] = c.Kind
		}
		for path, kind := range map[string]container.ChangeType{"/new": container.ChangeAdd, "/etc/passwd": container.ChangeModify, "/bin/busybox": container.ChangeDelete, "/etc": container.ChangeModify} {
			if got, ok := found[path]; !ok || got != kind {
				t.Errorf("%s: %v in %v", path, got, found)
			}
		}
	},
}

// mobyVolumeRows are volumes.
var mobyVolumeRows = map[string]mobyRow{
	"VolumeCreate": func(t *testing.T, m moby) {
		v := m.volume(t, client.VolumeCreateOptions{Name: "made", Labels: map[string]string{"l": "v"}})
		want(t, "the name", v, "made")
		again, err := m.VolumeCreate(within(t), client.VolumeCreateOptions{Name: "made"})
		want(t, "the same one", must(t, again, err).Volume.Name, "made")
		if _, err := m.VolumeCreate(within(t), client.VolumeCreateOptions{Name: "not/one"}); !errdefs.IsInvalidArgument(err) {
			t.Errorf("what is no name: %v", err)
		}
		if name := m.volume(t, client.VolumeCreateOptions{}); len(name) < 32 {
			t.Errorf("without a name it is called %q", name)
		}
	},
	"VolumeInspect": func(t *testing.T, m moby) {
		m.volume(t, client.VolumeCreateOptions{Name: "seen", Labels: map[string]string{"l": "v"}})
		r, err := m.VolumeInspect(within(t), "seen", client.VolumeInspectOptions{})
		v := must(t, r, err).Volume
		if v.Name != "seen" || v.Labels["l"] != "v" || v.Scope == "" || v.Driver == "" || v.CreatedAt == "" || v.Mountpoint != "" /* the machine's directories are not shown */ {
			t.Errorf("%+v", v)
		}
		if _, err := m.VolumeInspect(within(t), "nothing", client.VolumeInspectOptions{}); !errdefs.IsNotFound(err) {
			t.Errorf("what is not there: %v", err)
		}
	},
	"VolumeList": func(t *testing.T, m moby) {
		m.volume(t, client.VolumeCreateOptions{Name: "one", Labels: map[string]string{"l": "v"}})
		m.volume(t, client.VolumeCreateOptions{Name: "two"})
		names := func(f client.Filters) string {
			r, err := m.VolumeList(within(t), client.VolumeListOptions{Filters: f})
			var out []string
			for _, v := range must(t, r, err).Items {
				out = append(out, v.Name)
			}
			return strings.Join(out, " ")
		}
		want(t, "those with a label", names(client.Filters{}.Add("label", "l=v")), "one")
		want(t, "those of a name", names(client.Filters{}.Add("name", "tw")), "two")
	},
	"VolumeRemove": func(t *testing.T, m moby) {
		v := m.volume(t, client.VolumeCreateOptions{})
		id := m.create(t, client.ContainerCreateOptions{Config: &container.Config{Cmd: []string{"true"}}, HostConfig: &container.HostConfig{Binds: []string{v + ":/v"}}})
		if _, err := m.VolumeRemove(within(t), v, client.VolumeRemoveOptions{}); !errdefs.IsConflict(err) {
			t.Errorf("one that is in use: %v", err)
		}
		m.remove(t, id)
		if _, err := m.VolumeRemove(within(t), v, client.VolumeRemoveOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := m.VolumeRemove(within(t), v, client.VolumeRemoveOptions{}); !errdefs.IsNotFound(err) {
			t.Errorf("a second time: %v", err)
		}
		if _, err := m.VolumeRemove(within(t), v, client.VolumeRemoveOptions{Force: true}); err != nil {
			t.Errorf("by force it is no error: %v", err)
		}
	},
	"VolumePrune": func(t *testing.T, m moby) {
		named, anonymous := m.volume(t, client.VolumeCreateOptions{Name: "kept"}), m.volume(t, client.VolumeCreateOptions{})
		r, err := m.VolumePrune(within(t), client.VolumePruneOptions{})
		want(t, "what is gone", strings.Join(must(t, r, err).Report.VolumesDeleted, " "), anonymous)
		r, err = m.VolumePrune(within(t), client.VolumePruneOptions{All: true})
		want(t, "what is gone with all", strings.Join(must(t, r, err).Report.VolumesDeleted, " "), named)
	},
}

// volume makes a volume that is gone when the row has ended.
func (m moby) volume(t *testing.T, opts client.VolumeCreateOptions) string {
	t.Helper()
	v, err := m.VolumeCreate(within(t), opts)
	name := must(t, v, err).Volume.Name
	t.Cleanup(func() {
		if _, err := m.VolumeRemove(afterwards(t), name, client.VolumeRemoveOptions{Force: true}); err != nil {
			t.Error(err)
		}
	})
	return name
}
