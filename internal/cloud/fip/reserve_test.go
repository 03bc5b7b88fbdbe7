package fip

import (
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/store"
)

// reserve is Reserve in a transaction of its own.
func (b *bench) reserve(asked, replaces string) (r store.FIPRequest, err error) {
	err = b.store.Update(b.Context(), b.a, func(tx *store.Tx) (err error) {
		r, err = b.fips.Reserve(tx, asked, "", replaces)
		return err
	})
	return r, err
}

// await makes a container of account a wait for what it is given.
func (b *bench) await(name string, r store.FIPRequest) {
	b.Helper()
	b.change(name, func(tx *store.Tx, c *store.Container) error { c.Spec.FIP = r; return nil })
}

// change writes a container of account a after fn.
func (b *bench) change(name string, fn func(*store.Tx, *store.Container) error) {
	b.Helper()
	err := b.store.Update(b.Context(), b.a, func(tx *store.Tx) error {
		c, _ := tx.Container(id(name))
		row := *c
		if err := fn(tx, &row); err != nil {
			return err
		}
		return tx.PutContainer(row)
	})
	if err != nil {
		b.Fatal(err)
	}
}

func TestReserve(t *testing.T) {
	for name, tc := range map[string]struct {
		asked, replaces string
		want            string // the address; with a + in front one that is new
		says            string
	}{
		"by address":                             {asked: "198.18.0.5", want: "198.18.0.5"},
		"one that another container waits for":   {asked: "198.18.0.3", says: "floating IP 198.18.0.3 is meant for container db"},
		"one that the replaced one waits for":    {asked: "198.18.0.3", replaces: "db", want: "198.18.0.3"},
		"by name":                                {asked: "shop", want: "198.18.0.4"},
		"one that another container has":         {asked: "198.18.0.2", says: "floating IP 198.18.0.2 is in use by container web: detach it first"},
		"one of the container that it replaces":  {asked: "198.18.0.2", replaces: "web", want: "198.18.0.2"},
		"one of another than it replaces":        {asked: "198.18.0.2", replaces: "db", says: "in use by container web"},
		"one that the account has not":           {asked: "198.18.0.77", says: "No such floating IP: 198.18.0.77"},
		"another account's":                      {asked: "198.18.0.6", says: "No such floating IP: 198.18.0.6"},
		"an unknown name":                        {asked: "none", says: "No such floating IP: none"},
		"nonsense":                               {asked: "a/b", says: `"a/b" is neither an IP address nor the name of a floating IP`},
		"any: the lowest that is nobody's":       {asked: "auto", want: "198.18.0.5"},
		"any: that of the one whose place it is": {asked: "auto", replaces: "web", want: "198.18.0.2"},
		"any, after one without":                 {asked: "auto", replaces: "old", want: "198.18.0.5"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "198.18.0.0/24")
			b.allocate(b.a, 4)
			b.allocate(b.b, 1)
			if err := b.fips.Attach(t.Context(), b.a, "198.18.0.2", "web"); err != nil {
				t.Fatal(err)
			}
			// .3 is what db waits for; .4 is named shop, which a project asks for.
			db, err := b.reserve("198.18.0.3", "")
			if err != nil {
				t.Fatal(err)
			}
			b.await("db", db)
			if err := b.fips.Name(t.Context(), b.a, "198.18.0.4", "shop"); err != nil {
				t.Fatal(err)
			}
			if err := b.store.Update(t.Context(), b.a, func(tx *store.Tx) error {
				return tx.PutProject(store.Project{Name: "p", Spec: store.ProjectSpec{Services: map[string]store.ProjectService{"s": {FIP: "shop"}}}})
			}); err != nil {
				t.Fatal(err)
			}
			replaces := tc.replaces
			if replaces != "" {
				replaces = id(replaces)
			}
			r, err := b.reserve(tc.asked, replaces)
			switch {
			case tc.says != "":
				if err == nil || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("error is %v", err)
				}
			case err != nil || r.Awaits.String() != tc.want || r.Fresh || r.Asked != tc.asked:
				t.Errorf("%+v, %v, want %s", r, err, tc.want)
			}
			if n := len(b.store.View(b.a).FloatingIPs()); n != 4 {
				t.Errorf("the account has %d addresses", n)
			}
		})
	}
}

func TestReserveAllocates(t *testing.T) {
	b := newBench(t, "198.18.0.0/24")
	b.limit(quota.FloatingIPs, 1)
	r, err := b.reserve("auto", "")
	if err != nil || r.Awaits.String() != "198.18.0.2" || !r.Fresh {
		t.Fatalf("%+v, %v", r, err)
	}
	b.await("web", r)
	if _, err := b.reserve("auto", ""); !errdefs.IsResourceExhausted(err) || !strings.HasPrefix(err.Error(), "Exceeded quota, please either release floating IPs") {
		t.Errorf("a second one: %v", err)
	}
	b.change("web", func(tx *store.Tx, c *store.Container) error { return Forgo(tx, c) })
	if n := len(b.store.View(b.a).FloatingIPs()); n != 0 {
		t.Errorf("after it was forgone the account has %d addresses", n)
	}
}

func TestForgoLeavesWhatWasThere(t *testing.T) {
	b := newBench(t, "198.18.0.0/24")
	b.allocate(b.a, 1)
	r, err := b.reserve("auto", "")
	if err != nil {
		t.Fatal(err)
	}
	b.await("web", r)
	b.change("web", func(tx *store.Tx, c *store.Container) error { return Forgo(tx, c) })
	if n := len(b.store.View(b.a).FloatingIPs()); n != 1 {
		t.Errorf("the account has %d addresses", n)
	}
}

func TestSettle(t *testing.T) {
	settle := func(b *bench) {
		b.Helper()
		b.change("old", func(tx *store.Tx, c *store.Container) error { _, err := b.fips.Settle(tx, c); return err })
	}
	t.Run("attaches, to a container that does not run", func(t *testing.T) {
		b := newBench(t, "198.18.0.0/24")
		r, err := b.reserve("auto", "")
		if err != nil {
			t.Fatal(err)
		}
		b.await("old", r)
		settle(b)
		if b.holder(b.a, "198.18.0.2") != id("old") {
			t.Error("it is not attached")
		}
		if c, _ := b.store.View(b.a).Container(id("old")); c.Spec.FIP != (store.FIPRequest{Asked: "auto"}) {
			t.Errorf("the container has %+v", c.Spec.FIP)
		}
	})
	t.Run("goes on waiting while another has it", func(t *testing.T) {
		b := newBench(t, "198.18.0.0/24")
		b.allocate(b.a, 1)
		if err := b.fips.Attach(t.Context(), b.a, "198.18.0.2", "web"); err != nil {
			t.Fatal(err)
		}
		r, err := b.reserve("auto", id("web"))
		if err != nil {
			t.Fatal(err)
		}
		b.await("old", r)
		settle(b)
		if c, _ := b.store.View(b.a).Container(id("old")); c.Spec.FIP != r || b.holder(b.a, "198.18.0.2") != id("web") {
			t.Errorf("the container has %+v", c.Spec.FIP)
		}
	})
}

func TestSettleAtStart(t *testing.T) {
	start := func(b *bench) (addr string, err error) {
		err = b.store.Update(b.Context(), b.a, func(tx *store.Tx) error {
			c, _ := tx.Container(id("old"))
			row := *c
			got, err := b.fips.SettleAtStart(tx, &row)
			if err != nil {
				return err
			}
			if got.IsValid() {
				addr = got.String()
			}
			return tx.PutContainer(row)
		})
		return addr, err
	}
	// waiting has the container old wait for what web has.
	waiting := func(t *testing.T, asked string) *bench {
		b := newBench(t, "198.18.0.0/24")
		b.allocate(b.a, 1)
		if err := b.fips.Attach(t.Context(), b.a, "198.18.0.2", "web"); err != nil {
			t.Fatal(err)
		}
		r, err := b.reserve(asked, id("web"))
		if err != nil {
			t.Fatal(err)
		}
		b.await("old", r)
		return b
	}
	t.Run("attaches what has become free, once", func(t *testing.T) {
		b := waiting(t, "198.18.0.2")
		if _, err := b.fips.Detach(t.Context(), b.a, "web"); err != nil {
			t.Fatal(err)
		}
		if got, err := start(b); err != nil || got != "198.18.0.2" {
			t.Errorf("%s, %v", got, err)
		}
		if _, err := b.fips.Detach(t.Context(), b.a, "old"); err != nil {
			t.Fatal(err)
		}
		if got, err := start(b); err != nil || got != "" {
			t.Errorf("again: %s, %v", got, err)
		}
	})
	t.Run("refuses one that another still has", func(t *testing.T) {
		b := waiting(t, "198.18.0.2")
		if _, err := start(b); !errdefs.IsConflict(err) || !strings.Contains(err.Error(), "in use by container web") {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("any: looks for another, or allocates", func(t *testing.T) {
		b := waiting(t, "auto")
		if got, err := start(b); err != nil || got != "198.18.0.3" {
			t.Errorf("%s, %v", got, err)
		}
	})
	t.Run("is content with one that was given by hand", func(t *testing.T) {
		b := waiting(t, "auto")
		b.allocate(b.a, 1)
		b.change("old", func(_ *store.Tx, c *store.Container) error { c.State.Status = store.StatusRunning; return nil })
		if err := b.fips.Attach(t.Context(), b.a, "198.18.0.3", "old"); err != nil {
			t.Fatal(err)
		}
		if got, err := start(b); err != nil || got != "" {
			t.Errorf("%s, %v", got, err)
		}
	})
}
