package images

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/containerd/errdefs"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

// A parcel is an archive in the making: names and contents in their order.
type parcel struct{ entries []packed }

type packed struct {
	name, body string
	kind       byte
	link       string
}

func (p *parcel) add(name, body string) {
	p.entries = append(p.entries, packed{name: name, body: body, kind: tar.TypeReg})
}

func (p *parcel) bytes(t *testing.T) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, e := range p.entries {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Linkname: e.link, Mode: 0o644, Size: int64(len(e.body))}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// sound is an image of two layers as text: its config, and its layers' archives.
type sound struct {
	config string
	layers []string
}

func aSoundImage(t *testing.T, layers ...[]entry) sound {
	t.Helper()
	if len(layers) == 0 {
		layers = [][]entry{{{name: "etc", dir: true}, {name: "etc/a", body: t.Name()}}, {{name: "etc/b", body: "b"}}}
	}
	var out sound
	var diffs []string
	for _, l := range layers {
		raw := archived(t, l)
		out.layers = append(out.layers, string(raw))
		diffs = append(diffs, digest.FromBytes(raw).String())
	}
	raw, err := json.Marshal(map[string]any{
		"architecture": "amd64", "os": "linux", "config": map[string]any{"Cmd": []string{"/bin/sh"}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": diffs},
	})
	if err != nil {
		t.Fatal(err)
	}
	out.config = string(raw)
	return out
}

func (s sound) id() string             { return digest.FromString(s.config).String() }
func (s sound) configName() string     { return digest.FromString(s.config).Encoded() + ".json" }
func (s sound) layerName(i int) string { return fmt.Sprintf("layer%d/layer.tar", i) }

func (s sound) item(tags ...string) map[string]any {
	var names []string
	for i := range s.layers {
		names = append(names, s.layerName(i))
	}
	return map[string]any{"Config": s.configName(), "RepoTags": tags, "Layers": names}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// docker writes an archive as Docker does.
func (s sound) docker(t *testing.T, tags ...string) *parcel {
	t.Helper()
	p := &parcel{}
	for i, l := range s.layers {
		p.add(s.layerName(i), l)
	}
	p.add(s.configName(), s.config)
	p.add("manifest.json", asJSON(t, []any{s.item(tags...)}))
	return p
}

// kept is what a load handed on.
type kept struct {
	ids   []string
	names [][]string
	size  []int64
	fail  error
}

func (k *kept) keep(img *engine.Image, names []string, enter func(context.Context) error) error {
	if k.fail != nil {
		return k.fail
	}
	if err := enter(context.Background()); err != nil {
		return err
	}
	k.ids, k.names, k.size = append(k.ids, img.ID), append(k.names, names), append(k.size, img.Size)
	return nil
}

func loadInto(t *testing.T, a account.Ref, archive io.Reader) (*kept, error) {
	t.Helper()
	k := &kept{}
	err := New(Config{Client: daemon.Client()}).Load(t.Context(), a, engine.LoadRequest{Archive: archive, Keep: k.keep})
	return k, err
}

func TestLoad(t *testing.T) {
	s := aSoundImage(t)
	plain := s.docker(t, "app:1", "team/app:2").bytes(t)
	packers := map[string]func() []byte{
		"plain": func() []byte { return plain },
		"gzip": func() []byte {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			_, _ = z.Write(plain)
			_ = z.Close()
			return b.Bytes()
		},
		"zstd": func() []byte {
			z, _ := zstd.NewWriter(nil)
			return z.EncodeAll(plain, nil)
		},
		"bzip2": func() []byte { return piped(t, plain, "bzip2") },
		"xz":    func() []byte { return piped(t, plain, "xz") },
	}
	for name, pack := range packers {
		t.Run(name, func(t *testing.T) {
			a := anAccount(t)
			k, err := loadInto(t, a, iotest.HalfReader(bytes.NewReader(pack())))
			if err != nil {
				t.Fatal(err)
			}
			if len(k.ids) != 1 || k.ids[0] != s.id() || fmt.Sprint(k.names) != "[[app:1 team/app:2]]" || k.size[0] == 0 {
				t.Errorf("%+v", k)
			}
			collect(t, a)
			if r := remains(t, a); r != (left{images: 1, blobs: 4, snapshots: 2}) {
				t.Errorf("%+v", r)
			}
		})
	}
}

func piped(t *testing.T, in []byte, program string) []byte {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Fatalf("this test packs with %s, which is missing: install it (bzip2, xz-utils): %v", program, err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-c")
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestLoadSeveralAndLayouts(t *testing.T) {
	one, two := aSoundImage(t), aSoundImage(t, []entry{{name: "x", body: "two"}})
	t.Run("several, with shared and linked layers", func(t *testing.T) {
		a := anAccount(t)
		p := one.docker(t, "one:1")
		p.entries = p.entries[:len(p.entries)-1]
		p.add(two.configName(), two.config)
		p.add("other/layer.tar", two.layers[0])
		p.entries = append(p.entries, packed{name: "two/layer.tar", kind: tar.TypeSymlink, link: "../other/layer.tar"})
		item := two.item()
		item["Layers"] = []string{"./two/layer.tar"}
		p.add("./manifest.json", asJSON(t, []any{one.item("one:1"), item}))
		k, err := loadInto(t, a, bytes.NewReader(p.bytes(t)))
		if err != nil || fmt.Sprint(k.ids) != fmt.Sprint([]string{one.id(), two.id()}) || len(k.names[1]) != 0 {
			t.Errorf("%+v %v", k, err)
		}
	})
	t.Run("an OCI layout", func(t *testing.T) {
		a := anAccount(t)
		p := layoutOf(t, one, "docker.io/library/one:1")
		k, err := loadInto(t, a, bytes.NewReader(p.bytes(t)))
		if err != nil || k.ids[0] != one.id() || fmt.Sprint(k.names) != "[[docker.io/library/one:1]]" {
			t.Errorf("%+v %v", k, err)
		}
	})
	t.Run("what was saved", func(t *testing.T) {
		a, b := anAccount(t), anAccount(t)
		if _, err := loadInto(t, a, bytes.NewReader(one.docker(t).bytes(t))); err != nil {
			t.Fatal(err)
		}
		var buf bytes.Buffer
		st := New(Config{Client: daemon.Client()})
		if err := st.Save(t.Context(), a, []engine.SavedImage{{ID: one.id(), Names: []string{"docker.io/library/one:1"}}}, &buf); err != nil {
			t.Fatal(err)
		}
		k, err := loadInto(t, b, &buf)
		if err != nil || k.ids[0] != one.id() || len(k.names[0]) != 1 {
			t.Errorf("%+v %v", k, err)
		}
		if err := st.Save(t.Context(), b, []engine.SavedImage{{ID: two.id()}}, io.Discard); !errdefs.IsNotFound(err) {
			t.Errorf("saving what is not there: %v", err)
		}
	})
}

func layoutOf(t *testing.T, s sound, name string) *parcel {
	t.Helper()
	p := &parcel{}
	blob := func(body, kind string) map[string]any {
		d := digest.FromString(body)
		p.add("blobs/sha256/"+d.Encoded(), body)
		return map[string]any{"mediaType": kind, "digest": d.String(), "size": len(body)}
	}
	var layers []any
	for _, l := range s.layers {
		layers = append(layers, blob(l, "application/vnd.oci.image.layer.v1.tar"))
	}
	m := map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": blob(s.config, "application/vnd.oci.image.config.v1+json"), "layers": layers,
	}
	desc := blob(asJSON(t, m), "application/vnd.oci.image.manifest.v1+json")
	desc["annotations"] = map[string]string{"io.containerd.image.name": name}
	p.add("oci-layout", `{"imageLayoutVersion":"1.0.0"}`)
	p.add("index.json", asJSON(t, map[string]any{"schemaVersion": 2, "manifests": []any{desc}}))
	return p
}

// A layer that is left out of an archive is taken from the account's own images, and from nobody else's.
func TestLoadTakesMissingLayersFromTheAccountOnly(t *testing.T) {
	s := aSoundImage(t)
	ann, bob := anAccount(t), anAccount(t)
	if _, err := loadInto(t, ann, bytes.NewReader(s.docker(t, "secret:1").bytes(t))); err != nil {
		t.Fatal(err)
	}
	next := s
	next.config = strings.Replace(s.config, "/bin/sh", "/bin/other", 1)
	bare := &parcel{}
	bare.add(next.configName(), next.config)
	bare.add("manifest.json", asJSON(t, []any{next.item("next:1")}))
	if k, err := loadInto(t, ann, bytes.NewReader(bare.bytes(t))); err != nil || k.ids[0] != next.id() {
		t.Errorf("her own: %+v %v", k, err)
	}
	_, err := loadInto(t, bob, bytes.NewReader(bare.bytes(t)))
	if !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), "no such file or directory") {
		t.Errorf("another's: %v", err)
	}
	if r := remains(t, bob); r.images+r.snapshots+r.leases != 0 {
		t.Errorf("another has %+v", r)
	}
}

// What is wrong with an archive is said, and leaves nothing.
func TestHostileArchives(t *testing.T) {
	s := aSoundImage(t)
	whole := s.docker(t, "app:1").bytes(t)
	with := func(change func(p *parcel)) []byte {
		p := s.docker(t, "app:1")
		change(p)
		return p.bytes(t)
	}
	manifest := func(v any) []byte {
		return with(func(p *parcel) { p.entries[len(p.entries)-1].body = asJSON(t, v) })
	}
	deep := func() []byte {
		p := layoutOf(t, s, "x")
		last := p.entries[len(p.entries)-1].body
		for range 5 {
			d := digest.FromString(last)
			p.add("blobs/"+d.Encoded(), last)
			last = asJSON(t, map[string]any{"schemaVersion": 2, "manifests": []any{map[string]any{"mediaType": "application/vnd.oci.image.index.v1+json", "digest": d, "size": len(last)}}})
		}
		p.entries = append(p.entries, packed{name: "index.json", body: last, kind: tar.TypeReg})
		return p.bytes(t)
	}
	var bomb bytes.Buffer
	z, _ := zstd.NewWriter(&bomb)
	zw := tar.NewWriter(z)
	_ = zw.WriteHeader(&tar.Header{Name: "zeros", Typeflag: tar.TypeReg, Size: 64 << 20})
	_, _ = zw.Write(make([]byte, 64<<20))
	_ = zw.Close()
	_ = z.Close()
	for name, tc := range map[string]struct {
		archive []byte
		says    string
	}{
		"nothing":                    {nil, "open manifest.json: no such file or directory"},
		"no archive":                 {[]byte(strings.Repeat("this is no tar ", 100)), "invalid argument"},
		"cut in a header":            {whole[:300], "Untar re-exec error: exit status 1: output: unexpected EOF"},
		"cut in a file":              {whole[:700], "Untar re-exec error: exit status 1: output: unexpected EOF"},
		"cut gzip":                   {cutGzip(whole), "Untar re-exec error: exit status 1: output: unexpected EOF"},
		"no manifest":                {with(func(p *parcel) { p.entries = p.entries[:len(p.entries)-1] }), "open manifest.json: no such file or directory"},
		"a manifest that is none":    {with(func(p *parcel) { p.entries[len(p.entries)-1].body = "{" }), "manifest.json cannot be read"},
		"an empty manifest":          {manifest([]any{}), "0 images"},
		"a thousand images":          {manifest(make([]map[string]any, 1000)), "1000 images"},
		"a huge manifest":            {manifest([]any{map[string]any{"Config": strings.Repeat("x", 5<<20)}}), "more than 4 MB"},
		"a config that is not there": {manifest([]any{map[string]any{"Config": "../../../etc/passwd", "Layers": []string{"x"}}}), "no such file or directory"},
		"layers that are not there":  {manifest([]any{map[string]any{"Config": s.configName(), "Layers": []string{"/etc/shadow", "x"}}}), "no such file or directory"},
		"fewer layers than diff ids": {manifest([]any{map[string]any{"Config": s.configName(), "Layers": []string{s.layerName(0)}}}), "2 layers"},
		"layers in the wrong order":  {manifest([]any{map[string]any{"Config": s.configName(), "Layers": []string{s.layerName(1), s.layerName(0)}}}), "does not unpack to"},
		"another layer":              {with(func(p *parcel) { p.entries[0].body = string(archived(t, []entry{{name: "evil", body: "x"}})) }), "does not unpack to"},
		"a layer that is no archive": {with(func(p *parcel) { p.entries[1].body = strings.Repeat("x", 2000) }), "cannot be unpacked"},
		"links in a circle":          {with(func(p *parcel) { p.entries[0] = packed{name: s.layerName(0), kind: tar.TypeSymlink, link: "layer.tar"} }), "no such file or directory"},
		"a link to the machine": {with(func(p *parcel) {
			p.entries[0] = packed{name: s.layerName(0), kind: tar.TypeSymlink, link: "/etc/passwd"}
		}), "no such file or directory"},
		"another machine's":           {aForeignImage(t, s), "made for linux/s390x"},
		"a layout without its blobs":  {layoutWithout(t, s, 0), "no such file or directory"},
		"a layout that lies of sizes": {layoutLying(t, s), "bytes, where its manifest tells of"},
		"indexes of indexes":          {deep(), "nested too deep"},
		"a bomb":                      {bomb.Bytes(), "the archive holds more than"},
		"too many entries":            {crowded(t), "more than 16384 entries"},
	} {
		t.Run(name, func(t *testing.T) {
			a, k := anAccount(t), &kept{}
			st := New(Config{Client: daemon.Client(), MaxImageSize: 16 << 20})
			err := st.Load(t.Context(), a, engine.LoadRequest{Archive: bytes.NewReader(tc.archive), Keep: k.keep})
			if err == nil || !strings.Contains(err.Error(), tc.says) || !errdefs.IsInvalidArgument(err) && !errdefs.IsResourceExhausted(err) {
				t.Errorf("%v", err)
			}
			collect(t, a)
			if r := remains(t, a); r != (left{}) {
				t.Errorf("it left %+v", r)
			}
		})
	}
}

func cutGzip(whole []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(whole)
	_ = z.Close()
	return b.Bytes()[:b.Len()/2]
}

func aForeignImage(t *testing.T, s sound) []byte {
	t.Helper()
	s.config = strings.Replace(s.config, "amd64", "s390x", 1)
	return s.docker(t).bytes(t)
}

func layoutWithout(t *testing.T, s sound, i int) []byte {
	t.Helper()
	p := layoutOf(t, s, "x:1")
	p.entries = append(p.entries[:i:i], p.entries[i+1:]...)
	return p.bytes(t)
}

func layoutLying(t *testing.T, s sound) []byte {
	t.Helper()
	p := layoutOf(t, s, "x:1")
	i := len(p.entries) - 1
	p.entries[i].body = strings.Replace(p.entries[i].body, `"size":`, `"size":1`, 1)
	return p.bytes(t)
}

func crowded(t *testing.T) []byte {
	t.Helper()
	p := &parcel{}
	for i := range maxEntries + 1 {
		p.entries = append(p.entries, packed{name: fmt.Sprint("l", i), kind: tar.TypeSymlink, link: "x"})
	}
	return p.bytes(t)
}

// A layer that is there is not replaced in a manifest by something else of the archive's.
func TestLoadComparesWhatIsThere(t *testing.T) {
	s := aSoundImage(t)
	a := anAccount(t)
	ctx := scope(t, a)
	if _, err := loadInto(t, a, bytes.NewReader(s.docker(t, "app:1").bytes(t))); err != nil {
		t.Fatal(err)
	}
	// A layout names its layers by their blobs, whatever is there.
	lying := s
	lying.layers = []string{string(archived(t, []entry{{name: "evil", body: "x"}})), s.layers[1]}
	_, err := loadInto(t, a, bytes.NewReader(layoutOf(t, lying, "app:2").bytes(t)))
	if !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), "does not unpack to") {
		t.Errorf("%v", err)
	}
	if list, err := daemon.Client().ImageService().List(ctx); err != nil || len(list) != 1 {
		t.Errorf("%v %v", list, err)
	}
}

// What is refused by the rules, and what breaks while it is sent, leaves nothing.
func TestLoadsThatEnd(t *testing.T) {
	s := aSoundImage(t)
	whole := s.docker(t, "app:1").bytes(t)
	refused := errors.New("no room")
	for name, load := range map[string]func(st *Store, a account.Ref) error{
		"refused": func(st *Store, a account.Ref) error {
			return st.Load(t.Context(), a, engine.LoadRequest{Archive: bytes.NewReader(whole), Keep: (&kept{fail: refused}).keep})
		},
		"broken off": func(st *Store, a account.Ref) error {
			r := io.MultiReader(bytes.NewReader(whole[:4000]), iotest.ErrReader(refused))
			return st.Load(t.Context(), a, engine.LoadRequest{Archive: r, Keep: (&kept{}).keep})
		},
		"given up": func(st *Store, a account.Ref) error {
			ctx, cancel := context.WithCancel(t.Context())
			r := io.MultiReader(bytes.NewReader(whole[:4000]), readerFunc(func() error { cancel(); return nil }), bytes.NewReader(whole[4000:]))
			return st.Load(ctx, a, engine.LoadRequest{Archive: r, Keep: (&kept{}).keep})
		},
		"a full disk": func(st *Store, a account.Ref) error {
			st.Dir, st.Headroom = t.TempDir(), 1<<60
			return st.Load(t.Context(), a, engine.LoadRequest{Archive: bytes.NewReader(whole), Keep: (&kept{}).keep})
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := anAccount(t)
			err := load(New(Config{Client: daemon.Client()}), a)
			if err == nil {
				t.Error("it went well")
			}
			collect(t, a)
			if r := remains(t, a); r != (left{}) {
				t.Errorf("%v left %+v", err, r)
			}
		})
	}
}

type readerFunc func() error

func (f readerFunc) Read([]byte) (int, error) {
	if err := f(); err != nil {
		return 0, err
	}
	return 0, io.EOF
}
