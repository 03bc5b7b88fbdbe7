package compose

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/fip"
	"github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/store"
)

// bench is the rules on an engine without a machine, with two accounts and the images "web" and "db", whose VOLUME is /data.
type bench struct {
	*testing.T
	*Service
	engine *fake.Engine
	a, b   account.Ref
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	st, err := store.Open(filepath.Join(dir, "hyper.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	eng, bus := fake.New(), event.NewBus()
	images := image.New(image.Config{Store: st, Engine: eng, Events: bus, Log: log})
	volumes := volume.New(volume.Config{Store: st, Engine: eng, Events: bus, Log: log})
	nets := network.New(network.Config{Store: st, Engine: eng, Log: log})
	fips := fip.New(fip.Config{Store: st, Network: nets, Pool: fip.MustPool("198.18.0.0/29"), Events: bus, Log: log})
	containers := container.New(container.Config{
		Store: st, Engine: eng, Images: images, Volumes: volumes, Network: nets, FIPs: fips, Events: bus, Log: log, DataRoot: dir,
	})
	t.Cleanup(func() { containers.Close(); images.Close() })
	if err := containers.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, engine: eng, Service: New(Config{
		Store: st, Containers: containers, Images: images, Volumes: volumes, FIPs: fips, Log: log,
	})}
	for name, ref := range map[string]*account.Ref{"a": &b.a, "b": &b.b} {
		acc, err := st.CreateAccount(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		*ref = acc.Ref
	}
	b.serve("web", "one")
	b.serve("db", "one")
	return b
}

// serve has the registry give an image, of that content, from now on.
func (b *bench) serve(name, content string) {
	img := fake.MakeImage(name+" "+content, time.Unix(0, 0), name+content)
	if name == "db" {
		img.Config.Config.Volumes = map[string]struct{}{"/data": {}}
	}
	b.engine.Serve("docker.io/library/"+name+":latest", img)
}

// blog is web, which links to db.
func blog() store.ProjectSpec {
	return store.ProjectSpec{Services: map[string]store.ProjectService{
		"web": {Image: "web", Links: []string{"db:mysql"}, Ports: []string{"8080:80"}},
		"db":  {Image: "db", Environment: []string{"PASSWORD=x"}},
	}}
}

// with is blog with a service changed.
func with(service string, change func(*store.ProjectService)) store.ProjectSpec {
	spec := blog()
	def := spec.Services[service]
	change(&def)
	spec.Services[service] = def
	return spec
}

// up brings the project blog up and returns its lines.
func (b *bench) up(spec store.ProjectSpec, o UpOptions) []string {
	b.Helper()
	lines, err := b.tryUp(spec, o)
	if err != nil {
		b.Fatal(err)
	}
	return lines
}

func (b *bench) tryUp(spec store.ProjectSpec, o UpOptions) (lines []string, err error) {
	err = b.Up(b.Context(), b.a, "Blog", spec, o, noting(&lines))
	return lines, err
}

func noting(lines *[]string) func(Message) {
	return func(m Message) {
		if m.ID == "" {
			*lines = append(*lines, m.Status)
		}
	}
}

// state lists the containers as name, status, and the first digits of the id.
func (b *bench) state() map[string]string {
	out := map[string]string{}
	for _, c := range b.Store.View(b.a).Containers() {
		out[c.Name] = string(c.State.Status) + " " + c.ID[:6]
	}
	return out
}

func (b *bench) want(what string, got, want any) {
	b.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		b.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func (b *bench) wantLines(what string, got []string, want ...string) {
	b.Helper()
	if !slices.Equal(got, want) {
		b.Errorf("%s:\n got %s\nwant %s", what, strings.Join(got, "|"), strings.Join(want, "|"))
	}
}

func (b *bench) container(name string) *store.Container {
	b.Helper()
	c, ok := b.Store.View(b.a).ContainerByName(name)
	if !ok {
		b.Fatalf("there is no container %s: %v", name, b.state())
	}
	return c
}
