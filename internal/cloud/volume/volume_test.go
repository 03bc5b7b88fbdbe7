package volume

import (
	"context"
	"errors"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/store"
)

type bench struct {
	*testing.T
	store   *store.Store
	engine  *fake.Engine
	events  *event.Bus
	volumes *Service
	a, b    account.Ref
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
	c := Config{Store: st, Engine: b.engine, Events: b.events}
	for _, f := range change {
		f(&c)
	}
	b.volumes = New(c)
	return b
}

func (b *bench) create(name string, labels map[string]string) *store.Volume {
	b.Helper()
	v, err := b.volumes.Create(b.Context(), b.a, CreateRequest{Name: name, Labels: labels})
	if err != nil {
		b.Fatal(err)
	}
	return v
}

func (b *bench) put(rows ...store.Volume) {
	b.Helper()
	err := b.store.Update(b.Context(), b.a, func(tx *store.Tx) error {
		for _, row := range rows {
			if err := tx.PutVolume(row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// attach gives a volume to a container that exists.
func (b *bench) attach(v *store.Volume) string {
	b.Helper()
	img := fake.MakeImage("web", time.Unix(0, 0))
	id := strings.Repeat("c", 64)
	err := b.store.Update(b.Context(), b.a, func(tx *store.Tx) error {
		if err := tx.PutImage(store.Image{Image: img}); err != nil {
			return err
		}
		c := store.Container{ID: id, Name: "web", ImageID: img.ID, Phase: store.Ready, Address: netip.MustParseAddr("172.16.0.10")}
		if err := tx.PutContainer(c); err != nil {
			return err
		}
		row := *v
		row.Container = id
		return tx.PutVolume(row)
	})
	if err != nil {
		b.Fatal(err)
	}
	return id
}

func TestCreate(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Quota = func(account.Ref) int { return 3 } })
	for _, tc := range []struct {
		name string
		req  CreateRequest
		gb   int
		is   func(error) bool
		says string
	}{
		{"with all defaults", CreateRequest{}, 10, nil, ""},
		{"with a name and a size", CreateRequest{Name: "pgdata", SizeGB: 20}, 20, nil, ""},
		{"with a name that is taken", CreateRequest{Name: "pgdata"}, 0, errdefs.IsConflict, `A volume named "pgdata" already exists. Choose a different volume name.`},
		{"with a size between", CreateRequest{Name: "x1", SizeGB: 15}, 0, errdefs.IsInvalidArgument, "multiple of 10, from 10 to 50 GB"},
		{"too small", CreateRequest{Name: "x1", SizeGB: -10}, 0, errdefs.IsInvalidArgument, "multiple of 10"},
		{"too large", CreateRequest{Name: "x1", SizeGB: 60}, 0, errdefs.IsInvalidArgument, "multiple of 10"},
		{"with a bad name", CreateRequest{Name: "../etc"}, 0, errdefs.IsInvalidArgument, "not a name for a volume"},
		{"as large as can be", CreateRequest{Name: "big", SizeGB: 50}, 50, nil, ""},
		{"over quota", CreateRequest{Name: "more"}, 0, errdefs.IsResourceExhausted, "Exceeded quota"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v, err := b.volumes.Create(t.Context(), b.a, tc.req)
			if tc.is != nil {
				if !tc.is(err) || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("error is %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if v.Phase != store.Ready || v.SizeGB != tc.gb || b.engine.VolumeSize(b.a, v.ID) != int64(tc.gb)<<30 {
				t.Errorf("volume is %+v, its disk has %d bytes", v, b.engine.VolumeSize(b.a, v.ID))
			}
			if tc.req.Name == "" && !regexp.MustCompile(`^[0-9a-f]{63}$`).MatchString(v.Name) {
				t.Errorf("the name is %q", v.Name)
			}
		})
	}
	if b.engine.Left(b.b) != nil {
		t.Error("the other account has something")
	}
}

func TestFailedCreateLeavesNothing(t *testing.T) {
	b := newBench(t)
	full := errors.New("disk full")
	b.engine.Fail("CreateVolume", full)
	if _, err := b.volumes.Create(t.Context(), b.a, CreateRequest{Name: "pgdata"}); !errors.Is(err, full) {
		t.Errorf("error is %v", err)
	}
	if left := b.store.View(b.a).Volumes(); len(left) != 0 {
		t.Errorf("rows are left: %+v", left)
	}
	b.engine.Fail("CreateVolume", nil)
	b.create("pgdata", nil)
}

func TestCreateSurvivesItsClient(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.engine.On("CreateVolume", func(context.Context, fake.Call) error { cancel(); return nil })
	if _, err := b.volumes.Create(ctx, b.a, CreateRequest{Name: "pgdata"}); err != nil {
		t.Error(err)
	}
}

func TestEnsure(t *testing.T) {
	b := newBench(t)
	v := b.create("pgdata", nil)
	same, err := b.volumes.Ensure(t.Context(), b.a, CreateRequest{Name: "pgdata", SizeGB: 20})
	if err != nil || same.ID != v.ID || same.SizeGB != 10 {
		t.Errorf("an existing one: %+v, %v", same, err)
	}
	if v, err := b.volumes.Ensure(t.Context(), b.a, CreateRequest{Name: "fresh"}); err != nil || v.Name != "fresh" {
		t.Errorf("a new one: %+v, %v", v, err)
	}
	if _, err := b.volumes.Ensure(t.Context(), b.a, CreateRequest{Name: "pgdata", SizeGB: 7}); !errdefs.IsInvalidArgument(err) {
		t.Errorf("a bad size: %v", err)
	}
}

func TestRemove(t *testing.T) {
	b := newBench(t)
	v := b.create("pgdata", nil)
	used := b.create("used", nil)
	holder := b.attach(used)
	_, events, cancel := b.events.Subscribe(b.a, time.Time{})
	defer cancel()

	if err := b.volumes.Remove(t.Context(), b.b, "pgdata", false); !errdefs.IsNotFound(err) {
		t.Errorf("another account: %v", err)
	}
	if err := b.volumes.Remove(t.Context(), b.a, "none", false); !errdefs.IsNotFound(err) || err.Error() != "No such volume: none" {
		t.Errorf("an unknown one: %v", err)
	}
	if err := b.volumes.Remove(t.Context(), b.a, "none", true); err != nil {
		t.Errorf("an unknown one by force: %v", err)
	}
	for _, force := range []bool{false, true} {
		err := b.volumes.Remove(t.Context(), b.a, "used", force)
		if !errdefs.IsConflict(err) || err.Error() != "volume is in use - ["+holder+"]" {
			t.Errorf("one in use, force %v: %v", force, err)
		}
	}
	broken := errors.New("device busy")
	b.engine.FailOnce("RemoveVolume", broken)
	if err := b.volumes.Remove(t.Context(), b.a, "pgdata", false); !errors.Is(err, broken) {
		t.Errorf("a busy disk: %v", err)
	}
	if _, err := b.volumes.Find(b.a, "pgdata"); !errdefs.IsNotFound(err) {
		t.Errorf("a volume that is being removed is found: %v", err)
	}
	if _, err := b.volumes.Create(t.Context(), b.a, CreateRequest{Name: "pgdata"}); !errdefs.IsConflict(err) {
		t.Errorf("the name of a volume that is being removed is free: %v", err)
	}
	if err := b.volumes.Remove(t.Context(), b.a, "pgdata", false); err != nil {
		t.Errorf("again: %v", err)
	}
	if e := <-events; e.Type != "volume" || e.Action != "destroy" || e.ID != "pgdata" {
		t.Errorf("event is %+v", e)
	}
	if again := b.create("pgdata", nil); again.ID == v.ID {
		t.Error("a new volume of the same name has the old one's disk")
	}
}

func TestMaterialiseAndDiscard(t *testing.T) {
	b := newBench(t)
	one, two := NewRow("one", 10, false, nil), NewRow("", 20, true, nil)
	b.put(one, two)
	if err := b.volumes.Materialise(t.Context(), b.a, []string{one.ID, two.ID}); err != nil {
		t.Fatal(err)
	}
	for _, row := range []store.Volume{one, two} {
		v, ok := b.store.View(b.a).Volume(row.ID)
		if !ok || v.Phase != store.Ready || b.engine.VolumeSize(b.a, row.ID) != int64(row.SizeGB)<<30 {
			t.Errorf("%+v", v)
		}
	}
	if err := b.volumes.Materialise(t.Context(), b.a, []string{one.ID}); err != nil {
		t.Errorf("a second time: %v", err)
	}
	if err := b.volumes.Materialise(t.Context(), b.a, []string{"none"}); !errdefs.IsNotFound(err) {
		t.Errorf("an unknown one: %v", err)
	}
	if err := b.volumes.Discard(t.Context(), b.a, []string{one.ID}); !errdefs.IsConflict(err) || b.engine.VolumeSize(b.a, one.ID) == 0 {
		t.Errorf("a ready volume was discarded: %v", err)
	}
	one.Phase = store.Removing
	b.put(one)
	if err := b.volumes.Discard(t.Context(), b.a, []string{one.ID, "none"}); err != nil {
		t.Errorf("Discard: %v", err)
	}
	if b.engine.VolumeSize(b.a, one.ID) != 0 || len(b.store.View(b.a).Volumes()) != 1 {
		t.Error("not exactly the doomed volume is gone")
	}
}

func TestRecover(t *testing.T) {
	b := newBench(t)
	ready := b.create("ready", nil)
	intended, half, doomed, gone := NewRow("intended", 10, false, nil), NewRow("half", 10, false, nil), NewRow("doomed", 10, false, nil), NewRow("gone", 10, false, nil)
	doomed.Phase, gone.Phase = store.Removing, store.Removing
	b.put(intended, half, doomed, gone)
	for _, id := range []string{half.ID, doomed.ID} {
		if err := b.engine.CreateVolume(t.Context(), b.a, id, 1); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.engine.AttachVolume(t.Context(), b.a, doomed.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.volumes.Recover(t.Context(), b.a); err != nil {
			t.Fatal(err)
		}
		if left := b.store.View(b.a).Volumes(); len(left) != 1 || left[0].ID != ready.ID {
			t.Errorf("rows: %+v", left)
		}
		if left := b.engine.Left(b.a); len(left) != 1 || left[0] != "volume "+ready.ID {
			t.Errorf("disks: %v", left)
		}
	}
}

func TestList(t *testing.T) {
	b := newBench(t)
	b.create("pgdata", map[string]string{"tier": "db"})
	b.create("pgwal", map[string]string{"tier": "log"})
	b.attach(b.create("web", nil))
	b.put(NewRow("coming", 10, false, nil))
	filter := func(pairs ...string) map[string][]string {
		out := map[string][]string{}
		for i := 0; i < len(pairs); i += 2 {
			out[pairs[i]] = append(out[pairs[i]], pairs[i+1])
		}
		return out
	}
	for name, tc := range map[string]struct {
		filters map[string][]string
		want    string
	}{
		"no filter":              {nil, "web pgwal pgdata"},
		"dangling":               {filter("dangling", "true"), "pgwal pgdata"},
		"dangling as a 1":        {filter("dangling", "1"), "pgwal pgdata"},
		"false lists all":        {filter("dangling", "false"), "web pgwal pgdata"},
		"0 lists all":            {filter("dangling", "0"), "web pgwal pgdata"},
		"another value":          {filter("dangling", "yes"), "!"},
		"an unknown filter":      {filter("colour", "red"), "!"},
		"part of the name":       {filter("name", "pg"), "pgwal pgdata"},
		"one of two names":       {filter("name", "data", "name", "web"), "web pgdata"},
		"a label":                {filter("label", "tier"), "pgwal pgdata"},
		"a label and its value":  {filter("label", "tier=db"), "pgdata"},
		"labels that exclude":    {filter("label", "tier=db", "label", "tier=log"), ""},
		"the driver":             {filter("driver", "hyper"), "web pgwal pgdata"},
		"another driver":         {filter("driver", "local"), ""},
		"dangling and the label": {filter("dangling", "true", "label", "tier=log"), "pgwal"},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := b.volumes.List(b.a, tc.filters)
			if tc.want == "!" {
				if !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), "Invalid filter") {
					t.Errorf("error is %v", err)
				}
				return
			}
			var got []string
			for _, v := range list {
				got = append(got, v.Name)
			}
			if strings.Join(got, " ") != tc.want || err != nil {
				t.Errorf("List = %v, %v, want %s", got, err, tc.want)
			}
		})
	}
}

func TestPrune(t *testing.T) {
	b := newBench(t)
	b.create("named", nil)
	anonymous := b.create("", nil)
	used := b.create("", nil)
	b.attach(used)
	names, bytes, err := b.volumes.Prune(t.Context(), b.a, false)
	if err != nil || len(names) != 1 || names[0] != anonymous.Name || bytes != 1<<20 {
		t.Errorf("Prune = %v, %d, %v", names, bytes, err)
	}
	if names, _, err = b.volumes.Prune(t.Context(), b.a, true); err != nil || len(names) != 1 || names[0] != "named" {
		t.Errorf("Prune of all = %v, %v", names, err)
	}
	if left := b.store.View(b.a).Volumes(); len(left) != 1 || left[0].ID != used.ID {
		t.Errorf("left are %+v", left)
	}
}

func TestValidName(t *testing.T) {
	for name, ok := range map[string]bool{
		"pgdata": true, "a1": true, "A.b_c-d": true, strings.Repeat("x", 255): true,
		"": false, "a": false, "-a": false, ".a": false, "a/b": false, "a b": false, "ä1": false, "a\n": false, strings.Repeat("x", 256): false,
	} {
		if err := ValidName(name); (err == nil) != ok {
			t.Errorf("ValidName(%q) = %v", name, err)
		}
	}
}
