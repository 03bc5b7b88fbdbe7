package images

import (
	"encoding/json"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/engine/local/images/registry"
)

var ofGo = regexp.MustCompile(`json:|Go struct|Go value|unmarshal`)

func refused(t *testing.T, raw []byte, err error) {
	t.Helper()
	if !errdefs.IsInvalidArgument(err) || ofGo.MatchString(err.Error()) && !ofGo.Match(raw) {
		t.Errorf("%v", err)
	}
}

// A manifest that is taken names nothing outside of its registry, by digests that are ones, in numbers and sizes that are bounded.
func FuzzManifest(f *testing.F) {
	d := digest.FromString("x").String()
	for _, seed := range []string{
		`{}`, `{"schemaVersion":1}`, `{"fsLayers":[]}`, `{"schemaVersion":2,"config":{"digest":"` + d + `","size":2},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"` + d + `","size":1}]}`,
		`{"manifests":[{"digest":"` + d + `","size":1,"urls":["http://169.254.169.254"],"data":"eA==","platform":{"os":"linux","architecture":"amd64"}}]}`, `{"manifests":[{"digest":"sha256:../../x"}]}`, `{"manifests":[{"digest":"md5:x"}]}`,
		`{"config":{"digest":"` + d + `"},"manifests":[{}]}`, `{"config":{"digest":"` + d + `","mediaType":"application/vnd.cncf.helm.config.v1+json"},"layers":[{}]}`, `{"config":{"digest":"` + d + `","size":-1},"layers":[]}`, `{"manifests":[{"digest":"` + d + `","size":9223372036854775807}]}`, `[`, `{"layers":7}`,
	} {
		f.Add([]byte(seed), "application/vnd.oci.image.manifest.v1+json")
	}
	m := platforms.Default()
	f.Fuzz(func(t *testing.T, raw []byte, kind string) {
		desc := ocispec.Descriptor{MediaType: kind}
		doc, err := read(&desc, raw)
		if err != nil {
			refused(t, raw, err)
			return
		}
		if (len(doc.Manifests) > 0) == (len(doc.Layers) > 0) {
			t.Errorf("it is an index or an image: %+v", doc)
		}
		descs := append(append([]ocispec.Descriptor{}, doc.Manifests...), doc.Layers...)
		if len(doc.Manifests) == 0 {
			descs = append(descs, doc.Config)
		} else if best, err := choose(doc, m); err != nil {
			refused(t, raw, err)
		} else if best.Digest.Validate() != nil {
			t.Errorf("%+v is chosen", best)
		}
		for _, d := range descs {
			if d.Digest.Validate() != nil || d.Size < 0 || len(d.URLs)+len(d.Data) > 0 || strings.ContainsAny(d.Digest.String(), "/.\x00") {
				t.Errorf("it names %+v", d)
			}
		}
		for _, d := range doc.Manifests {
			if d.Size > registry.MaxManifest {
				t.Errorf("it names %+v", d)
			}
		}
		if sum := doc.sent(1 << 40); sum < 0 || sum > 1<<40+1 || len(doc.Layers) > maxLayers {
			t.Errorf("%d bytes in %d layers", sum, len(doc.Layers))
		}
	})
}

// A config that is taken is this machine's, and names a layer for each of its manifest's.
func FuzzConfig(f *testing.F) {
	d := digest.FromString("x").String()
	for _, seed := range []string{
		`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["` + d + `"]}}`, `{"architecture":"amd64","os":"linux","rootfs":{"diff_ids":["../x"]}}`, `{"os":"windows"}`, `{"config":{"Env":7}}`, `{"created":"yesterday"}`,
		`{"architecture":"amd64","os":"linux","config":{"Healthcheck":{"Interval":-1}},"rootfs":{"diff_ids":["` + d + `"]}}`, `{"config":{"ExposedPorts":{"x":{}},"Volumes":null,"Labels":{"sh_hyper_x":"y"}}}`, `null`,
	} {
		f.Add([]byte(seed), 1)
	}
	m := platforms.Default()
	f.Fuzz(func(t *testing.T, raw []byte, layers int) {
		img, err := describe(ocispec.Descriptor{Digest: "sha256:a"}, ocispec.Descriptor{Digest: "sha256:b"}, raw, layers, m)
		if err != nil {
			refused(t, raw, err)
			return
		}
		if len(img.DiffIDs) != layers || img.Config.OS != "linux" || img.ID != "sha256:b" {
			t.Errorf("%+v", img)
		}
		for _, d := range img.DiffIDs {
			if digest.Digest(d).Validate() != nil {
				t.Errorf("the layer %q", d)
			}
		}
		if _, err := json.Marshal(img); err != nil {
			t.Errorf("it cannot be stored: %v", err)
		}
	})
}

// Links in an archive lead to its files or nowhere, however they go round, and names stay within.
func FuzzHolding(f *testing.F) {
	f.Add("a", "b", "b", "c", "a")
	f.Add("../a", "/../../etc/passwd", "x/../..", ".", "")
	f.Add("a", "a", "b", "a", "b")
	f.Fuzz(func(t *testing.T, link1, to1, link2, to2, ask string) {
		h := &holding{files: map[string]ocispec.Descriptor{"file": {Size: 7}}, links: map[string]string{}}
		for link, to := range map[string]string{link1: to1, link2: to2} {
			name := cleanName(link)
			if path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") {
				t.Errorf("%q is %q", link, name)
			}
			h.links[name] = cleanName(path.Join(path.Dir(name), to))
		}
		if d, ok := h.get(ask); ok && d.Size != 7 {
			t.Errorf("%q is %+v", ask, d)
		}
	})
}
