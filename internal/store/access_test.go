package store

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/containerd/errdefs"
)

func TestEntriesAreFoundWithoutAnAccount(t *testing.T) {
	s := openNew(t)
	a, b := tenantOf(t, s, "a"), tenantOf(t, s, "b")
	everything(t, s, a)
	check := func(t *testing.T, s *Store) {
		t.Helper()
		owner, c, ok := s.Credential("KEY" + a.ID())
		if !ok || owner != a || c.Name != "laptop" || !reflect.DeepEqual(c.Sealed, []byte{0, 255, 7}) {
			t.Errorf("credential: %v %+v %v", owner, c, ok)
		}
		owner, tok, ok := s.Token("beef" + a.ID())
		if !ok || owner != a || tok.Name != "for ever" || !tok.ExpiresAt.IsZero() {
			t.Errorf("token: %v %+v %v", owner, tok, ok)
		}
		owner, crt, ok := s.Certificate("abc" + a.ID())
		if !ok || owner != a || crt.Fingerprint != "12" {
			t.Errorf("certificate: %v %+v %v", owner, crt, ok)
		}
		for kind, found := range map[string]func(string) bool{
			"credential":  func(k string) bool { _, _, ok := s.Credential(k); return ok },
			"token":       func(k string) bool { _, _, ok := s.Token(k); return ok },
			"certificate": func(k string) bool { _, _, ok := s.Certificate(k); return ok },
		} {
			for _, k := range []string{"", "KEY", "beef"} {
				if found(k) {
					t.Errorf("%s %q is found", kind, k)
				}
			}
		}
		if _, _, ok := s.Token("KEY" + a.ID()); ok {
			t.Error("an access key passes for a token")
		}
	}
	check(t, s)
	t.Run("another account cannot take them away", func(t *testing.T) {
		for _, err := range []error{
			s.Update(t.Context(), b, func(tx *Tx) error { return tx.DeleteCredential("KEY" + a.ID()) }),
			s.Update(t.Context(), b, func(tx *Tx) error { return tx.DeleteToken("ci") }),
			s.Update(t.Context(), b, func(tx *Tx) error { return tx.DeleteCertificate("abc" + a.ID()) }),
		} {
			if !errdefs.IsNotFound(err) {
				t.Errorf("error is %v", err)
			}
		}
		if err := s.Update(t.Context(), b, func(tx *Tx) error {
			return tx.PutCredential(Credential{Access: "KEY" + a.ID(), Sealed: []byte{1}})
		}); err == nil {
			t.Error("another account's access key is given again")
		}
		check(t, s)
	})
	t.Run("names of tokens are an account's own", func(t *testing.T) {
		put := func(tx *Tx) error { return tx.PutToken(Token{Hash: "x", Name: "ci"}) }
		if err := s.Update(t.Context(), a, put); !errdefs.IsConflict(err) {
			t.Errorf("error is %v", err)
		}
		update(t, s, b, put)
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, s.path)
	check(t, s)
	update(t, s, a, func(tx *Tx) error {
		return errors.Join(tx.DeleteCredential("KEY"+a.ID()), tx.DeleteToken("for ever"), tx.DeleteCertificate("abc"+a.ID()))
	})
	_, _, c := s.Credential("KEY" + a.ID())
	_, _, tok := s.Token("beef" + a.ID())
	_, _, crt := s.Certificate("abc" + a.ID())
	_, _, other := s.Token("f00d" + a.ID())
	if c || tok || crt || !other {
		t.Errorf("after deletion: %v %v %v, the one that stays %v", c, tok, crt, other)
	}
}

func TestQuotas(t *testing.T) {
	s := openNew(t)
	a, b := tenantOf(t, s, "a"), tenantOf(t, s, "b")
	before := s.View(a)
	update(t, s, a, func(tx *Tx) error { return errors.Join(tx.PutQuota("containers", 5), tx.PutQuota("fips", -1)) })
	update(t, s, a, func(tx *Tx) error { return tx.PutQuota("containers", 7) })
	if v := s.View(a); v.Quota("containers") != 7 || v.Quota("fips") != -1 || v.Quota("volumes") != 0 || s.View(b).Quota("containers") != 0 {
		t.Errorf("quotas are %v and %v", v.quotas, s.View(b).quotas)
	}
	if before.Quota("containers") != 0 {
		t.Error("an old view has changed")
	}
	update(t, s, a, func(tx *Tx) error { return tx.PutQuota("fips", 0) })
	_ = s.Close()
	if v := open(t, s.path).View(a); !reflect.DeepEqual(v.quotas, map[string]int64{"containers": 7}) {
		t.Errorf("on disk they are %v", v.quotas)
	}
}

func TestAccountWithContent(t *testing.T) {
	s := openNew(t)
	boom := errors.New("boom")
	if _, err := s.CreateAccount(t.Context(), "a", func(tx *Tx) error { return errors.Join(tx.PutQuota("fips", 1), boom) }); !errors.Is(err, boom) {
		t.Fatalf("error is %v", err)
	}
	if _, ok := s.Account("a"); ok {
		t.Fatal("the account is there without its content")
	}
	acc, err := s.CreateAccount(t.Context(), "a", func(tx *Tx) error {
		return errors.Join(tx.PutQuota("fips", 1), tx.PutCredential(Credential{Access: "K", Sealed: []byte{1}, CreatedAt: time.Now()}))
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if owner, _, ok := s.Credential("K"); !ok || owner != acc.Ref || s.View(acc.Ref).Quota("fips") != 1 {
			t.Error("the account is there without its content")
		}
		_ = s.Close()
		s = open(t, s.path)
	}
}

func TestAccountState(t *testing.T) {
	s := openNew(t)
	a := tenantOf(t, s, "a")
	everything(t, s, a)
	before := picture(s.View(a))
	if err := s.SetAccountState(t.Context(), a, Disabled); err != nil {
		t.Fatal(err)
	}
	update(t, s, a, func(tx *Tx) error { return tx.PutQuota("services", 5) })
	update(t, s, a, func(tx *Tx) error { return tx.PutQuota("services", 0) })
	for range 2 {
		one, _ := s.Account("a")
		same, _ := s.AccountOf(a)
		if one.State != Disabled || same != one || len(s.Accounts()) != 1 || s.Accounts()[0] != one {
			t.Errorf("account is %+v, %+v, %v", one, same, s.Accounts())
		}
		if !reflect.DeepEqual(picture(s.View(a)), before) {
			t.Error("its view has changed")
		}
		_ = s.Close()
		s = open(t, s.path)
	}
}

func TestDeleteAccount(t *testing.T) {
	s := openNew(t)
	a, b := tenantOf(t, s, "a"), tenantOf(t, s, "b")
	everything(t, s, a)
	if err := s.DeleteAccount(t.Context(), a); !errdefs.IsConflict(err) {
		t.Fatalf("an account that has something: %v", err)
	}
	update(t, s, a, func(tx *Tx) error {
		var errs []error
		for _, c := range tx.Containers() {
			errs = append(errs, tx.DeleteContainer(c.ID))
		}
		for _, n := range tx.Networks() {
			errs = append(errs, tx.DeleteNetwork(n.ID))
		}
		for _, s := range tx.Snapshots() {
			errs = append(errs, tx.DeleteSnapshot(s.ID))
		}
		for _, v := range tx.Volumes() {
			errs = append(errs, tx.DeleteVolume(v.ID))
		}
		for _, i := range tx.Images() {
			errs = append(errs, tx.DeleteImage(i.ID))
		}
		for _, g := range tx.SecurityGroups() {
			errs = append(errs, tx.DeleteSecurityGroup(g.Name))
		}
		for _, f := range tx.FloatingIPs() {
			errs = append(errs, tx.DeleteFloatingIP(f.Address))
		}
		return errors.Join(errs...)
	})
	if err := s.DeleteAccount(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, byName := s.Account("a")
		_, byRef := s.AccountOf(a)
		_, _, entered := s.Credential("KEY" + a.ID())
		if byName || byRef || entered || len(s.Accounts()) != 1 || s.Accounts()[0].Ref != b {
			t.Errorf("left: %v %v %v %v", byName, byRef, entered, s.Accounts())
		}
		if err := s.Update(context.Background(), a, func(*Tx) error { return nil }); !errdefs.IsNotFound(err) {
			t.Errorf("it is written to: %v", err)
		}
		if err := s.DeleteAccount(t.Context(), a); !errdefs.IsNotFound(err) {
			t.Errorf("deleted again: %v", err)
		}
		_ = s.Close()
		s = open(t, s.path)
	}
	// The name is free at once, the slot when the machine is known to be clear of its ids.
	if ref := tenantOf(t, s, "a"); ref.Slot() != 2 || ref.ID() == a.ID() {
		t.Errorf("the next account is %s in slot %d", ref, ref.Slot())
	}
	if err := s.FreeSlots(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ref := tenantOf(t, s, "c"); ref.Slot() != a.Slot() {
		t.Errorf("after FreeSlots the next account is in slot %d", ref.Slot())
	}
	_ = s.Close()
	if s = open(t, s.path); tenantOf(t, s, "d").Slot() != 3 {
		t.Error("on disk a slot is taken twice or still retired")
	}
}

// A database of the first release opens, and all of its accounts are served.
func TestAccessIsMigratedTo(t *testing.T) {
	path := oldDatabase(t, 1, "INSERT INTO accounts (id, slot, name, created_at) VALUES ('0123456789abcdef0123456789abcdef', 0, 'default', '2026-01-01T00:00:00Z')")
	s := open(t, path)
	acc, ok := s.Account("default")
	if !ok || acc.State != Enabled {
		t.Errorf("account is %+v, %v", acc, ok)
	}
	everything(t, s, acc.Ref)
}
