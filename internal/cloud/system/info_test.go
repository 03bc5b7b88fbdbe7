package system

import (
	"errors"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/store"
)

// sayings has something to say of floating IPs.
type sayings struct{}

func (sayings) Warnings(account.Ref) []string { return []string{"yours"} }
func (sayings) HeldElsewhere() []string       { return []string{"the operator's"} }

func TestInfoCountsTheAccountsOwn(t *testing.T) {
	st, err := store.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	mine, err := st.CreateAccount(t.Context(), "mine")
	if err != nil {
		t.Fatal(err)
	}
	other, err := st.CreateAccount(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	img := fake.MakeImage("web", time.Now(), "base")
	err = st.Update(t.Context(), mine.Ref, func(tx *store.Tx) error {
		if err := tx.PutImage(store.Image{Image: img}); err != nil {
			return err
		}
		addr := netip.MustParseAddr("172.16.0.10")
		for name, c := range map[string]store.Container{
			"r":  {Phase: store.Ready, State: store.ContainerState{Status: store.StatusRunning}},
			"a":  {Phase: store.Ready, State: store.ContainerState{Status: store.StatusRestarting}},
			"p":  {Phase: store.Ready, State: store.ContainerState{Status: store.StatusPaused}},
			"x":  {Phase: store.Ready, State: store.ContainerState{Status: store.StatusExited}},
			"c":  {Phase: store.Ready, State: store.ContainerState{Status: store.StatusCreated}},
			"no": {Phase: store.Creating, State: store.ContainerState{Status: store.StatusCreated}},
		} {
			c.ID, c.Name, c.ImageID, c.Endpoints = name, name, img.ID, []store.Endpoint{{Address: addr}}
			addr = addr.Next()
			if err := tx.PutContainer(c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	e := fake.New()
	s := New(Config{Store: st, Engine: e, FIPs: sayings{}, Operator: mine.Ref, ID: "id", Name: "here", Root: "/data"})
	got, err := s.Info(t.Context(), mine.Ref)
	if err != nil {
		t.Fatal(err)
	}
	if got.Containers != 5 || got.Running != 2 || got.Paused != 1 || got.Stopped != 2 || got.Images != 1 {
		t.Errorf("counts are %+v", got)
	}
	if !slices.Equal(got.Warnings, []string{"yours", "the operator's"}) {
		t.Errorf("the operator is told %q", got.Warnings)
	}
	if got.Name != "here" || got.ID != "id" || got.Root != "/data" || got.NCPU != 4 {
		t.Errorf("facts are %+v", got)
	}
	if got, err = s.Info(t.Context(), other.Ref); err != nil || got.Containers != 0 || got.Images != 0 {
		t.Errorf("the other account sees %+v, %v", got, err)
	}
	if !slices.Equal(got.Warnings, []string{"yours"}) {
		t.Errorf("another account is told %q", got.Warnings)
	}
	if _, err := s.Info(t.Context(), account.Ref{}); !errors.Is(err, account.ErrNone) {
		t.Errorf("nobody gets %v", err)
	}
	broken := errors.New("no /proc")
	e.Fail("Info", broken)
	if _, err := s.Info(t.Context(), mine.Ref); !errors.Is(err, broken) {
		t.Errorf("a broken machine gives %v", err)
	}
}
