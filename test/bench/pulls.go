package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	largeImage  = "127.0.0.1:5001/bench/large:latest" // in a registry of its own: that of the fixtures takes nothing
	largeLayers = 5
	layerSize   = 100 << 20
)

// pullRows measures pulls from a registry on the machine, the image being removed after each: one of few large files that gzip cannot
// make smaller, and one of many small ones. skopeo copies the same to a directory of OCI's layout, and unpacks nothing.
func (r *rig) pullRows(samples int) error {
	if !r.only.MatchString("pull") {
		return nil
	}
	if err := r.pushLarge(); err != nil {
		return err
	}
	debian := strings.TrimPrefix(r.Mirror, "http://") + "/library/wordpress:latest"
	for _, row := range []struct{ title, image string }{
		{fmt.Sprintf("pull %d x %d MiB, incompressible (s)", largeLayers, layerSize>>20), largeImage},
		{"pull of a Debian with WordPress (s)", debian},
	} {
		var plain []float64
		err := r.beside(row.title, "%.2f", samples, func(client string, i int) (float64, error) {
			if client == "hyper" && i > 0 { // skopeo's turn
				took, err := r.skopeo(row.image)
				if err != nil {
					return 0, err
				}
				plain = append(plain, took)
			}
			took, err := timed(time.Second, func() error {
				_, err := r.do(client, "pull", "-q", row.image)
				return err
			})
			if err != nil {
				return 0, err
			}
			_, err = r.do(client, "rmi", row.image)
			time.Sleep(time.Second) // hyperd collects what is gone behind the answer
			return took, err
		})
		if err != nil {
			return err
		}
		if len(plain) == 0 {
			continue
		}
		fmt.Printf("%-42s %3d %10.2f %10.2f\n", "  skopeo copy to oci:, not unpacked (s)", len(plain), middle(plain), slices.Min(plain))
	}
	return nil
}

func (r *rig) skopeo(image string) (float64, error) {
	dir := filepath.Join(r.Dir, "skopeo")
	defer os.RemoveAll(dir)
	cmd := r.Command(context.Background(), "skopeo", "--insecure-policy", "copy", "-q", "--src-tls-verify=false", "docker://"+image, "oci:"+dir+":x")
	return timed(time.Second, func() error {
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("skopeo (scripts/setup bench installs it): %w: %s", err, out)
		}
		return nil
	})
}

// pushLarge starts a registry that takes images, inside the lab, and fills it.
func (r *rig) pushLarge() error {
	conf, storage := filepath.Join(r.Dir, "writable.yml"), filepath.Join(r.Dir, "writable")
	text := "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: " + storage + "}}\nhttp: {addr: 127.0.0.1:5001, secret: bench}\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return err
	}
	if err := r.Command(context.Background(), os.Getenv("HYPER_TEST_REGISTRY"), "serve", conf).Start(); err != nil { // ends with the lab
		return err
	}
	img, err := large(filepath.Join(r.Dir, "layer"))
	if err != nil {
		return err
	}
	ref, err := name.ParseReference(largeImage, name.Insecure)
	if err != nil {
		return err
	}
	inside := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		return r.Dial(ctx, network, addr, "")
	}}
	return eventually(func() error { return remote.Write(ref, img, remote.WithTransport(inside)) })
}

// large is an image of files that cannot be packed.
func large(prefix string) (v1.Image, error) {
	img := mutate.MediaType(empty.Image, types.DockerManifestSchema2)
	source := rand.NewChaCha8([32]byte{})
	for i := range largeLayers {
		file := fmt.Sprintf("%s%d.tar.gz", prefix, i)
		if err := randomLayer(file, fmt.Sprintf("large%d", i), source); err != nil {
			return nil, err
		}
		layer, err := tarball.LayerFromFile(file, tarball.WithMediaType(types.DockerLayer))
		if err != nil {
			return nil, err
		}
		if img, err = mutate.AppendLayers(img, layer); err != nil {
			return nil, err
		}
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	return mutate.ConfigFile(img, config)
}

func randomLayer(file, content string, source io.Reader) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z := gzip.NewWriter(f)
	t := tar.NewWriter(z)
	if err := t.WriteHeader(&tar.Header{Name: content, Mode: 0o644, Size: layerSize}); err != nil {
		return err
	}
	if _, err := io.CopyN(t, source, layerSize); err != nil {
		return err
	}
	return errors.Join(t.Close(), z.Close())
}
