package container

import (
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/quota/quotatest"
	"github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/store"
)

// spend gives all accounts a purse with plenty in it.
func (w *world) spend() *quotatest.Purse {
	p := quotatest.New(quotatest.Plenty)
	w.Spending = p
	return p
}

// With a budget that is spent nothing is begun that costs, and what runs is left alone: it is not stopped to be restarted.
func TestNothingIsBegunWithoutMoney(t *testing.T) {
	w := newWorld(t)
	purse := w.spend()
	running := w.started(t, CreateRequest{Name: "running", Image: "app"})
	stopped := w.create(t, CreateRequest{Name: "stopped", Image: "app"})
	paused := w.started(t, CreateRequest{Name: "paused", Image: "app"})
	if err := w.Pause(t.Context(), w.a, paused.ID); err != nil {
		t.Fatal(err)
	}
	before := w.status(t, running.ID, store.StatusRunning)
	rows := len(w.store.View(w.a).Volumes())
	purse.Set(0)
	for what, act := range map[string]func() error{
		"create": func() error {
			_, err := w.Create(t.Context(), w.a, CreateRequest{Image: "db", Labels: asks("auto")})
			return err
		},
		"start":             func() error { return w.Start(t.Context(), w.a, stopped.ID) },
		"restart":           func() error { return w.Restart(t.Context(), w.a, running.ID, StopOptions{}) },
		"restart of an end": func() error { return w.Restart(t.Context(), w.a, stopped.ID, StopOptions{}) },
	} {
		if err := act(); !errdefs.IsResourceExhausted(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	now := w.status(t, running.ID, store.StatusRunning)
	if was := before.State; !now.State.StartedAt.Equal(was.StartedAt) || now.State.Pid != was.Pid {
		t.Errorf("what ran is %+v, and was %+v", now.State, was)
	}
	v := w.store.View(w.a)
	if len(v.Containers()) != 3 || len(v.Volumes()) != rows || len(v.FloatingIPs()) != 0 {
		t.Errorf("something was made: %d containers, %d volumes, %d addresses", len(v.Containers()), len(v.Volumes()), len(v.FloatingIPs()))
	}
	for what, act := range map[string]func() error{
		"unpause": func() error { return w.Unpause(t.Context(), w.a, paused.ID) },
		"start of what runs": func() error {
			if err := w.Start(t.Context(), w.a, running.ID); !errdefs.IsNotModified(err) {
				return err
			}
			return nil
		},
		"stop":   func() error { return w.Stop(t.Context(), w.a, running.ID, StopOptions{}) },
		"rename": func() error { return w.Rename(t.Context(), w.a, stopped.ID, "other") },
	} {
		if err := act(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	// What is wrong is said before what it would cost.
	if _, err := w.Create(t.Context(), w.a, CreateRequest{Image: "nothing"}); !errdefs.IsNotFound(err) {
		t.Errorf("an image that is not there: %v", err)
	}
}

// A policy restarts what runs, whatever it costs.
func TestPoliciesRestartWithoutMoney(t *testing.T) {
	w := newWorld(t)
	purse := w.spend()
	w.RestartAfter = -1 // however short it ran
	c := w.started(t, CreateRequest{Image: "app", Restart: store.RestartPolicy{Name: "always"}})
	_, events, cancel := w.Events.Subscribe(w.a, time.Time{})
	defer cancel()
	purse.Set(0)
	w.engine.Exit(w.a, c.ID, 1)
	for e := range events {
		if e.Action == "start" {
			break
		}
	}
	if now := w.status(t, c.ID, store.StatusRunning); now.State.RestartCount != 1 || purse.Asked() != 0 {
		t.Errorf("it is %+v, asked for %d times", now.State, purse.Asked())
	}
}

func TestEstimate(t *testing.T) {
	w := newWorld(t)
	purse := w.spend()
	if _, err := w.Volumes.Create(t.Context(), w.a, volume.CreateRequest{Name: "data", SizeGB: 30}); err != nil {
		t.Fatal(err)
	}
	seq := w.store.View(w.a).LedgerSeq()
	meters := len(w.store.View(w.a).Meters(w.store.Now()))
	p, err := w.Estimate(t.Context(), w.a, CreateRequest{
		Name: "/mine", Image: "db", Binds: []string{"data:/data", "fresh:/fresh", "data:/again"}, Labels: map[string]string{labelSize: "m2", LabelFIP: "auto"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "mine" || p.Size != "m2" || p.Image != "db" || p.ImageID == "" || !p.FIP.IsValid() || !p.FreshFIP || p.Refused != nil {
		t.Errorf("%+v", p)
	}
	got := map[string]ProspectVolume{}
	for _, v := range p.Volumes {
		v.ID = ""
		got[v.Name] = v
	}
	want := map[string]ProspectVolume{"data": {Name: "data", SizeGB: 30}, "fresh": {Name: "fresh", SizeGB: 10, Fresh: true}, "": {SizeGB: 10, Fresh: true}}
	if len(got) != len(want) || len(p.Volumes) != len(want) {
		t.Errorf("volumes are %+v", p.Volumes)
	}
	for name, v := range want {
		if got[name] != v {
			t.Errorf("volume %q is %+v, want %+v", name, got[name], v)
		}
	}
	v := w.store.View(w.a)
	if len(v.Containers()) != 0 || len(v.Volumes()) != 1 || len(v.FloatingIPs()) != 0 || v.LedgerSeq() != seq || len(v.Meters(w.store.Now())) != meters {
		t.Error("the estimate has made something")
	}
	if vol, _ := v.VolumeByName("data"); vol.Container != "" {
		t.Error("the estimate has taken a volume")
	}

	// An address that the account has costs nothing more.
	have, err := w.FIPs.Allocate(t.Context(), w.a, 1)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := w.Estimate(t.Context(), w.a, CreateRequest{Image: "app", Labels: asks("auto")}); err != nil || p.FIP != have[0] || p.FreshFIP || p.Name != "" || p.Size != DefaultSize {
		t.Errorf("%+v, %v", p, err)
	}
	purse.Set(0)
	if p, err := w.Estimate(t.Context(), w.a, CreateRequest{Image: "app"}); err != nil || !errdefs.IsResourceExhausted(p.Refused) {
		t.Errorf("without money: %+v, %v", p, err)
	}
}

// What Create refuses, Estimate refuses in the same words.
func TestEstimateRefusesAsCreate(t *testing.T) {
	w := newWorld(t)
	w.create(t, CreateRequest{Name: "taken", Image: "app", Binds: []string{"data:/data"}})
	for name, req := range map[string]CreateRequest{
		"no such image":        {Image: "nothing"},
		"a size that is none":  {Image: "app", Labels: map[string]string{labelSize: "xl"}},
		"a name that is taken": {Name: "taken", Image: "app"},
		"a bad name":           {Name: "-", Image: "app"},
		"a volume that is":     {Image: "app", Binds: []string{"data:/data"}},
		"too many volumes":     {Image: "app", Binds: []string{"/a", "/b", "/c", "/d", "/e"}},
		"no such address":      {Image: "app", Labels: asks("203.0.113.9")},
		"no such link":         {Image: "app", Links: []string{"nobody"}},
		"a privilege":          {Image: "app", Privileged: true},
		"no such group":        {Image: "app", Labels: map[string]string{"sh_hyper_sg_none": "yes"}},
	} {
		_, want := w.Create(t.Context(), w.a, req)
		_, got := w.Estimate(t.Context(), w.a, req)
		if want == nil || got == nil || got.Error() != want.Error() {
			t.Errorf("%s: %v, and a creation %v", name, got, want)
		}
	}
	w.limit(t, map[string]int64{"containers": 1})
	if _, err := w.Estimate(t.Context(), w.a, CreateRequest{Image: "app"}); !errdefs.IsResourceExhausted(err) {
		t.Errorf("over quota: %v", err)
	}
}
