package fip

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/engine/fake"
)

func TestAttachAndDetach(t *testing.T) {
	b := newBench(t, "198.18.0.0/24")
	b.allocate(b.a, 2)
	_, events, cancel := b.events.Subscribe(b.a, time.Time{})
	defer cancel()
	if err := b.fips.Name(t.Context(), b.a, "198.18.0.2", "shop"); err != nil {
		t.Fatal(err)
	}
	if err := b.fips.Attach(t.Context(), b.a, "shop", "web"); err != nil {
		t.Fatal(err)
	}
	if e := <-events; e.Type != "fip" || e.Action != "attach" || e.ID != "198.18.0.2" || e.Attributes["container"] != id("web") {
		t.Errorf("event is %+v", e)
	}
	if got := b.applied(b.a, "web"); got != "198.18.0.2" {
		t.Errorf("the network has %q", got)
	}

	for name, tc := range map[string]struct {
		fip, container string
		is             func(error) bool
		says           string
	}{
		"an address in use":                 {"198.18.0.2", "db", errdefs.IsConflict, "in use by container web"},
		"a container that has one":          {"198.18.0.3", "web", errdefs.IsConflict, "has the floating IP 198.18.0.2 already"},
		"a container that does not run":     {"198.18.0.3", "old", errdefs.IsConflict, "not running"},
		"an unknown container":              {"198.18.0.3", "none", errdefs.IsNotFound, "No such container: none"},
		"an unknown address":                {"198.18.0.9", "db", errdefs.IsNotFound, "No such floating IP: 198.18.0.9"},
		"an unknown name":                   {"none", "db", errdefs.IsNotFound, "No such floating IP: none"},
		"what is neither":                   {"198.18.0.300", "db", errdefs.IsInvalidArgument, "neither"},
		"an address that looks like IPv6":   {"::1", "db", errdefs.IsNotFound, "No such"},
		"an address with a stray character": {"198.18.0.2 ", "db", errdefs.IsInvalidArgument, "neither"},
	} {
		t.Run(name, func(t *testing.T) {
			err := b.fips.Attach(t.Context(), b.a, tc.fip, tc.container)
			if !tc.is(err) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error is %v", err)
			}
		})
	}
	t.Run("another account's address", func(t *testing.T) {
		if err := b.fips.Attach(t.Context(), b.b, "198.18.0.3", "db"); !errdefs.IsNotFound(err) {
			t.Errorf("error is %v", err)
		}
	})

	got, err := b.fips.Detach(t.Context(), b.a, "web")
	if err != nil || got.String() != "198.18.0.2" {
		t.Errorf("Detach gives %s, %v", got, err)
	}
	if e := <-events; e.Action != "detach" || e.ID != "198.18.0.2" {
		t.Errorf("event is %+v", e)
	}
	if b.applied(b.a, "web") != "" {
		t.Error("the network still has the address")
	}
	if _, err := b.fips.Detach(t.Context(), b.a, "web"); !errdefs.IsConflict(err) {
		t.Errorf("detaching nothing gives %v", err)
	}
	if err := b.fips.Attach(t.Context(), b.a, "198.18.0.2", "db"); err != nil {
		t.Errorf("moving: %v", err)
	}
}

func TestMove(t *testing.T) {
	b := newBench(t, "198.18.0.0/24")
	b.allocate(b.a, 3)
	for fip, c := range map[string]string{"198.18.0.2": "web", "198.18.0.3": "db"} {
		if err := b.fips.Attach(t.Context(), b.a, fip, c); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		container string
		is        func(error) bool
	}{
		"to a container that has one":     {"db", errdefs.IsConflict},
		"to one that does not run":        {"old", errdefs.IsConflict},
		"to one that there is not":        {"none", errdefs.IsNotFound},
		"to the one that has the address": {"web", isNil},
	} {
		t.Run(name, func(t *testing.T) {
			if err := b.fips.Move(t.Context(), b.a, "198.18.0.2", tc.container); !tc.is(err) {
				t.Errorf("error is %v", err)
			}
			if got := b.holder(b.a, "198.18.0.2"); got != id("web") || b.applied(b.a, "web") != "198.18.0.2" {
				t.Errorf("the address is at %s", got)
			}
		})
	}
	if _, err := b.fips.Detach(t.Context(), b.a, "db"); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("no netlink")
	b.engine.FailOnce("ApplyNetwork", broken)
	if err := b.fips.Move(t.Context(), b.a, "198.18.0.2", "db"); !errors.Is(err, broken) {
		t.Errorf("error is %v", err)
	}
	if b.holder(b.a, "198.18.0.2") != id("web") || b.applied(b.a, "web") != "198.18.0.2" {
		t.Error("a move that failed took the address away")
	}
	_, events, cancel := b.events.Subscribe(b.a, time.Time{})
	defer cancel()
	if err := b.fips.Move(t.Context(), b.a, "198.18.0.2", "db"); err != nil {
		t.Fatal(err)
	}
	if b.applied(b.a, "db") != "198.18.0.2" || b.applied(b.a, "web") != "" {
		t.Error("the network does not follow")
	}
	for _, want := range []string{"detach " + id("web"), "attach " + id("db")} {
		if e := <-events; e.Action+" "+e.Attributes["container"] != want {
			t.Errorf("event is %+v, want %s", e, want)
		}
	}
	if err := b.fips.Move(t.Context(), b.a, "198.18.0.4", "web"); err != nil {
		t.Errorf("moving one that nobody has: %v", err)
	}
}

func TestNetworkFailurePutsTheRowBack(t *testing.T) {
	broken := errors.New("no netlink")
	b := newBench(t, "198.18.0.0/24")
	b.allocate(b.a, 1)
	b.engine.FailOnce("ApplyNetwork", broken)
	if err := b.fips.Attach(t.Context(), b.a, "198.18.0.2", "web"); !errors.Is(err, broken) {
		t.Errorf("attach gives %v", err)
	}
	if b.holder(b.a, "198.18.0.2") != "" || b.applied(b.a, "web") != "" {
		t.Error("the address is attached")
	}
	if err := b.fips.Attach(t.Context(), b.a, "198.18.0.2", "web"); err != nil {
		t.Fatal(err)
	}
	b.engine.FailOnce("ApplyNetwork", broken)
	if _, err := b.fips.Detach(t.Context(), b.a, "web"); !errors.Is(err, broken) {
		t.Errorf("detach gives %v", err)
	}
	if b.holder(b.a, "198.18.0.2") != id("web") || b.applied(b.a, "web") != "198.18.0.2" {
		t.Error("the address is not attached")
	}
}

func TestAttachSurvivesItsClient(t *testing.T) {
	b := newBench(t, "198.18.0.0/24")
	b.allocate(b.a, 1)
	ctx, cancel := context.WithCancel(t.Context())
	b.engine.On("ApplyNetwork", func(context.Context, fake.Call) error { cancel(); return nil })
	if err := b.fips.Attach(ctx, b.a, "198.18.0.2", "web"); err != nil || b.applied(b.a, "web") == "" {
		t.Errorf("attach gives %v", err)
	}
}
