package life

import (
	"fmt"
	"math/big"
	"slices"
	"time"
)

// The model knows the prices, what the machine ran, what the accounts' lists showed, and the machine's clocks. It knows nothing of how use is noted.

// Prices of the behaviour's tables 2.1 and 15.1.
var (
	perSecond = map[string]string{
		"s1": "0.0000004", "s2": "0.0000006", "s3": "0.000001", "s4": "0.000002", "m1": "0.000004",
		"m2": "0.000008", "m3": "0.000015", "l1": "0.00003", "l2": "0.00006", "l3": "0.00012",
	}
	per30Days = map[string]string{"image": "0.1", "rootfs": "0.1", "volume": "0.1", "snapshot": "0.05"} // for a GB
	perMonth  = "1"                                                                                     // for an address
)

// sizes are told by what the machine gives: whole CPUs and MiB of memory.
var sizes = map[[2]int64]string{
	{1, 64}: "s1", {1, 128}: "s2", {1, 256}: "s3", {1, 512}: "s4", {1, 1024}: "m1", {2, 2048}: "m2", {2, 4096}: "m3", {4, 4096}: "l1", {4, 8192}: "l2", {8, 16384}: "l3",
}

// atLeast is charged for each run and each thing that is stored, in milliseconds.
const atLeast = 10_000

// span is a time in milliseconds of the ledger, and how many GB there were in it, or 1.
type span struct{ from, to, gb int64 }

// thing is a run of a process, or something that was there for a while.
type thing struct {
	account, kind, id string
	class             string // of a container
	pid               int    // of a run
	spans             []span // that are over
	from, gb          int64  // of the one that is not
	open              bool
	free              bool     // nothing is charged for it
	amount            *big.Rat // of a correction
}

// charged are the spans that are charged, when it is now.
func (t *thing) charged(now int64) []span {
	out := slices.Clone(t.spans)
	if t.open {
		out = append(out, span{t.from, max(now, t.from), t.gb})
	}
	if t.free || len(out) == 0 {
		return nil
	}
	if t.kind == "fip" || t.kind == "correction" {
		return out
	}
	total := int64(0)
	for _, s := range out {
		total += s.to - s.from
	}
	out[len(out)-1].to += max(0, atLeast-total)
	return out
}

func (t *thing) close(at int64) {
	t.spans = append(t.spans, span{t.from, max(at, t.from), t.gb})
	t.open = false
}

// reopen takes back that it is over.
func (t *thing) reopen() {
	if !t.open {
		last := t.spans[len(t.spans)-1]
		t.spans, t.from, t.open = t.spans[:len(t.spans)-1], last.from, true
	}
}

// model is what is to be charged, and the ledger's time.
type model struct {
	things []*thing
	open   map[[3]string]*thing // what is stored or held, by account, kind and id
	runs   map[int]*thing       // by pid

	shift  int64 // from milliseconds since boot to the ledger's time
	noted  int64 // how far the ledger's time has come, by the last note of it
	astray int64 // by how much the machine's clock differs, as was noticed first; 0: it does not
	since  int64 // boot, when that was noticed
}

func newModel() *model { return &model{open: map[[3]string]*thing{}, runs: map[int]*thing{}} }

// at is the ledger's time at so many nanoseconds since boot: it goes by whole milliseconds.
func (m *model) at(boot int64) int64 { return boot/1e6 + m.shift }

// step moves the ledger's time. What is open is charged up to from, and again from to on: as long as it was, whatever the clock shows.
func (m *model) step(from, to int64) {
	for _, t := range m.things {
		if t.open {
			t.spans = append(t.spans, span{t.from, max(from, t.from), t.gb})
			t.from = to
		}
	}
	m.noted = to
}

// keep is what the daemon does once a minute: the ledger's time is noted; and when the machine's clock has been wrong by the same, give or take a second, for
// ten minutes, it is not wrong and the ledger is.
func (m *model) keep(boot, wall int64) {
	now := m.at(boot)
	m.noted = now
	d := wall/1e6 - now
	switch {
	case max(d, -d) <= 1000:
		m.astray = 0
	case m.astray == 0 || max(d-m.astray, m.astray-d) > 1000:
		m.astray, m.since = d, boot
	case boot-m.since >= int64(10*time.Minute):
		m.astray = 0
		m.shift += d
		m.step(now, now+d)
	}
}

// kept is the time that keep notes.
func (m *model) kept(boot, wall int64) int64 {
	now := m.at(boot)
	if d := wall/1e6 - now; m.astray != 0 && max(d, -d) > 1000 && max(d-m.astray, m.astray-d) <= 1000 && boot-m.since >= int64(10*time.Minute) {
		return now + d
	}
	return now
}

// rebooted is what the daemon does when the machine has a new boot: what nobody has counted is charged to nobody, so time goes on from the last note of it.
func (m *model) rebooted(boot int64) {
	m.shift = m.noted - boot/1e6
	m.step(m.noted, m.noted)
}

// see takes note of what an account has at a moment: a thing begins when it is first seen, and ends when it is not. It tells of a change, if there is one.
func (m *model) see(account string, s state, at int64) (change string) {
	seen := map[[3]string]int64{}
	for _, c := range s.Containers {
		if c.Ready {
			seen[[3]string{account, "rootfs", c.ID}] = 10
		}
	}
	for _, v := range s.Volumes {
		if v.Ready {
			seen[[3]string{account, "volume", v.ID}] = v.GB
		}
	}
	for _, v := range s.Snapshots {
		if v.Ready {
			seen[[3]string{account, "snapshot", v.ID}] = v.GB
		}
	}
	for _, i := range s.Images {
		seen[[3]string{account, "image", i.ID}] = max(1, (i.Bytes+999_999_999)/1_000_000_000)
	}
	for _, f := range s.FIPs {
		seen[[3]string{account, "fip", f.ID}] = 1
	}
	for key, t := range m.open {
		if _, there := seen[key]; key[0] == account && !there {
			t.close(at)
			delete(m.open, key)
			change = fmt.Sprintf("%v is gone", key)
		}
	}
	for key, gb := range seen {
		t := m.open[key]
		if t == nil {
			t = &thing{account: key[0], kind: key[1], id: key[2], from: at, gb: gb, open: true}
			m.open[key] = t
			m.things = append(m.things, t)
			change = fmt.Sprintf("%v is there", key)
		}
		if t.gb != gb {
			t.spans = append(t.spans, span{t.from, at, t.gb})
			t.from, t.gb = at, gb
			change = fmt.Sprintf("%v has %d GB", key, gb)
		}
	}
	return change
}

// ran takes note of a process, by what the machine says of it.
func (m *model) ran(account, id string, pid int, size [2]int64, started, ended int64) {
	t := m.runs[pid]
	if t == nil {
		t = &thing{account: account, kind: "container", id: id, class: sizes[size], pid: pid, from: m.at(started), gb: 1, open: true}
		m.runs[pid] = t
		m.things = append(m.things, t)
	}
	if t.open && ended > 0 {
		t.close(m.at(ended))
	}
}

// correct takes note of a correction.
func (m *model) correct(account, amount string, at int64) {
	m.things = append(m.things, &thing{account: account, kind: "correction", spans: []span{{from: at}}, amount: rat(amount)})
}

// modelBill is a bill by the model. Quantities are in milliseconds, or GB of them, or months.
type modelBill struct {
	total     *big.Rat
	kinds     map[[2]string]*modelLine // by kind and class, without corrections
	resources map[[3]string]*modelLine // by kind, class and id
}

type modelLine struct{ quantity, amount *big.Rat }

func (l *modelLine) String() string {
	return fmt.Sprintf("%s for %s", l.quantity.RatString(), l.amount.RatString())
}

func rat(text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic(text)
	}
	return r
}

// bill is what an account owes for a calendar month, when it is now. Usage is what of that was for the time up to now.
func (m *model) bill(account, month string, now int64) modelBill {
	since, until := limits(month)
	return m.sum(account, since, until, now)
}

func (m *model) usage(account, month string, now int64) modelBill {
	since, until := limits(month)
	if until >= now {
		until = now + atLeast // what is charged at least is owed from the start on
	}
	return m.sum(account, since, until, now)
}

func limits(month string) (since, until int64) {
	first, err := time.Parse("2006-01", month)
	if err != nil {
		panic(err)
	}
	return first.UnixMilli(), first.AddDate(0, 1, 0).UnixMilli()
}

func (m *model) sum(account string, since, until, now int64) modelBill {
	b := modelBill{new(big.Rat), map[[2]string]*modelLine{}, map[[3]string]*modelLine{}}
	held := map[string]bool{}
	for _, t := range m.things {
		if t.account != account {
			continue
		}
		for _, s := range t.charged(now) {
			var quantity, price *big.Rat
			switch from, to := max(s.from, since), min(s.to, until); {
			case t.kind == "correction":
				if s.from < since || s.from >= until {
					continue
				}
				b.total.Add(b.total, t.amount)
				continue
			case t.kind == "fip":
				// It is held from its first moment on, whether it has lasted for a millisecond or not; and each address counts once in a month.
				if s.from >= until || max(s.to, s.from+1) <= since || held[t.id] {
					continue
				}
				held[t.id] = true
				quantity, price = rat("1"), rat(perMonth)
			case from >= to:
				continue
			case t.kind == "container":
				quantity, price = big.NewRat(to-from, 1000), rat(perSecond[t.class])
			default:
				quantity, price = big.NewRat((to-from)*s.gb, 1000), rat(per30Days[t.kind])
				price.Quo(price, rat("2592000"))
			}
			b.add(t, quantity, new(big.Rat).Mul(quantity, price))
		}
	}
	return b
}

func (b *modelBill) add(t *thing, quantity, amount *big.Rat) {
	kind, resource := [2]string{t.kind, t.class}, [3]string{t.kind, t.class, t.id}
	if b.kinds[kind] == nil {
		b.kinds[kind] = &modelLine{new(big.Rat), new(big.Rat)}
	}
	if b.resources[resource] == nil {
		b.resources[resource] = &modelLine{new(big.Rat), new(big.Rat)}
	}
	for _, l := range []*modelLine{b.kinds[kind], b.resources[resource]} {
		l.quantity.Add(l.quantity, quantity)
		l.amount.Add(l.amount, amount)
	}
	b.total.Add(b.total, amount)
}
