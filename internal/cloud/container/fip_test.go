package container

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/store"
)

func asks(fip string) map[string]string { return map[string]string{LabelFIP: fip} }

// fips are the account's addresses, each with the name of the container that has it.
func (w *world) fips() string {
	var out []string
	v := w.store.View(w.a)
	for _, f := range v.FloatingIPs() {
		text := f.Address.String()
		if c, ok := v.Container(f.Container); ok {
			text += "=" + c.Name
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func (w *world) wantFIPs(t *testing.T, want string) {
	t.Helper()
	if got := w.fips(); got != want {
		t.Errorf("the account has %q, want %q", got, want)
	}
}

func TestFloatingIPByLabel(t *testing.T) {
	w := newWorld(t)
	_, events, cancel := w.Events.Subscribe(w.a, time.Time{})
	defer cancel()
	c := w.create(t, CreateRequest{Name: "web", Image: "app", Labels: asks("auto")})
	w.wantFIPs(t, "198.18.0.2=web")
	labels := w.Labels(w.a, c)
	if labels[LabelFIP] != "auto" || labels[labelFIP] != "198.18.0.2" {
		t.Errorf("labels %v", labels)
	}
	for _, want := range []string{"create", "attach"} {
		if ev := <-events; ev.Action != want || want == "attach" && (ev.Type != "fip" || ev.ID != "198.18.0.2" || ev.Attributes["container"] != c.ID) {
			t.Errorf("event %+v, want %s", ev, want)
		}
	}
	if err := w.Start(t.Context(), w.a, "web"); err != nil {
		t.Fatal(err)
	}
	if e := w.engine.Network(w.a).Endpoints; len(e) != 1 || e[0].FloatingIP.String() != "198.18.0.2" {
		t.Errorf("the network has %+v", e)
	}
	// It stays the account's, and the next one takes it.
	if _, err := w.Remove(t.Context(), w.a, "web", RemoveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	w.wantFIPs(t, "198.18.0.2")
	w.create(t, CreateRequest{Name: "next", Image: "app", Labels: asks("auto")})
	w.create(t, CreateRequest{Name: "other", Image: "app", Labels: asks("auto")})
	w.wantFIPs(t, "198.18.0.2=next 198.18.0.3=other")
	// What was taken away by hand is not taken back at a start.
	if _, err := w.FIPs.Detach(t.Context(), w.a, "next"); err != nil {
		t.Fatal(err)
	}
	if err := w.Start(t.Context(), w.a, "next"); err != nil {
		t.Fatal(err)
	}
	w.wantFIPs(t, "198.18.0.2 198.18.0.3=other")
}

func TestFloatingIPThatCannotBe(t *testing.T) {
	for name, tc := range map[string]struct {
		asked, says string
		is          func(error) bool
	}{
		"no address":    {"300.1.1.1", "neither an IP address nor the name", errdefs.IsInvalidArgument},
		"nothing":       {"", "the label sh_hyper_fip names no floating IP", errdefs.IsInvalidArgument},
		"not held":      {"198.18.0.6", "No such floating IP: 198.18.0.6", errdefs.IsNotFound},
		"in use":        {"198.18.0.2", "floating IP 198.18.0.2 is in use by container has", errdefs.IsConflict},
		"no more of it": {"auto", "Exceeded quota, please either release floating IPs", errdefs.IsResourceExhausted},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.limit(t, quota.Limits{quota.FloatingIPs: 1})
			w.create(t, CreateRequest{Name: "has", Image: "app", Labels: asks("auto")})
			_, err := w.Create(t.Context(), w.a, CreateRequest{Image: "db", Labels: asks(tc.asked)})
			if !tc.is(err) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error is %v", err)
			}
			w.wantFIPs(t, "198.18.0.2=has")
			if v := w.store.View(w.a); len(v.Containers()) != 1 || len(v.Volumes()) != 0 {
				t.Errorf("there are %d containers, %d volumes", len(v.Containers()), len(v.Volumes()))
			}
		})
	}
}

func TestFloatingIPOfAFailedCreate(t *testing.T) {
	w := newWorld(t)
	fail := func() {
		t.Helper()
		w.engine.FailOnce("CreateContainer", errors.New("no luck"))
		if _, err := w.Create(t.Context(), w.a, CreateRequest{Image: "app", Labels: asks("auto")}); err == nil || !strings.Contains(err.Error(), "no luck") {
			t.Fatalf("error %v", err)
		}
	}
	fail()
	w.wantFIPs(t, "")
	if _, err := w.FIPs.Allocate(t.Context(), w.a, 1); err != nil {
		t.Fatal(err)
	}
	fail()
	w.wantFIPs(t, "198.18.0.2")
}

// The network hears of an address only with a container that has come to be.
func TestFloatingIPIsAttachedLast(t *testing.T) {
	w := newWorld(t)
	var seen string
	w.engine.On("CreateContainer", func(context.Context, fake.Call) error { seen = w.fips(); return nil })
	w.create(t, CreateRequest{Name: "web", Image: "app", Labels: asks("auto")})
	if seen != "198.18.0.2" {
		t.Errorf("while it was made the account had %q", seen)
	}
}

// A hyperd that dies in the middle of a creation leaves neither the container nor the address that was allocated for it.
func TestRecoverForgoesAddresses(t *testing.T) {
	w := newWorld(t)
	c := w.create(t, CreateRequest{Name: "kept", Image: "app", Labels: asks("auto")})
	half := *c
	half.ID, half.Name, half.Phase, half.Endpoints = newID(), "half", store.Creating, nil
	err := w.store.Update(t.Context(), w.a, func(tx *store.Tx) error {
		err := w.Network.Join(tx, &half, network.EndpointRequest{Network: "bridge"})
		if err != nil {
			return err
		}
		if half.Spec.FIP, err = w.FIPs.Reserve(tx, "auto", half.ID, ""); err != nil {
			return err
		}
		return tx.PutContainer(half)
	})
	if err != nil {
		t.Fatal(err)
	}
	w.wantFIPs(t, "198.18.0.2=kept 198.18.0.3")
	w.boot(t)
	w.wantFIPs(t, "198.18.0.2=kept")
}

// docker compose makes a container that takes another's place before it removes that one, and starts it afterwards.
func TestFloatingIPPassesToAReplacement(t *testing.T) {
	for _, asked := range []string{"auto", "198.18.0.2"} {
		t.Run(asked, func(t *testing.T) {
			w := newWorld(t)
			w.limit(t, quota.Limits{quota.FloatingIPs: 1})
			if _, err := w.FIPs.Allocate(t.Context(), w.a, 1); err != nil {
				t.Fatal(err)
			}
			labels := map[string]string{LabelFIP: asked, composeProject: "p", composeService: "web", composeNumber: "1"}
			old := w.started(t, CreateRequest{Name: "p-web-1", Image: "app", Labels: labels})
			labels[composeReplaces] = "web-1"
			w.create(t, CreateRequest{Name: "tmp", Image: "app", Labels: labels})
			w.wantFIPs(t, "198.18.0.2=p-web-1")
			if err := w.Start(t.Context(), w.a, "tmp"); err == nil || !strings.Contains(err.Error(), "xceeded quota") && !strings.Contains(err.Error(), "in use by container p-web-1") {
				t.Errorf("starting both: %v", err)
			}
			if _, err := w.Remove(t.Context(), w.a, old.ID, RemoveOptions{Force: true}); err != nil {
				t.Fatal(err)
			}
			w.wantFIPs(t, "198.18.0.2")
			if err := w.Start(t.Context(), w.a, "tmp"); err != nil {
				t.Fatal(err)
			}
			w.wantFIPs(t, "198.18.0.2=tmp")
			// Without the label that says so, it is another container like any.
			delete(labels, composeReplaces)
			labels[LabelFIP] = "198.18.0.2"
			if _, err := w.Create(t.Context(), w.a, CreateRequest{Image: "app", Labels: labels}); !errdefs.IsConflict(err) {
				t.Errorf("error is %v", err)
			}
		})
	}
}

// A creation that has to ask whether another host has an address is begun anew after that, and is still one.
func TestAutoAvoidsAddressesOfOtherHosts(t *testing.T) {
	w := newWorld(t)
	w.engine.Hold(netip.MustParseAddr("198.18.0.2"), "the printer")
	c := w.create(t, CreateRequest{Image: "db", Labels: asks("auto"), Binds: []string{"data:/data"}})
	w.wantFIPs(t, "198.18.0.3="+c.Name)
	if v := w.store.View(w.a); len(c.Spec.Mounts) != 2 || len(c.Endpoints) != 1 || len(v.Volumes()) != 2 || len(v.Containers()) != 1 {
		t.Errorf("made are %+v, and %d volumes", c, len(v.Volumes()))
	}
}

func TestSCTPNeedsTheKernel(t *testing.T) {
	w := newWorld(t)
	c := w.create(t, CreateRequest{Image: "app", Ports: []PortRequest{{Private: "38412/sctp"}}})
	if len(c.Spec.Published) != 1 || c.Spec.Published[0].Proto != "sctp" || c.Spec.Published[0].Public != 38412 {
		t.Errorf("published are %+v", c.Spec.Published)
	}
	w.engine.WithoutSCTP()
	if _, err := w.Create(t.Context(), w.a, CreateRequest{Image: "app", Ports: []PortRequest{{Private: "38412/sctp"}}}); err == nil || !strings.Contains(err.Error(), "port 38412/sctp cannot be published: this machine's kernel does not follow connections of sctp") {
		t.Errorf("error is %v", err)
	}
	w.create(t, CreateRequest{Image: "app", ExposedPorts: []string{"38412/sctp"}})
}
