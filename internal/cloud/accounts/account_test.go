package accounts

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/store"
)

func TestCreate(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Quotas = quota.Limits{quota.FloatingIPs: 5, quota.Memory: 1 << 30} })
	acc, _, err := b.Create(t.Context(), "ann", quota.Limits{quota.Containers: 20, quota.FloatingIPs: quota.None, quota.Images: 0})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{
		quota.Containers: 20, quota.Images: 0, quota.Volumes: 40, quota.Snapshots: 40, quota.FloatingIPs: -1,
		quota.SecurityGroups: 100, quota.Services: 5, quota.Credentials: 3, quota.Memory: 1 << 30, quota.CPUs: 0,
	}
	limits := func() map[string]int64 {
		got := map[string]int64{}
		for _, u := range b.Service.Quotas(acc.Ref) {
			got[u.Resource] = u.Limit
		}
		return got
	}
	if got := limits(); !reflect.DeepEqual(got, want) {
		t.Errorf("quotas are %v, want %v", got, want)
	}
	if err := b.SetQuotas(t.Context(), "ann", quota.Limits{quota.Images: 7}); err != nil {
		t.Fatal(err)
	}
	want[quota.Images] = 7
	b.restart()
	if got := limits(); !reflect.DeepEqual(got, want) {
		t.Errorf("after a change they are %v, want %v", got, want)
	}
	d := must(b.Inspect("ann"))(t)
	if d.Credentials != 1 || d.State != store.Enabled || d.Ref != acc.Ref {
		t.Errorf("detail is %+v", d)
	}
	for why, err := range map[string]error{
		"no such quota":     b.SetQuotas(t.Context(), "ann", quota.Limits{"disks": 1}),
		"a negative quota":  b.SetQuotas(t.Context(), "ann", quota.Limits{quota.Images: -2}),
		"a wrong new quota": func() error { _, _, err := b.Create(t.Context(), "bob", quota.Limits{"disks": 1}); return err }(),
		"a wrong name":      func() error { _, _, err := b.Create(t.Context(), "b/b", nil); return err }(),
	} {
		if !errdefs.IsInvalidArgument(err) {
			t.Errorf("%s: %v", why, err)
		}
	}
	if len(b.List()) != 1 {
		t.Errorf("accounts are %v", b.List())
	}
	if _, err := b.Named("bob"); !errdefs.IsNotFound(err) || err.Error() != "No such account: bob" {
		t.Errorf("error is %v", err)
	}
}

func TestOneNameOneAccount(t *testing.T) {
	b := newBench(t)
	var wg sync.WaitGroup
	var made atomic.Int32
	for range 20 {
		wg.Go(func() {
			if _, _, err := b.Create(t.Context(), "ann", nil); err == nil {
				made.Add(1)
			} else if !errdefs.IsConflict(err) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 || len(b.List()) != 1 {
		t.Errorf("%d were made, %d are there", made.Load(), len(b.List()))
	}
}

// fakeBelongings empties an account of its volumes, of which requests that had begun may bring more.
type fakeBelongings struct {
	b     *bench
	late  int
	fails error
	clear []account.Ref
}

func (f *fakeBelongings) Empty(ctx context.Context, a account.Ref) error {
	if f.fails != nil {
		return f.fails
	}
	err := f.b.store.Update(ctx, a, func(tx *store.Tx) error {
		var errs []error
		for _, v := range tx.Volumes() {
			errs = append(errs, tx.DeleteVolume(v.ID))
		}
		return errors.Join(errs...)
	})
	if f.late > 0 {
		f.late--
		f.b.volume(a)
	}
	return err
}

func (f *fakeBelongings) Clear(_ context.Context, a account.Ref) error {
	f.clear = append(f.clear, a)
	return nil
}

func (b *bench) volume(a account.Ref) {
	b.Helper()
	if err := b.store.Update(b.Context(), a, func(tx *store.Tx) error {
		return tx.PutVolume(store.Volume{ID: random(letters, 8), Name: random(letters, 8)})
	}); err != nil {
		b.Error(err)
	}
}

func TestRemove(t *testing.T) {
	b := newBench(t)
	f := &fakeBelongings{b: b}
	b.Belongings = f
	a, cred := b.tenant("ann")
	b.volume(a)
	b.volume(a)
	err := b.Remove(t.Context(), "ann", false)
	if !errdefs.IsConflict(err) || !strings.HasPrefix(err.Error(), "account ann has 2 volumes: remove them first") {
		t.Errorf("error is %v", err)
	}
	if _, _, err := b.Secret(cred.Access); err != nil {
		t.Errorf("the refusal has closed the account: %v", err)
	}
	f.fails = errors.New("no luck")
	if err := b.Remove(t.Context(), "ann", true); !errors.Is(err, f.fails) || !strings.Contains(err.Error(), "half removed") {
		t.Errorf("error is %v", err)
	}
	if _, _, err := b.Secret(cred.Access); !errdefs.IsNotFound(err) {
		t.Errorf("a half removed account is entered: %v", err)
	}
	for _, err := range []error{b.Enable(t.Context(), "ann"), b.Disable(t.Context(), "ann")} {
		if !errdefs.IsConflict(err) {
			t.Errorf("a half removed account changes its state: %v", err)
		}
	}
	f.fails, f.late = nil, 2
	if err := b.Remove(t.Context(), "ann", true); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Named("ann"); !errdefs.IsNotFound(err) || len(f.clear) != 1 || f.clear[0] != a {
		t.Errorf("after removal: %v, cleared %v", err, f.clear)
	}
	if err := b.Remove(t.Context(), "ann", true); !errdefs.IsNotFound(err) {
		t.Errorf("again: %v", err)
	}
	again, _ := b.tenant("ann")
	if again.Slot() == a.Slot() || again.ID() == a.ID() {
		t.Errorf("the next of the name is %v in slot %d", again, again.Slot())
	}
	if err := b.Remove(t.Context(), "ann", false); err != nil {
		t.Errorf("an empty one: %v", err)
	}
	must(b.store.CreateAccount(t.Context(), Default))(t)
	if err := b.Remove(t.Context(), Default, true); !errdefs.IsInvalidArgument(err) {
		t.Errorf("the operator's own: %v", err)
	}
}

func TestRemovalIsFinishedAtTheNextStart(t *testing.T) {
	b := newBench(t)
	a, _ := b.tenant("ann")
	other, _ := b.tenant("bob")
	b.volume(a)
	b.volume(other)
	b.Belongings = &fakeBelongings{b: b, fails: errors.New("killed")}
	if err := b.Remove(t.Context(), "ann", true); err == nil {
		t.Fatal("no error")
	}
	b.restart()
	b.Belongings = &fakeBelongings{b: b}
	if err := b.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list := b.List(); len(list) != 1 || list[0].Ref != other || len(b.store.View(other).Volumes()) != 1 {
		t.Errorf("left are %v", list)
	}
}
