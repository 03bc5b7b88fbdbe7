package store

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/metering"
)

// fakeClock is a machine's clock and its count since boot, which the test turns.
type fakeClock struct {
	wall time.Time
	boot time.Duration
	id   string
}

func newFakeClock() *fakeClock {
	return &fakeClock{wall: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), boot: time.Hour, id: "first"}
}

func (c *fakeClock) clock() Clock {
	return Clock{
		Wall: func() time.Time { return c.wall },
		Boot: func() time.Duration { return c.boot },
		ID:   func() (string, error) { return c.id, nil },
	}
}

func (c *fakeClock) pass(d time.Duration) { c.wall, c.boot = c.wall.Add(d), c.boot+d }

// reboot is a time without a count.
func (c *fakeClock) reboot(off time.Duration) {
	c.wall, c.boot, c.id = c.wall.Add(off), time.Second, c.id+"'"
}

type metered struct {
	*Store
	t     *testing.T
	clock *fakeClock
	path  string
	a     account.Ref
}

func newMetered(t *testing.T) *metered {
	m := &metered{t: t, clock: newFakeClock(), path: filepath.Join(t.TempDir(), "hyper.db")}
	m.reopen()
	m.a = tenantOf(t, m.Store, "ann")
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func (m *metered) reopen() {
	m.t.Helper()
	if m.Store != nil {
		if err := m.Close(); err != nil {
			m.t.Fatal(err)
		}
	}
	s, err := OpenAt(m.path, m.clock.clock())
	if err != nil {
		m.t.Fatal(err)
	}
	m.Store = s
}

// crash is the end of a hyperd that notes nothing any more.
func (m *metered) crash() {
	m.t.Helper()
	var boot, shift, reached any
	row := m.conn.QueryRowContext(context.Background(), "SELECT boot, shift, reached FROM clock")
	if err := row.Scan(&boot, &shift, &reached); err != nil {
		m.t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		m.t.Fatal(err)
	}
	execute(m.t, m.path, fmt.Sprintf("UPDATE clock SET reached = %v", reached))
}

func (m *metered) update(fn func(tx *Tx) error) {
	m.t.Helper()
	update(m.t, m.Store, m.a, fn)
}

func (m *metered) set(n int, status Status, hints ...func(*Tx)) {
	m.t.Helper()
	m.update(func(tx *Tx) error {
		c := aContainer(n)
		if old, ok := tx.Container(c.ID); ok {
			c = *old
		}
		if status == StatusRunning && !c.State.Status.Live() {
			c.State.StartedAt = m.clock.wall
		}
		c.Phase, c.State.Status, c.Spec.Size = Ready, status, "s4"
		for _, h := range hints {
			h(tx)
		}
		return tx.PutContainer(c)
	})
}

// lines says the ledger in words, for comparing: times in seconds since the test's beginning.
func (m *metered) lines() string {
	m.t.Helper()
	var b strings.Builder
	begin := newFakeClock().wall
	v := m.View(m.a)
	list, err := m.Ledger(context.Background(), v, time.Time{}, begin.AddDate(100, 0, 0))
	if err != nil {
		m.t.Fatal(err)
	}
	for i, e := range append(list, v.Meters(m.Now())...) {
		if i < len(list) && e.Seq != int64(i+1) {
			m.t.Errorf("entry %d has place %d", i+1, e.Seq)
		}
		open := ""
		if e.Seq == 0 {
			open = " open"
		}
		fmt.Fprintf(&b, "%s %s%s x%d %v-%v least %v%s\n", e.Kind, e.Name, e.Class, e.Quantity, e.Start.Sub(begin).Seconds(), e.End.Sub(begin).Seconds(), e.Least.Seconds(), open)
	}
	return b.String()
}

func (m *metered) want(want string) {
	m.t.Helper()
	want = strings.ReplaceAll(strings.TrimLeft(want, "\n"), "\t", "")
	if got := m.lines(); got != want {
		m.t.Errorf("the ledger is\n%swant\n%s", got, want)
	}
}

func TestMetersFollowRows(t *testing.T) {
	m := newMetered(t)
	c, vol, snap, img := aContainer(1), aVolume(2), aSnapshot(2), anImage(3)
	c.Phase = Creating
	vol.SizeGB, snap.SizeGB, img.Size = 10, 10, 1_500_000_000
	vol.Phase = Creating
	addr := netip.MustParseAddr("198.18.0.7")
	m.update(func(tx *Tx) error {
		if err := tx.PutContainer(c); err != nil {
			return err
		}
		return tx.PutVolume(vol)
	})
	m.want("") // what is being made costs nothing
	m.clock.pass(time.Second)
	vol.Phase, snap.Volume, snap.Phase = Ready, vol.ID, Ready
	m.update(func(tx *Tx) error {
		for _, err := range []error{tx.PutVolume(vol), tx.PutSnapshot(snap), tx.PutImage(img),
			tx.PutTag(Tag{Repository: "docker.io/library/busybox", Tag: "1", Digest: "d", ImageID: img.ID}), tx.PutFloatingIP(FloatingIP{Address: addr})} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	m.set(1, StatusCreated)
	m.clock.pass(time.Second)
	m.set(1, StatusStarting)
	m.set(1, StatusRunning)
	m.want(fmt.Sprintf(`
		container %[1]ss4 x1 2-2 least 10 open
		fip  x1 1-2 least 0 open
		image busybox:1 x2 1-2 least 10 open
		rootfs %[1]s x10 1-2 least 10 open
		snapshot %[2]s x10 1-2 least 10 open
		volume %[3]s x10 1-2 least 10 open
	`, c.Name, snap.Name, vol.Name))
	m.clock.pass(3 * time.Second)
	m.reopen() // hyperd's absence is nothing
	m.clock.pass(time.Second)
	vol.SizeGB = 20
	m.update(func(tx *Tx) error { return tx.PutVolume(vol) })
	m.clock.pass(6 * time.Second)
	m.set(1, StatusPaused) // its memory is held
	m.set(1, StatusExited, func(tx *Tx) { tx.Ended(c.ID, m.Now().Add(-time.Second)) })
	m.update(func(tx *Tx) error { return tx.PutFloatingIP(FloatingIP{Address: addr, Name: "web"}) })
	m.clock.pass(time.Second)
	m.update(func(tx *Tx) error {
		gone, _ := tx.Container(c.ID)
		c := *gone
		c.Phase = Removing
		return tx.PutContainer(c)
	})
	m.update(func(tx *Tx) error {
		for _, err := range []error{tx.DeleteContainer(c.ID), tx.DeleteSnapshot(snap.ID), tx.DeleteImage(img.ID), tx.DeleteFloatingIP(addr), tx.DeleteVolume(vol.ID)} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	m.want(fmt.Sprintf(`
		volume %[3]s x10 1-6 least 5
		container %[1]ss4 x1 2-11 least 10
		rootfs %[1]s x10 1-13 least 10
		fip web x1 1-13 least 0
		image busybox:1 x2 1-13 least 10
		snapshot %[2]s x10 1-13 least 10
		volume %[3]s x20 6-13 least 5
	`, c.Name, snap.Name, vol.Name))
}

// A run of a container that hyperd never saw running, and one whose beginning it learnt of late.
func TestMeterOfWhatWasNotSeen(t *testing.T) {
	m := newMetered(t)
	m.set(1, StatusStarting)
	began := m.Now()
	id := aContainer(1).ID
	m.clock.pass(5 * time.Second)
	m.reopen()
	m.clock.pass(time.Minute)
	m.set(1, StatusExited, func(tx *Tx) { tx.Began(id, began); tx.Ended(id, began.Add(4*time.Second)) })
	m.set(1, StatusStarting)
	m.clock.pass(5 * time.Second)
	m.set(1, StatusRunning, func(tx *Tx) { tx.Began(id, m.Now().Add(-2*time.Second)) })
	m.clock.pass(time.Second)
	m.update(func(tx *Tx) error { // a new run without an end of the one before
		c, _ := tx.Container(id)
		again := *c
		again.State.StartedAt = m.clock.wall
		return tx.PutContainer(again)
	})
	m.clock.pass(time.Second)
	m.set(1, StatusExited, func(tx *Tx) { tx.Ended(id, m.Now().Add(time.Hour)) }) // no end is later than now
	m.set(1, StatusRunning)
	m.clock.pass(time.Second)
	m.set(1, StatusExited, func(tx *Tx) { tx.Ended(id, began) }) // nor before the beginning
	m.update(func(tx *Tx) error { return tx.DeleteContainer(id) })
	name := aContainer(1).Name
	m.want(fmt.Sprintf(`
		container %[1]ss4 x1 0-4 least 10
		container %[1]ss4 x1 68-71 least 10
		container %[1]ss4 x1 71-72 least 10
		container %[1]ss4 x1 72-72 least 10
		rootfs %[1]s x10 0-73 least 10
	`, name))
}

func TestFailedUpdateMetersNothing(t *testing.T) {
	m := newMetered(t)
	m.set(1, StatusRunning)
	before := m.lines()
	err := m.Update(context.Background(), m.a, func(tx *Tx) error {
		c, _ := tx.Container(aContainer(1).ID)
		ended := *c
		ended.State.Status = StatusExited
		if err := tx.PutContainer(ended); err != nil {
			return err
		}
		return context.Canceled
	})
	if err == nil {
		t.Fatal("no error")
	}
	m.want(before)
	m.reopen()
	m.want(before)
}

func TestClockThatIsSet(t *testing.T) {
	m := newMetered(t)
	m.set(1, StatusRunning)
	name := aContainer(1).Name
	keep := func() {
		t.Helper()
		if err := m.KeepTime(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 { // for a moment another year
		m.clock.wall = m.clock.wall.AddDate(1, 0, 0)
		keep()
		m.clock.pass(time.Minute)
		keep()
		m.reopen()
		m.clock.wall = m.clock.wall.AddDate(-1, 0, 0)
		keep()
	}
	m.want(fmt.Sprintf("container %[1]ss4 x1 0-180 least 10 open\nrootfs %[1]s x10 0-180 least 10 open\n", name))
	m.clock.wall = m.clock.wall.Add(time.Hour)
	for range 11 {
		keep()
		m.clock.pass(time.Minute)
	}
	m.want(fmt.Sprintf(`
		container %[1]ss4 x1 0-780 least 10
		rootfs %[1]s x10 0-780 least 10
		container %[1]ss4 x1 4380-4440 least 0 open
		rootfs %[1]s x10 4380-4440 least 0 open
	`, name))
	m.clock.wall = m.clock.wall.Add(-time.Hour)
	for range 11 {
		keep()
		m.clock.pass(time.Minute)
	}
	m.reopen()
	m.want(fmt.Sprintf(`
		container %[1]ss4 x1 0-780 least 10
		rootfs %[1]s x10 0-780 least 10
		container %[1]ss4 x1 4380-5040 least 0
		rootfs %[1]s x10 4380-5040 least 0
		container %[1]ss4 x1 1440-1500 least 0 open
		rootfs %[1]s x10 1440-1500 least 0 open
	`, name))
}

// Nothing is charged while the machine is off, and whatever its clock shows when it comes back is believed after ten minutes only.
func TestMachineThatWasOff(t *testing.T) {
	for name, clock := range map[string]time.Duration{"right": 0, "a year ahead": 365 * 24 * time.Hour, "two days behind": -48 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			m := newMetered(t)
			m.set(1, StatusRunning)
			m.clock.pass(4 * time.Second)
			if err := m.KeepTime(context.Background()); err != nil {
				t.Fatal(err)
			}
			m.clock.pass(time.Second)
			vol := aVolume(2)
			vol.Phase, vol.SizeGB = Ready, 10
			m.update(func(tx *Tx) error { return tx.PutVolume(vol) }) // which notes the time as well
			m.clock.pass(time.Second)
			m.crash()
			m.clock.reboot(time.Hour + clock)
			m.reopen()
			if !m.Seen().Equal(newFakeClock().wall.Add(5*time.Second)) || m.Seen() != m.Now() {
				t.Errorf("seen is %v at %v", m.Seen(), m.Now())
			}
			m.set(1, StatusExited, func(tx *Tx) { tx.Ended(aContainer(1).ID, m.Seen()) })
			m.clock.pass(time.Second)
			name := aContainer(1).Name
			m.want(fmt.Sprintf(`
				container %[1]ss4 x1 0-5 least 10
				rootfs %[1]s x10 0-6 least 10 open
				volume %[2]s x10 5-6 least 10 open
			`, name, vol.Name))
			if clock == 0 {
				for range 12 {
					m.clock.pass(time.Minute)
					if err := m.KeepTime(context.Background()); err != nil {
						t.Fatal(err)
					}
				}
				if now := m.Now(); now.Sub(m.clock.wall).Abs() > time.Second {
					t.Errorf("the ledger's time is %v at %v", now, m.clock.wall)
				}
			}
		})
	}
}

func TestLedgerIsNotChanged(t *testing.T) {
	m := newMetered(t)
	m.set(1, StatusRunning)
	m.clock.pass(time.Minute)
	m.set(1, StatusExited)
	if err := m.NotePrices(t.Context(), Prices{From: "2026-11-01", Text: "{}"}); err != nil {
		t.Fatal(err)
	}
	if err := m.NotePrices(t.Context(), Prices{From: "2026-12-01", Text: "{}"}, Prices{From: "2026-11-01", Text: "other"}); err == nil {
		t.Error("a version was noted twice")
	}
	if list, err := m.Prices(t.Context()); err != nil || len(list) != 1 || list[0].Text != "{}" {
		t.Errorf("prices are %v, %v", list, err)
	}
	_ = m.Close()
	db, err := sql.Open("sqlite", m.path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		"UPDATE ledger SET ended = ended - 1", "DELETE FROM ledger", "UPDATE prices SET text = 'x'", "DELETE FROM prices",
		"INSERT INTO ledger SELECT account, seq, kind, resource, name, class, quantity, started, ended, least, amount, note FROM ledger",
		"INSERT INTO ledger SELECT account, seq + 1, kind, resource, name, class, quantity, started, started - 1, least, amount, note FROM ledger",
	} {
		if _, err := db.Exec(statement); err == nil {
			t.Errorf("%s: done", statement)
		}
	}
}

func TestLedgerOfAFormerAccount(t *testing.T) {
	m := newMetered(t)
	m.set(1, StatusCreated)
	m.clock.pass(time.Minute)
	m.update(func(tx *Tx) error { return tx.DeleteContainer(aContainer(1).ID) })
	m.update(func(tx *Tx) error { return tx.PutBudget(ByAccount, Budget{Amount: "5"}) })
	m.update(func(tx *Tx) error {
		e, err := tx.Correct("-1.50", "an outage")
		if e.Seq != 2 {
			t.Errorf("the correction is %+v", e)
		}
		return err
	})
	m.reopen()
	if b, ok := m.View(m.a).Budget(ByAccount); !ok || b.Amount != "5" {
		t.Errorf("the budget is %v, %v", b, ok)
	}
	if err := m.DeleteAccount(t.Context(), m.a); err != nil {
		t.Fatal(err)
	}
	m.reopen()
	list, err := m.FormerAccounts(t.Context())
	if err != nil || len(list) != 1 || list[0].Name != "ann" || list[0].ID != m.a.ID() || list[0].RemovedAt != m.Now() {
		t.Fatalf("former accounts are %v, %v", list, err)
	}
	v, err := m.FormerView(t.Context(), list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := m.LedgerAfter(t.Context(), v, 0)
	if err != nil || len(entries) != 2 || entries[0].Kind != metering.RootFS || entries[1].Amount != "-1.50" || entries[1].Note != "an outage" {
		t.Errorf("entries are %v, %v", entries, err)
	}
	if _, err := m.FormerView(t.Context(), "nobody"); err == nil {
		t.Error("nobody has a view")
	}
}

// What is in a database from before there were meters is charged from its first opening on.
func TestMetersOfAnOldDatabase(t *testing.T) {
	m := newMetered(t)
	m.set(1, StatusRunning)
	_ = m.Close()
	execute(t, m.path, "DELETE FROM meters")
	m.clock.pass(time.Hour)
	m.reopen()
	name := aContainer(1).Name
	m.want(fmt.Sprintf("container %[1]ss4 x1 3600-3600 least 10 open\nrootfs %[1]s x10 3600-3600 least 10 open\n", name))
}

func TestLedgerOfATime(t *testing.T) {
	m := newMetered(t)
	begin := m.Now()
	for range 3 { // runs at 0-4, 100-104, 200-204
		m.set(1, StatusRunning)
		m.clock.pass(4 * time.Second)
		m.set(1, StatusExited)
		m.clock.pass(96 * time.Second)
	}
	for name, tc := range map[string]struct{ since, until, want int }{
		"all":                           {0, 1000, 3},
		"from within the first":         {3, 1000, 3},
		"from what is charged at least": {9, 1000, 3},
		"after it":                      {10, 1000, 2},
		"up to the second":              {0, 100, 1},
		"into the second":               {0, 101, 2},
		"between":                       {11, 99, 0},
	} {
		list, err := m.Ledger(t.Context(), m.View(m.a), begin.Add(time.Duration(tc.since)*time.Second), begin.Add(time.Duration(tc.until)*time.Second))
		if err != nil || len(list) != tc.want {
			t.Errorf("%s: %d entries, %v", name, len(list), err)
		}
	}
	old := m.View(m.a)
	m.set(1, StatusRunning)
	m.clock.pass(time.Second)
	m.set(1, StatusExited)
	if list, err := m.LedgerAfter(t.Context(), old, 1); err != nil || len(list) != 2 {
		t.Errorf("an older view sees %d entries after the first, %v", len(list), err)
	}
	if list, err := m.LedgerAfter(t.Context(), m.View(m.a), 1); err != nil || len(list) != 3 {
		t.Errorf("the newest view sees %d entries after the first, %v", len(list), err)
	}
}

// A random life of containers and volumes, with reboots, absences and clocks that are set, is charged what a count beside it says.
func TestRandomLife(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { randomLife(t, rand.New(rand.NewPCG(seed, 7))) })
	}
}

func randomLife(t *testing.T, r *rand.Rand) {
	m := newMetered(t)
	charged := map[string]time.Duration{} // by what: GB or containers times time
	running := map[int]time.Duration{}    // containers, and for how long
	volumes := map[int]time.Duration{}    // likewise
	sizes := map[int]int{}
	pass := func(d time.Duration) {
		m.clock.pass(d)
		for n := range running {
			running[n] += d
		}
		for n := range volumes {
			volumes[n] += d
			charged[fmt.Sprint("volume", n)] += d * time.Duration(sizes[n])
		}
	}
	end := func(n int) {
		charged[fmt.Sprint("container", n)] += max(running[n], metering.Least)
		delete(running, n)
	}
	remove := func(n int) {
		if short := metering.Least - volumes[n]; short > 0 {
			charged[fmt.Sprint("volume", n)] += short * time.Duration(sizes[n])
		}
		delete(volumes, n)
	}
	put := func(n int) {
		vol := aVolume(n)
		vol.Phase, vol.SizeGB = Ready, sizes[n]
		m.update(func(tx *Tx) error { return tx.PutVolume(vol) })
	}
	for range 150 {
		pass(time.Duration(r.IntN(8000)) * time.Millisecond)
		n := 1 + r.IntN(3)
		switch r.IntN(9) {
		case 0, 1, 2:
			if _, up := running[n]; up {
				m.set(n, StatusExited)
				end(n)
			} else {
				m.set(n, StatusRunning)
				running[n] = 0
			}
		case 3:
			if _, there := volumes[n]; there {
				m.update(func(tx *Tx) error { return tx.DeleteVolume(aVolume(n).ID) })
				remove(n)
			} else {
				sizes[n], volumes[n] = 10, 0
				put(n)
			}
		case 4:
			if _, there := volumes[n]; there && volumes[n] >= metering.Least {
				sizes[n] = 10 + r.IntN(40)
				put(n)
			}
		case 5:
			m.reopen()
		case 6:
			m.clock.wall = m.clock.wall.Add(time.Duration(r.IntN(200000)-100000) * time.Second)
		case 7:
			for range 12 {
				if err := m.KeepTime(context.Background()); err != nil {
					t.Fatal(err)
				}
				pass(time.Minute)
			}
		case 8:
			if err := m.Close(); err != nil {
				t.Fatal(err)
			}
			m.clock.reboot(time.Duration(r.IntN(200000)-50000) * time.Second)
			m.reopen()
		}
	}
	for n := range running {
		m.set(n, StatusExited)
		end(n)
	}
	for n := range volumes {
		m.update(func(tx *Tx) error { return tx.DeleteVolume(aVolume(n).ID) })
		remove(n)
	}
	v := m.View(m.a)
	list, err := m.LedgerAfter(t.Context(), v, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]time.Duration{}
	for _, e := range list {
		if e.Kind != metering.Container && e.Kind != metering.Volume {
			continue
		}
		for n := range 4 {
			if e.Resource == aContainer(n).ID || e.Resource == aVolume(n).ID {
				got[fmt.Sprint(e.Kind, n)] += e.Until().Sub(e.Start) * time.Duration(e.Quantity)
			}
		}
	}
	for what, want := range charged {
		if got[what] != want {
			t.Errorf("%s: charged %v, want %v", what, got[what], want)
		}
	}
	if len(got) != len(charged) {
		t.Errorf("charged for %v, want %v", got, charged)
	}
}
