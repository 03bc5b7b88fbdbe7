package secgroup

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/store"
)

// bench is a service on an engine without a machine, with two accounts.
type bench struct {
	*testing.T
	*Service
	engine *fake.Engine
	a, b   account.Ref
}

func newBench(t *testing.T) *bench {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "hyper.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	b := &bench{T: t, engine: fake.New()}
	b.Service = New(Config{Store: st, Network: network.New(network.Config{Store: st, Engine: b.engine}), Events: event.NewBus()})
	for name, to := range map[string]*account.Ref{"a": &b.a, "b": &b.b} {
		acc, err := st.CreateAccount(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		*to = acc.Ref
	}
	return b
}

func (b *bench) create(name, file string) {
	b.Helper()
	if err := b.Create(b.Context(), b.a, name, []byte(file)); err != nil {
		b.Fatal(err)
	}
}

// carry makes a container that carries groups.
func (b *bench) carry(name string, groups ...string) {
	b.Helper()
	if err := b.Store.Update(b.Context(), b.a, func(tx *store.Tx) error {
		return tx.PutContainer(store.Container{
			ID: strings.TrimPrefix(fake.Digest(name), "sha256:"), Name: name, Phase: store.Ready, Spec: store.ContainerSpec{SecGroups: groups},
		})
	}); err != nil {
		b.Fatal(err)
	}
}

// fails wants an error of a class, with words.
func (b *bench) fails(what string, err error, is func(error) bool, says string) {
	b.Helper()
	if err == nil || !is(err) || !strings.Contains(err.Error(), says) {
		b.Errorf("%s: error is %v, want one that says %q", what, err, says)
	}
}

const open = "rules: [{direction: ingress, remote_ip_prefix: 0.0.0.0/0}]"

func TestCreate(t *testing.T) {
	b := newBench(t)
	_, events, cancel := b.Events.Subscribe(b.a, time.Time{})
	defer cancel()
	b.create("web", "description: ' the front '\n"+open)
	if e := <-events; e.Type != "sg" || e.Action != "create" || e.ID != "web" {
		t.Errorf("event is %+v", e)
	}
	g, err := b.Get(b.a, "web")
	if err != nil || g.Spec.Description != "the front" || len(g.Spec.Rules) != 1 {
		t.Errorf("the group is %+v, %v", g, err)
	}
	b.create("", "name: named-inside\nrules: []")
	if _, err := b.Get(b.a, "named-inside"); err != nil {
		t.Error(err)
	}
	b.create("itself", "rules: [{direction: ingress, remote_group_name: itself}]")
	ctx := t.Context()
	with := func(name, file string) error { return b.Create(ctx, b.a, name, []byte(file)) }
	b.fails("a name twice", with("web", open), errdefs.IsConflict, "A security group named web already exists")
	b.fails("another name in the file", with("db", "name: web\n"+open), errdefs.IsInvalidArgument, "is named db, and its file says web")
	b.fails("no name", with("", open), errdefs.IsInvalidArgument, "has no name")
	b.fails("a bad name", with("../db", open), errdefs.IsInvalidArgument, `"../db" is not a name`)
	b.fails("a long name", with(strings.Repeat("n", 64), open), errdefs.IsInvalidArgument, "use up to 63")
	b.fails("a name in other letters", with("für", open), errdefs.IsInvalidArgument, "is not a name")
	b.fails("a group that is not there", with("db", "rules:\n- direction: ingress\n  remote_group_name: nobody"), errdefs.IsInvalidArgument, "line 2 of the security group: No such security group: nobody")
	b.fails("a bad file", with("db", "rules: 1"), errdefs.IsInvalidArgument, "line 1")
	b.fails("a description of two lines", with("db", "description: \"a\\nb\"\nrules: []"), errdefs.IsInvalidArgument, "one line")
	b.fails("a description that steers terminals", with("db", "description: \"\\e[2J\"\nrules: []"), errdefs.IsInvalidArgument, "one line")
	b.fails("a long description", with("db", "description: "+strings.Repeat("é", 256)+"\nrules: []"), errdefs.IsInvalidArgument, "at most 255")
	many := "rules:\n" + strings.Repeat("- {direction: egress, remote_ip_prefix: 0.0.0.0/0}\n", MaxRules)
	b.create("many", many)
	b.fails("too many rules", with("db", many+"- {direction: egress, remote_ip_prefix: 0.0.0.0/0}\n"), errdefs.IsInvalidArgument, "has 101 rules, it may have at most 100")
	if _, err := b.Get(b.a, "db"); !errdefs.IsNotFound(err) {
		t.Errorf("something was made: %v", err)
	}
	if list := b.List(b.b); len(list) > 0 {
		t.Errorf("another account has %v", list)
	}
}

func TestUpdate(t *testing.T) {
	b := newBench(t)
	b.create("web", open)
	ctx := t.Context()
	with := func(file string) error { return b.Update(ctx, b.a, "web", []byte(file)) }
	if err := with("rules: []"); err != nil || len(b.engine.Calls("ApplyNetwork")) > 0 {
		t.Errorf("of a group that nobody carries: %v, %v", err, b.engine.Calls("ApplyNetwork"))
	}
	b.carry("one", "web")
	if err := with("name: web\ndescription: new\n" + open); err != nil || len(b.engine.Calls("ApplyNetwork")) != 1 {
		t.Errorf("of a group that is carried: %v, %v", err, b.engine.Calls("ApplyNetwork"))
	}
	b.fails("a bad file", with("rules: 1"), errdefs.IsInvalidArgument, "line 1")
	b.fails("another name", with("name: db\nrules: []"), errdefs.IsInvalidArgument, "its file says db")
	b.fails("unknown, whatever the file", b.Update(ctx, b.a, "db", []byte("rules: 1")), errdefs.IsNotFound, "No such security group: db")
	b.fails("another account's", b.Update(ctx, b.b, "web", []byte(open)), errdefs.IsNotFound, "No such security group: web")

	broken := errors.New("no netlink")
	b.engine.FailOnce("ApplyNetwork", broken)
	b.fails("the network does not follow", with("rules: []"), func(err error) bool { return errors.Is(err, broken) }, "")
	if g, _ := b.Get(b.a, "web"); len(g.Spec.Rules) != 1 || g.Spec.Description != "new" {
		t.Errorf("after that the group is %+v", g)
	}
}

func TestRemove(t *testing.T) {
	b := newBench(t)
	b.create("db", open)
	b.create("web", "rules: [{direction: egress, remote_group_name: db}, {direction: ingress, remote_group_name: web}]")
	b.carry("one", "web")
	ctx := t.Context()
	b.fails("carried", b.Remove(ctx, b.a, "web"), errdefs.IsConflict, "in use by container one: take it from that by 'hyper update --sg-rm web one'")
	b.fails("named", b.Remove(ctx, b.a, "db"), errdefs.IsConflict, "in use by the rules of security group web")
	b.fails("unknown", b.Remove(ctx, b.a, "none"), errdefs.IsNotFound, "No such security group: none")
	b.fails("another account's", b.Remove(ctx, b.b, "db"), errdefs.IsNotFound, "No such security group: db")
	b.carry("one")
	for _, name := range []string{"web", "db"} {
		if err := b.Remove(ctx, b.a, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if list := b.List(b.a); len(list) > 0 {
		t.Errorf("left are %v", list)
	}
}

// A hundred requests at once make exactly as many groups as the account may have.
func TestQuotaHoldsForManyAtOnce(t *testing.T) {
	b := newBench(t)
	limit := func(n int64) {
		if err := b.Store.Update(t.Context(), b.a, quota.Limits{quota.SecurityGroups: n}.Put); err != nil {
			t.Fatal(err)
		}
	}
	limit(5)
	var made atomic.Int32
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			err := b.Create(t.Context(), b.a, "g"+strings.Repeat("x", i%60)+string(rune('a'+i/60)), []byte(open))
			if err == nil {
				made.Add(1)
			} else if !errdefs.IsResourceExhausted(err) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(b.List(b.a)); made.Load() != 5 || n != 5 {
		t.Errorf("%d were made, %d are there", made.Load(), n)
	}
	limit(quota.None)
	b.fails("none at all", b.Create(t.Context(), b.a, "web", []byte(open)), errdefs.IsResourceExhausted, "Exceeded quota")
}
