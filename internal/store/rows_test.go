package store

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
)

func TestFindContainer(t *testing.T) {
	s := openNew(t)
	a := tenantOf(t, s, "a")
	update(t, s, a, func(tx *Tx) error {
		for _, row := range []struct{ id, name string }{
			{"abc1" + strings.Repeat("0", 60), "web"},
			{"abc2" + strings.Repeat("0", 60), "abc1"},
			{"dddd" + strings.Repeat("0", 60), "eeee" + strings.Repeat("0", 60)},
			{"eeee" + strings.Repeat("0", 60), "db"},
		} {
			if err := tx.PutContainer(Container{ID: row.id, Name: row.name}); err != nil {
				return err
			}
		}
		return nil
	})
	for ref, want := range map[string]string{
		"web": "web", "/web": "web",
		"//web":                          "No such container: //web",
		"abc1":                           "abc1", // a name wins over an id's beginning
		"abc10":                          "web",
		"abc2" + strings.Repeat("0", 60): "abc1",
		"eeee" + strings.Repeat("0", 60): "eeee" + strings.Repeat("0", 60), // and over an id
		"eee":                            "db",
		"abc":                            "More than one container has an id that begins with abc. Give more of it.",
		"nope":                           "No such container: nope",
		"":                               "No such container: ",
		"/":                              "No such container: /",
		"/dddd":                          "No such container: /dddd",
	} {
		got := ""
		c, err := s.View(a).FindContainer(ref)
		if err != nil {
			got = err.Error()
			if errdefs.IsNotFound(err) == errdefs.IsInvalidArgument(err) {
				t.Errorf("%q: the error has no single class: %v", ref, err)
			}
		} else {
			got = c.Name
		}
		if got != want {
			t.Errorf("%q finds %q, want %q", ref, got, want)
		}
	}
}

func TestNamesAreUnique(t *testing.T) {
	s := openNew(t)
	a, b := tenantOf(t, s, "a"), tenantOf(t, s, "b")
	ip := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{198, 18, 0, byte(n)}) }
	update(t, s, a, func(tx *Tx) error {
		for _, err := range []error{
			tx.PutContainer(aContainer(1)), tx.PutVolume(aVolume(1)),
			tx.PutFloatingIP(FloatingIP{Address: ip(1), Name: "web", Container: "x"}), tx.PutFloatingIP(FloatingIP{Address: ip(2)}),
			tx.PutFloatingIP(FloatingIP{Address: ip(3)}),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	same := aContainer(2)
	same.Name = "c1"
	neighbour := aContainer(3)
	neighbour.Endpoints = aContainer(1).Endpoints
	twin := aVolume(2)
	twin.Name = "v1"
	for name, tc := range map[string]struct {
		put  func(tx *Tx) error
		want string
	}{
		"container name": {func(tx *Tx) error { return tx.PutContainer(same) },
			`Conflict. The name "/c1" is already in use by container ` + hexID(1) + `. You have to remove (or rename) that container to be able to reuse that name.`},
		"container address": {func(tx *Tx) error { return tx.PutContainer(neighbour) },
			"The address 172.16.0.3 is already in use by container " + hexID(1) + "."},
		"volume": {func(tx *Tx) error { return tx.PutVolume(twin) },
			`A volume named "v1" already exists. Choose a different volume name.`},
		"floating IP name": {func(tx *Tx) error { return tx.PutFloatingIP(FloatingIP{Address: ip(2), Name: "web"}) },
			`A floating IP named "web" exists already. Choose another name.`},
		"second floating IP of a container": {func(tx *Tx) error { return tx.PutFloatingIP(FloatingIP{Address: ip(2), Container: "x"}) },
			`Container x has the floating IP 198.18.0.1 already. Detach that one first.`},
	} {
		t.Run(name, func(t *testing.T) {
			err := s.Update(context.Background(), a, tc.put)
			if !errdefs.IsConflict(err) || err.Error() != tc.want {
				t.Errorf("error is %v, want the conflict %s", err, tc.want)
			}
			if !strings.Contains(name, "floating") {
				update(t, s, b, tc.put) // another account's names are its own
			}
		})
	}
	t.Run("floating IP of another account", func(t *testing.T) {
		err := s.Update(context.Background(), b, func(tx *Tx) error { return tx.PutFloatingIP(FloatingIP{Address: ip(1)}) })
		if !errdefs.IsConflict(err) {
			t.Errorf("error is %v", err)
		}
		update(t, s, b, func(tx *Tx) error { return tx.DeleteFloatingIP(ip(1)) })
		if owner, ok := s.FloatingIPOwner(ip(1)); !ok || owner != a {
			t.Errorf("the address is %v's now", owner)
		}
		update(t, s, a, func(tx *Tx) error { return tx.DeleteFloatingIP(ip(1)) })
		update(t, s, b, func(tx *Tx) error { return tx.PutFloatingIP(FloatingIP{Address: ip(1), Name: "web"}) })
		if owner, ok := s.FloatingIPOwner(ip(1)); !ok || owner != b {
			t.Errorf("the released and taken address is %v's", owner)
		}
	})
	t.Run("swapped in one change", func(t *testing.T) {
		update(t, s, a, func(tx *Tx) error {
			c, _ := tx.ContainerByName("c1")
			renamed := *c
			renamed.Name = "free"
			if err := tx.PutContainer(renamed); err != nil {
				return err
			}
			return tx.PutContainer(same)
		})
		if c, err := s.View(a).FindContainer("c1"); err != nil || c.ID != same.ID {
			t.Errorf("c1 is %v, %v", c, err)
		}
	})
}

func TestAccountsAreApart(t *testing.T) {
	s := openNew(t)
	a, b := tenantOf(t, s, "a"), tenantOf(t, s, "b")
	everything(t, s, a)
	v := s.View(b)
	id, img := hexID(1), "sha256:"+hexID(1)
	_, errC := v.FindContainer(id)
	_, errV := v.FindVolume("v1")
	if errC == nil || errV == nil || errV.Error() != "No such volume: v1" {
		t.Errorf("errors are %v, %v", errC, errV)
	}
	_, c := v.Container(id)
	_, cn := v.ContainerByName("c1")
	_, vol := v.Volume(id)
	_, vn := v.VolumeByName("v1")
	_, i := v.Image(img)
	_, tag := v.Tag("docker.io/library/mysql", "latest")
	_, f := v.FloatingIP(netip.MustParseAddr("198.18.0.1"))
	_, fn := v.FloatingIPByName("web")
	_, fo := v.FloatingIPOf(id)
	if c || cn || vol || vn || i || tag || f || fn || fo || v.AddressTaken(aContainer(1).Endpoints[0].Address) || !v.Empty() ||
		len(v.Containers())+len(v.Volumes())+len(v.VolumesOf(id))+len(v.Images())+len(v.Tags())+len(v.TagsOf(img))+len(v.FloatingIPs()) != 0 {
		t.Error("an account sees another one's rows")
	}
	// The same ids in both: deleting one account's leaves the other's.
	everythingOf := picture(s.View(a))
	update(t, s, b, func(tx *Tx) error { return tx.PutContainer(aContainer(1)) })
	update(t, s, b, func(tx *Tx) error { return tx.DeleteContainer(id) })
	if fmt.Sprint(picture(s.View(a))) != fmt.Sprint(everythingOf) {
		t.Error("an account's change shows in another one")
	}
}

func TestVolumesOf(t *testing.T) {
	s := openNew(t)
	a := tenantOf(t, s, "a")
	update(t, s, a, func(tx *Tx) error {
		for n, owner := range map[int]string{1: "x", 2: "", 3: "x", 4: "y"} {
			v := aVolume(n)
			v.Container = owner
			if err := tx.PutVolume(v); err != nil {
				return err
			}
		}
		return nil
	})
	names := func(list []*Volume) (s string) {
		for _, v := range list {
			s += v.Name + " "
		}
		return s
	}
	v := s.View(a)
	if got := names(v.Volumes()) + "| " + names(v.VolumesOf("x")) + "| " + names(v.VolumesOf("z")); got != "v4 v3 v2 v1 | v1 v3 | " {
		t.Errorf("lists are %s", got)
	}
	update(t, s, a, func(tx *Tx) error {
		moved := *tx.VolumesOf("x")[0]
		moved.Container = "y"
		if err := tx.PutVolume(moved); err != nil {
			return err
		}
		if got := names(tx.VolumesOf("y")); got != "v1 v4 " {
			t.Errorf("the draft has %s", got)
		}
		return nil
	})
	if got := names(v.VolumesOf("x")); got != "v1 v3 " {
		t.Errorf("an old view has changed to %s", got)
	}
}

func TestTags(t *testing.T) {
	const repo = "docker.io/library/mysql"
	s := openNew(t)
	a := tenantOf(t, s, "a")
	one, two := anImage(10), anImage(20)
	tag := func(tag, digest string, img Image) Tag {
		return Tag{Repository: repo, Tag: tag, Digest: digest, ImageID: img.ID}
	}
	count := func(img Image) int { return len(s.View(a).TagsOf(img.ID)) }
	if err := s.Update(context.Background(), a, func(tx *Tx) error { return tx.PutTag(tag("5", "d1", one)) }); err == nil {
		t.Error("a tag without its image is accepted")
	}
	update(t, s, a, func(tx *Tx) error {
		for _, img := range []Image{one, two} {
			if err := tx.PutImage(img); err != nil {
				return err
			}
		}
		for _, tg := range []Tag{tag("latest", "d1", one), tag("5", "d1", one), tag("", "d1", one), tag("", "d2", two)} {
			if err := tx.PutTag(tg); err != nil {
				return err
			}
		}
		return nil
	})
	if count(one) != 3 || count(two) != 1 {
		t.Fatalf("tags are %v", s.View(a).Tags())
	}
	if imgs := s.View(a).Images(); imgs[0].ID != two.ID {
		t.Error("images are not newest first")
	}
	update(t, s, a, func(tx *Tx) error { return tx.PutTag(tag("latest", "d2", two)) })
	if got, ok := s.View(a).Tag(repo, "latest"); !ok || got.ImageID != two.ID || count(one) != 2 || count(two) != 2 {
		t.Errorf("the moved tag is %v; all are %v", got, s.View(a).Tags())
	}
	if got, ok := s.View(a).Tag(repo, ""); ok {
		t.Errorf("no tag finds %v", got)
	}
	update(t, s, a, func(tx *Tx) error { return tx.DeleteTag(repo, "5", "other") })
	update(t, s, a, func(tx *Tx) error { return tx.DeleteTag(repo, "", "d1") })
	if count(one) != 1 {
		t.Errorf("tags are %v", s.View(a).Tags())
	}
	update(t, s, a, func(tx *Tx) error { return tx.DeleteImage(two.ID) })
	if got := s.View(a).Tags(); len(got) != 1 || got[0].Tag != "5" {
		t.Errorf("after the image went, tags are %v", got)
	}
	before := s.View(a).Tags()
	_ = s.Close()
	if got := open(t, s.path).View(a).Tags(); fmt.Sprint(got) != fmt.Sprint(before) {
		t.Errorf("on disk tags are %v, want %v", got, before)
	}
}

func TestAccounts(t *testing.T) {
	s := openNew(t)
	seen := map[string]bool{}
	for i, name := range []string{"default", "ann@example.com", "b-2"} {
		ref := tenantOf(t, s, name)
		if ref.Slot() != i || seen[ref.ID()] {
			t.Errorf("account %d is %s in slot %d", i, ref, ref.Slot())
		}
		seen[ref.ID()] = true
		if got, ok := s.Account(name); !ok || got.Ref != ref || got.Name != name {
			t.Errorf("%s finds %v", name, got)
		}
	}
	for name, is := range map[string]func(error) bool{
		"default": errdefs.IsConflict, "": errdefs.IsInvalidArgument, "a/b": errdefs.IsInvalidArgument,
		"-x": errdefs.IsInvalidArgument, "a\nb": errdefs.IsInvalidArgument, strings.Repeat("a", 129): errdefs.IsInvalidArgument,
	} {
		if _, err := s.CreateAccount(context.Background(), name); !is(err) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, ok := s.Account("nobody"); ok || len(s.Accounts()) != 3 {
		t.Error("there is an account too many")
	}
	all := s.tenants.Load()
	for want, retired := range map[int][]int{1: nil, 3: {1}, 4: {1, 3}} {
		gap := &tenants{list: []Account{all.list[0], all.list[2]}, retired: retired}
		if got := gap.freeSlot(); got != want {
			t.Errorf("the lowest free slot is %d, want %d", got, want)
		}
	}
}
