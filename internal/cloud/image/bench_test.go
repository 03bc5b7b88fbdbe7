package image

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/store"
)

// bench is two accounts, a registry with a few images, and a service.
type bench struct {
	*testing.T
	store  *store.Store
	engine *fake.Engine
	events *event.Bus
	images *Service
	a, b   account.Ref
	n      int
}

var (
	day   = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	mysql = fake.MakeImage("mysql", day, "debian", "mysql")
	newer = fake.MakeImage("newer", day.AddDate(0, 0, 2), "debian", "newer")
	nginx = labelled(fake.MakeImage("nginx", day.AddDate(0, 0, 1), "debian", "nginx", "conf"), "tier", "web")
)

func labelled(img engine.Image, key, value string) engine.Image {
	img.Config.Config.Labels = map[string]string{key: value}
	return img
}

func newBench(t *testing.T, change ...func(*Config)) *bench {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	b := &bench{T: t, store: st, engine: fake.New(), events: event.NewBus()}
	for name, ref := range map[string]*account.Ref{"mine": &b.a, "other": &b.b} {
		acc, err := st.CreateAccount(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		*ref = acc.Ref
	}
	b.engine.Serve("docker.io/library/mysql:latest", mysql)
	b.engine.Serve("docker.io/library/mysql@"+mysql.Digest, mysql)
	b.engine.Serve("docker.io/library/mysql:8", mysql)
	b.engine.Serve("docker.io/library/nginx:latest", nginx)
	c := Config{Store: st, Engine: b.engine, Events: b.events}
	for _, f := range change {
		f(&c)
	}
	b.images = New(c)
	t.Cleanup(b.images.Close)
	return b
}

// pull pulls and returns the lines that it told: "id: status current/total".
// limit sets a quota of account a.
func (b *bench) limit(resource string, n int64) {
	b.Helper()
	if err := b.store.Update(b.Context(), b.a, quota.Limits{resource: n}.Put); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) pull(ref string) []string {
	b.Helper()
	var lines []string
	err := b.images.Pull(b.Context(), b.a, PullRequest{Ref: ref}, func(m Message) { lines = append(lines, m.line()) })
	if err != nil {
		b.Fatal(err)
	}
	return lines
}

func (m Message) line() string {
	s := m.Status
	if m.ID != "" {
		s = m.ID + ": " + s
	}
	if m.Total > 0 {
		s += fmt.Sprintf(" %d/%d", m.Current, m.Total)
	}
	return s
}

// use makes a container from an image and returns its id.
func (b *bench) use(img engine.Image, status store.Status) string {
	b.Helper()
	b.n++
	id := fmt.Sprintf("%012x%052x", b.n+0xc0ffee0000, b.n)
	err := b.store.Update(b.Context(), b.a, func(tx *store.Tx) error {
		c := store.Container{ID: id, Name: fmt.Sprint("c", b.n), ImageID: img.ID, Phase: store.Ready}
		c.Endpoints = []store.Endpoint{{Address: netip.AddrFrom4([4]byte{172, 16, 1, byte(b.n)})}}
		c.State.Status = status
		return tx.PutContainer(c)
	})
	if err != nil {
		b.Fatal(err)
	}
	return id
}

// shown lists the account's images as `images --digests` would: their names, or <none>.
func (b *bench) shown() string {
	var out []string
	for _, s := range b.images.List(b.a, ListOptions{}) {
		names := append(s.RepoTags, s.RepoDigests...)
		if len(names) == 0 {
			names = []string{"<none>"}
		}
		out = append(out, strings.Join(names, ","))
	}
	return plain(strings.Join(out, " "))
}

// plain puts words in the place of digests.
func plain(s string) string {
	for word, img := range map[string]engine.Image{"MYSQL": mysql, "NEWER": newer, "NGINX": nginx} {
		s = strings.ReplaceAll(s, img.Digest, word)
		s = strings.ReplaceAll(s, img.ID, word+"-ID")
		s = strings.ReplaceAll(s, shortID(img.ID), word+"-SHORT")
		for i, c := range chains(&store.Image{Image: img}) {
			s = strings.ReplaceAll(s, c, fmt.Sprintf("%s-LAYER%d", word, i))
		}
	}
	// The layer that all have is named for what it is.
	for _, word := range []string{"MYSQL", "NEWER", "NGINX"} {
		s = strings.ReplaceAll(s, word+"-LAYER0", "DEBIAN")
	}
	return s
}
