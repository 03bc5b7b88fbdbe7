package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/store"
)

// atWork are the containers that somebody is said to be at work with.
type atWork map[string]bool

func (w atWork) Moving(account.Ref) []string {
	var out []string
	for id := range w {
		out = append(out, id)
	}
	return out
}

type bench struct {
	*Service
	*testing.T
	engine *fake.Engine
	moving atWork
	ann    account.Ref
	bob    account.Ref
}

func newBench(t *testing.T) *bench {
	st, err := store.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	b := &bench{T: t, engine: fake.New(), moving: atWork{}}
	// In this order: accounts are looked at as they came.
	for _, tenant := range []struct {
		name string
		ref  *account.Ref
	}{{"ann", &b.ann}, {"bob", &b.bob}} {
		name, ref := tenant.name, tenant.ref
		a, err := st.CreateAccount(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		*ref = a.Ref
	}
	b.Service = New(Config{Store: st, Engine: b.engine, Containers: b.moving})
	return b
}

// container adds one to ann's, with its process on the machine unless there is none.
func (b *bench) container(name string, status store.Status, process bool) string {
	b.Helper()
	id := strings.Repeat(name, 64)[:64]
	ctx := context.Background()
	pid := 0
	if process {
		img := fake.MakeImage("web", time.Now(), "base")
		b.engine.AddImage(b.ann, img)
		if err := b.engine.CreateContainer(ctx, b.ann, id, img.ID); err != nil {
			b.Fatal(err)
		}
		started, err := b.engine.StartContainer(ctx, b.ann, engine.RunSpec{ID: id, Image: img.ID, Args: []string{"x"}}, nil)
		if err != nil {
			b.Fatal(err)
		}
		pid = started.Pid
	}
	err := b.Store.Update(ctx, b.ann, func(tx *store.Tx) error {
		img := fake.MakeImage("web", time.Now(), "base")
		if err := tx.PutImage(store.Image{Image: img}); err != nil {
			return err
		}
		return tx.PutContainer(store.Container{ID: id, Name: name, ImageID: img.ID, Phase: store.Ready,
			Endpoints: []store.Endpoint{{Address: netip.AddrFrom4([4]byte{172, 16, 0, name[0]})}}, State: store.ContainerState{Status: status, Pid: max(pid, 1)}})
	})
	if err != nil {
		b.Fatal(err)
	}
	return id
}

// says is a report as text, a line for each finding.
func says(r Report) string {
	var out []string
	for _, c := range r.Checks {
		for _, f := range c.Findings {
			line := fmt.Sprintf("%s/%s %s: %s", c.Account, c.Name, f.Kind, f.Text)
			if f.Mended {
				line += " (mended)"
			}
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

func (b *bench) examine(want string, well bool) {
	b.Helper()
	r, err := b.Examine(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	if got := says(r); got != want || r.Well() != well {
		b.Errorf("well: %v, found\n%s\nwant: %v\n%s", r.Well(), got, well, want)
	}
}

func TestEverythingIsLookedAt(t *testing.T) {
	b := newBench(t)
	b.container("a", store.StatusRunning, true)
	r, err := b.Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range r.Checks {
		names = append(names, c.Account+"/"+c.Name)
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != "/sound ann/containers ann/sound ann/volumes bob/containers bob/sound bob/volumes" {
		t.Errorf("looked at %s", got)
	}
	if !r.Well() || says(r) != "" {
		t.Errorf("found %s", says(r))
	}
	meant := b.engine.Calls("AuditNetwork")
	for _, c := range meant {
		if m := c.Arg.(engine.Routing); c.Account == b.ann && (len(m.Running) != 1 || len(m.Endpoints) != 1) || c.Account == b.bob && len(m.Endpoints) != 0 {
			t.Errorf("what is meant of %s is %+v", c.Account, m)
		}
	}
}

func TestMendingRepairsDriftAlone(t *testing.T) {
	b := newBench(t)
	drift := engine.Finding{Kind: engine.Drift, Text: "a rule is gone"}
	problem := engine.Finding{Kind: engine.Problem, Text: "the disk is full"}
	note := engine.Finding{Kind: engine.Note, Text: "copies are full ones"}
	b.engine.Ail(b.ann, engine.Check{Name: "rules", Findings: []engine.Finding{drift}})
	b.engine.Ail(account.Ref{}, engine.Check{Name: "disk", Findings: []engine.Finding{problem, note}})
	b.examine("/disk problem: the disk is full\n/disk note: copies are full ones\nann/rules drift: a rule is gone", false)
	if n := len(b.engine.Calls("MendNetwork", "MendMachine")); n != 0 {
		t.Errorf("looking mended %d times", n)
	}
	r, err := b.Mend(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := says(r); got != "/disk problem: the disk is full\n/disk note: copies are full ones\nann/rules drift: a rule is gone (mended)" {
		t.Errorf("after mending\n%s", got)
	}
	calls := b.engine.Calls("MendNetwork", "MendMachine")
	if len(calls) != 1 || calls[0].Account != b.ann {
		t.Errorf("mended %v", calls)
	}
	b.engine.ForgetCalls()
	if _, err := b.Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(b.engine.Calls("MendNetwork", "MendMachine")); n != 0 {
		t.Error("what has not drifted was mended")
	}
}

func TestMendingThatFails(t *testing.T) {
	b := newBench(t)
	drift := engine.Finding{Kind: engine.Drift, Text: "a rule is gone"}
	b.engine.Ail(b.ann, engine.Check{Name: "rules", Findings: []engine.Finding{drift}})
	b.engine.Ail(b.bob, engine.Check{Name: "rules", Findings: []engine.Finding{drift}})
	b.engine.On("MendNetwork", func(_ context.Context, c fake.Call) error {
		if c.Account == b.ann {
			return errors.New("no nft")
		}
		return nil
	})
	r, err := b.Mend(t.Context())
	if err == nil || err.Error() != "account ann: no nft" {
		t.Errorf("the error is %v", err)
	}
	if got := says(r); got != "ann/rules drift: a rule is gone\nbob/rules drift: a rule is gone (mended)" || r.Well() {
		t.Errorf("after mending\n%s", got)
	}
}

func TestProcessesAndRecords(t *testing.T) {
	b := newBench(t)
	b.container("a", store.StatusRunning, true)
	gone := b.container("b", store.StatusRunning, false)
	b.container("c", store.StatusExited, false)
	unknown := b.container("d", store.StatusExited, true)
	pid := 0
	tasks, err := b.engine.Tasks(t.Context(), b.ann)
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		if task.ContainerID == unknown {
			pid = task.Pid
		}
	}
	b.examine("ann/containers problem: container b runs, says its record, and its process is gone: start hyperd anew, which leaves the others running and records that this one ended\n"+
		fmt.Sprintf("ann/containers problem: container d does not run, says its record, and has a process, %d: start hyperd anew, and it takes it up", pid), false)
	b.moving[gone], b.moving[unknown] = true, true
	b.examine("", true)
}

// One account that cannot be looked at does not keep the others from being.
func TestAnAccountThatCannotBeLookedAt(t *testing.T) {
	b := newBench(t)
	b.engine.On("AuditNetwork", func(_ context.Context, c fake.Call) error {
		if c.Account == b.ann {
			return errors.New("nft is broken")
		}
		return nil
	})
	b.engine.Ail(b.bob, engine.Check{Name: "rules", Findings: []engine.Finding{{Kind: engine.Drift, Text: "a rule is gone"}}})
	b.examine("ann/account problem: not all of the account could be looked at: its network: nft is broken\nbob/rules drift: a rule is gone", false)
	broken := errors.New("no netlink")
	b.engine.Fail("AuditMachine", broken)
	if _, err := b.Examine(t.Context()); !errors.Is(err, broken) {
		t.Errorf("a machine that cannot be looked at gives %v", err)
	}
}
