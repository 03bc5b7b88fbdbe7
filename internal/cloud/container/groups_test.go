package container

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/store"
)

// groups makes security groups.
func (w *world) groups(t *testing.T, names ...string) {
	t.Helper()
	if err := w.store.Update(t.Context(), w.a, func(tx *store.Tx) error {
		for _, name := range names {
			if err := tx.PutSecurityGroup(store.SecurityGroup{Name: name}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func labelled(names ...string) map[string]string {
	labels := map[string]string{}
	for _, name := range names {
		labels[LabelGroup+name] = "yes"
	}
	return labels
}

func TestCreateWithGroups(t *testing.T) {
	w := newWorld(t)
	w.groups(t, "web", "ssh")
	c := w.create(t, CreateRequest{Name: "x", Image: "app", Labels: labelled("web", "ssh")})
	if !slices.Equal(c.Spec.SecGroups, []string{"ssh", "web"}) {
		t.Errorf("it carries %v", c.Spec.SecGroups)
	}
	if l := w.Labels(w.a, c); l["sh_hyper_sg_web"] != "yes" || l["sh_hyper_sg_ssh"] != "yes" || len(c.Spec.Labels) > 0 {
		t.Errorf("its labels are %v", l)
	}
	many := make([]string, maxGroups+1)
	for i := range many {
		many[i] = fmt.Sprint("g", i)
	}
	w.groups(t, many...)
	for name, tc := range map[string]struct {
		labels map[string]string
		is     func(error) bool
		says   string
	}{
		"unknown":       {labelled("web", "none"), errdefs.IsNotFound, "No such security group: none"},
		"without name":  {labelled(""), errdefs.IsNotFound, "No such security group: "},
		"another value": {map[string]string{"sh_hyper_sg_web": "no"}, errdefs.IsInvalidArgument, `it joins a security group when it is "yes"`},
		"too many":      {labelled(many...), errdefs.IsInvalidArgument, "can carry 16 security groups, not 17"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.Create(t.Context(), w.a, CreateRequest{Name: "y", Image: "app", Labels: tc.labels})
			if err == nil || !tc.is(err) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error is %v", err)
			}
			if n := w.store.View(w.a).Counts().Containers; n != 1 {
				t.Errorf("%d containers are there", n)
			}
		})
	}
}

func TestUpdateOfGroups(t *testing.T) {
	w := newWorld(t)
	w.groups(t, "web", "ssh", "db")
	w.create(t, CreateRequest{Name: "x", Image: "app", Labels: labelled("web")})
	carried := func(t *testing.T, want ...string) {
		t.Helper()
		c, err := w.Get(w.a, "x")
		if err != nil || !slices.Equal(c.Spec.SecGroups, want) {
			t.Errorf("it carries %v, %v, want %v", c.Spec.SecGroups, err, want)
		}
	}
	update := func(add, remove []string) error {
		_, err := w.Update(t.Context(), w.a, "x", UpdateRequest{AddSecGroups: add, RemoveSecGroups: remove})
		return err
	}
	if err := update([]string{"ssh", "web"}, nil); err != nil || len(w.engine.Calls("ApplyNetwork")) > 0 {
		t.Errorf("while it does not run: %v, %v", err, w.engine.Calls("ApplyNetwork"))
	}
	carried(t, "ssh", "web")
	if err := w.Start(t.Context(), w.a, "x"); err != nil {
		t.Fatal(err)
	}
	applied := func() []string { return w.engine.Network(w.a).Endpoints[0].Groups }
	if err := update([]string{"db"}, []string{"ssh"}); err != nil || !slices.Equal(applied(), []string{"db", "web"}) {
		t.Errorf("while it runs: %v; the network has %v", err, applied())
	}
	carried(t, "db", "web")
	for name, tc := range map[string]struct {
		add, remove []string
		is          func(error) bool
		says        string
	}{
		"unknown":              {[]string{"none"}, nil, errdefs.IsNotFound, "No such security group: none"},
		"taking unknown":       {nil, []string{"none"}, errdefs.IsNotFound, "No such security group: none"},
		"taking what it lacks": {nil, []string{"ssh"}, errdefs.IsNotFound, "container x does not carry the security group ssh"},
		"both":                 {[]string{"web"}, []string{"web"}, errdefs.IsInvalidArgument, "cannot be both added to container x and taken from it"},
		"half of it":           {[]string{"ssh"}, []string{"none"}, errdefs.IsNotFound, "No such security group: none"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := update(tc.add, tc.remove); err == nil || !tc.is(err) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error is %v", err)
			}
			carried(t, "db", "web")
		})
	}
	broken := errors.New("no netlink")
	w.engine.FailOnce("ApplyNetwork", broken)
	if err := update(nil, []string{"db", "web"}); !errors.Is(err, broken) || !slices.Equal(applied(), []string{"db", "web"}) {
		t.Errorf("when the network does not follow: %v; it has %v", err, applied())
	}
	carried(t, "db", "web")
	if err := update(nil, []string{"db", "web"}); err != nil || len(applied()) > 0 {
		t.Errorf("taking all: %v; the network has %v", err, applied())
	}
	carried(t)
}
