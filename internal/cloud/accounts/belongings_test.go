package accounts

import (
	"errors"
	"log/slog"
	"os"
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
	"github.com/hypercloud/hyper/internal/cloud/snapshot"
	"github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/store"
)

// parts makes all the rules, on an engine without a machine.
func (b *bench) parts(e *fake.Engine, root string) Parts {
	b.Helper()
	bus, log := event.NewBus(), slog.New(slog.DiscardHandler)
	net := network.New(network.Config{Store: b.store, Engine: e, Log: log})
	p := Parts{
		Store: b.store, Networks: net, Routers: e, Snapshots: snapshot.New(snapshot.Config{Store: b.store, Engine: e, Events: bus, Log: log}),
		Images:  image.New(image.Config{Store: b.store, Engine: e, Events: bus, Log: log}),
		Volumes: volume.New(volume.Config{Store: b.store, Engine: e, Events: bus, Log: log}),
		FIPs:    fip.New(fip.Config{Store: b.store, Network: net, Events: bus, Log: log, Pool: fip.MustPool("198.18.0.0/24")}),
	}
	p.Containers = container.New(container.Config{
		Store: b.store, Engine: e, Images: p.Images, Volumes: p.Volumes, Network: net, FIPs: p.FIPs, Events: bus, Log: log, DataRoot: root,
	})
	if err := p.Containers.Recover(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.Containers.Close)
	return p
}

// furnish gives an account one of everything, in the way of being removed as much as can be.
func (b *bench) furnish(p Parts, a account.Ref) {
	b.Helper()
	ctx := b.Context()
	if err := p.Images.Pull(ctx, a, image.PullRequest{Ref: "db"}, func(image.Message) {}); err != nil {
		b.Fatal(err)
	}
	if err := p.Images.Tag(ctx, a, "db", "mine", "1"); err != nil {
		b.Fatal(err)
	}
	must(p.Volumes.Create(ctx, a, volume.CreateRequest{Name: "pgdata"}))(b.T)
	if err := b.store.Update(ctx, a, func(tx *store.Tx) error {
		peer := func(name string) store.SecurityGroupSpec {
			return store.SecurityGroupSpec{Rules: []store.SecurityGroupRule{{Direction: "ingress", Group: name}}}
		}
		return errors.Join(tx.PutSecurityGroup(store.SecurityGroup{Name: "front", Spec: peer("back")}), tx.PutSecurityGroup(store.SecurityGroup{Name: "back", Spec: peer("front")}))
	}); err != nil {
		b.Fatal(err)
	}
	for _, req := range []container.CreateRequest{
		{Name: "web", Image: "db", Binds: []string{"pgdata:/var/lib/db"}, Labels: map[string]string{"sh_hyper_container_protection": "true", "sh_hyper_sg_front": "yes"}},
		{Name: "linked", Image: "db", Links: []string{"web"}},
		{Name: "idle", Image: "db"},
	} {
		must(p.Containers.Create(ctx, a, req))(b.T)
		if req.Name == "idle" {
			continue
		}
		if err := p.Containers.Start(ctx, a, req.Name); err != nil {
			b.Fatal(err)
		}
	}
	addr := must(p.FIPs.Allocate(ctx, a, 2))(b.T)
	if err := p.FIPs.Attach(ctx, a, addr[0].String(), "web"); err != nil {
		b.Fatal(err)
	}
}

func TestRemoveTakesEverythingAlong(t *testing.T) {
	b := newBench(t)
	root := t.TempDir()
	e := fake.New()
	db := fake.MakeImage("db", time.Now(), "base", "db")
	db.Config.Config.Volumes = map[string]struct{}{"/extra": {}}
	e.Serve("docker.io/library/db:latest", db)
	p := b.parts(e, root)
	b.Belongings = p
	a, _ := b.tenant("ann")
	other, _ := b.tenant("bob")
	b.furnish(p, a)
	b.furnish(p, other)
	before := e.Left(other)
	if err := b.Remove(t.Context(), "ann", false); err == nil {
		t.Fatal("it is removed without force")
	} else if !strings.Contains(err.Error(), "2 security groups") {
		t.Errorf("the error does not tell of its security groups: %v", err)
	}
	if err := b.Remove(t.Context(), "ann", true); err != nil {
		t.Fatal(err)
	}
	if left := e.Left(a); len(left) != 0 {
		t.Errorf("left on the machine: %v", left)
	}
	if _, err := os.Stat(filepath.Join(root, "containers", a.ID())); !os.IsNotExist(err) {
		t.Errorf("files are left: %v", err)
	}
	if left := e.Left(other); !slices.Equal(left, before) || len(b.store.View(other).Containers()) != 3 {
		t.Errorf("the other account has %v, had %v", left, before)
	}
}
