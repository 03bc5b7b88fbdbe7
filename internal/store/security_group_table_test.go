package store

import (
	"slices"
	"testing"

	"github.com/containerd/errdefs"
)

func TestSecurityGroups(t *testing.T) {
	s := openNew(t)
	a, b := tenantOf(t, s, "a"), tenantOf(t, s, "b")
	update(t, s, a, func(tx *Tx) error {
		for _, name := range []string{"web", "db"} {
			if err := tx.PutSecurityGroup(SecurityGroup{Name: name}); err != nil {
				return err
			}
		}
		for n, groups := range [][]string{{"web"}, {"db", "web"}, nil, {"web"}} {
			c := aContainer(n + 1)
			c.Spec.SecGroups = groups
			if n == 3 {
				c.Phase = Removing
			}
			if err := tx.PutContainer(c); err != nil {
				return err
			}
		}
		return nil
	})
	names := func(list []*Container) (out []string) {
		for _, c := range list {
			out = append(out, c.Name)
		}
		slices.Sort(out)
		return out
	}
	if got, want := names(s.View(a).Carriers("web")), []string{"c1", "c2"}; !slices.Equal(got, want) {
		t.Errorf("web is carried by %v, want %v", got, want)
	}
	if got := names(s.View(b).Carriers("web")); len(got) > 0 {
		t.Errorf("another account's web is carried by %v", got)
	}
	if _, err := s.View(b).FindSecurityGroup("web"); !errdefs.IsNotFound(err) || err.Error() != "No such security group: web" {
		t.Errorf("another account's group: %v", err)
	}
	before := s.View(a)
	update(t, s, a, func(tx *Tx) error {
		if err := tx.DeleteSecurityGroup("absent"); err != nil {
			return err
		}
		return tx.DeleteSecurityGroup("web")
	})
	if list := s.View(a).SecurityGroups(); len(list) != 1 || list[0].Name != "db" {
		t.Errorf("what is left: %v", list)
	}
	if len(before.SecurityGroups()) != 2 {
		t.Error("a view has changed under its reader")
	}
	if err := s.Update(t.Context(), a, func(tx *Tx) error { return tx.PutSecurityGroup(SecurityGroup{}) }); err == nil {
		t.Error("a group without a name is taken")
	}
}
