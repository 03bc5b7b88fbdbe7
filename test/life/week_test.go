package life

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/metering"
)

// asDaemon is the variable by which this binary knows that it is the daemon: it names its directory.
const asDaemon = "HYPER_LIFE_DAEMON"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asDaemon); dir != "" {
		os.Exit(serve(dir))
	}
	os.Exit(m.Run())
}

// monday is when the week begins. A day later it is another month.
var monday = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)

const week = 7 * 24 * time.Hour

// months are those that something may be billed in: clocks are wrong by less than that, where the ledger believes them.
var months = []string{"2026-11", "2026-12"}

// world is the week's state, as seen from outside.
type world struct {
	*testing.T
	chooser
	dir   string
	model *model

	now    time.Duration // since the week began
	upAt   time.Duration // when the machine was switched on; may be before the week
	boot   int           // which boot that was
	wrong  time.Duration // by how much the machine's clock is
	fresh  bool          // nothing was ever started
	daemon *process
	state  map[string]state
	ids    map[string]string // of accounts
	ledger map[string][]metering.Entry

	// Of the moment at which the daemon was killed.
	at       int64             // by the ledger's time
	seen     int64             // the last note of the time that the daemon has found
	keeping  *command          // what it was killed in, if that is to keep the time
	remains  map[string]int    // processes of which the daemon may not have known, when the machine went down; nil: it did not
	idle     bool              // it had nothing to do
	lost     map[string]*thing // processes that went down with the machine, by container, and whose ends are not recorded yet
	took     map[string]time.Duration
	counts   map[string]int
	refusals map[string]string
	past     []string // what happened
}

// note keeps what happens, for who has to find out why a bill is wrong.
func (w *world) note(format string, args ...any) {
	_, boot := w.clock()
	w.past = append(w.past, fmt.Sprintf("%v (ledger %s, clock %+v) ", w.now, stamp(w.model.at(boot)), w.wrong)+fmt.Sprintf(format, args...))
}

// tell logs what happened last.
func (w *world) tell() {
	if w.Failed() {
		w.Logf("what happened before that:\n%s", strings.Join(w.past[max(0, len(w.past)-80):], "\n"))
	}
}

func TestWeekOfThreeAccounts(t *testing.T) {
	kills := number(t, "HYPER_LIFE_KILLS", 200)
	if testing.Short() {
		kills = number(t, "HYPER_LIFE_KILLS", 20)
	}
	seed := number(t, "HYPER_LIFE_SEED", time.Now().UnixNano())
	t.Logf("HYPER_LIFE_SEED=%d HYPER_LIFE_KILLS=%d", seed, kills)
	w := &world{
		T: t, chooser: chooser{Rand: rand.New(rand.NewPCG(uint64(seed), 0))}, dir: t.TempDir(), model: newModel(), fresh: true, upAt: -73 * time.Minute, idle: true,
		state: map[string]state{}, ledger: map[string][]metering.Entry{}, took: map[string]time.Duration{}, counts: map[string]int{},
		refusals: map[string]string{}, lost: map[string]*thing{},
	}
	defer w.tell()
	defer func() {
		if w.daemon != nil {
			w.daemon.kill()
		}
	}()
	for killed := int64(0); killed < kills; {
		if w.life(week-w.now, int(kills-killed)) {
			killed++
		}
		if t.Failed() {
			return
		}
	}
	for !w.start("") {
		w.absence(w.now)
	}
	w.pass(week - w.now)
	w.order(command{Do: "keep"})
	w.compare(true)
	w.report()
	if kills >= 200 {
		w.eventful()
	}
}

// eventful fails if the week was not such that it proves something.
func (w *world) eventful() {
	done, refused, died := 0, 0, 0
	for k, n := range w.counts {
		switch {
		case strings.HasSuffix(k, "(done)"):
			done += n
		case strings.HasSuffix(k, "(refused)"):
			refused += n
		case strings.HasPrefix(k, "killed at "):
			died++
		}
	}
	if done < 500 || refused > done/5 || died < 8 {
		w.Errorf("%d things were done and %d refused, and the daemon died at %d of its failpoints: that is not the week that was meant", done, refused, died)
	}
	for _, k := range []string{
		"killed while it did something", "killed while it started", "killed while it had nothing to do", "the clock set", "the machine went down",
		"processes that ended while there was no daemon",
	} {
		if w.counts[k] == 0 {
			w.Errorf("%s: never", k)
		}
	}
	var undone []string
	for what := range weights["alice"] {
		if w.counts[what+" (done)"] == 0 {
			undone = append(undone, what)
		}
	}
	if len(undone) > 3 { // what is seldom may be missing
		w.Errorf("%v was never done", undone)
	}
}

// number is what a variable says, or another if it is not set.
func number(t *testing.T, name string, otherwise int64) int64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("%s=%s is not a number", name, text)
	}
	return n
}

// pass lets time go by.
func (w *world) pass(d time.Duration) { w.now += max(0, d) }

// some is a time that passes: often short, seldom long.
func (w *world) some(mean, left time.Duration) time.Duration {
	d := time.Duration(w.ExpFloat64() * float64(mean))
	switch w.IntN(8) {
	case 0:
		d = 0
	case 1, 2:
		d = time.Duration(w.Int64N(int64(15 * time.Second)))
	}
	return min(d, left)
}

func (w *world) clock() (wall, boot int64) {
	return monday.Add(w.now + w.wrong).UnixNano(), int64(w.now - w.upAt)
}

// life is one of the daemon's, and the time until the next one. It reports whether that ended by a kill. There are so many kills to come in what is left
// of the week.
func (w *world) life(left time.Duration, kills int) (killed bool) {
	end := w.now + min(left, time.Duration((0.5+w.Float64())*float64(left)/float64(kills)))
	point := ""
	if w.IntN(3) == 0 {
		point = pick(&w.chooser, points)
	}
	armed := point
	if armed != "" && w.IntN(3) == 0 {
		armed += "=2"
	}
	if !w.start(armed) {
		return w.absence(end)
	}
	mean := (end - w.now) / 5
	if w.IntN(6) == 0 && !w.setClock(end) {
		return w.absence(end)
	}
	for batch := 1 + w.IntN(5); ; batch-- {
		w.pass(w.some(mean, end-w.now))
		c := command{Do: "work"}
		for range 1 + w.IntN(3) {
			who := pick(&w.chooser, []string{"alice", "alice", "alice", "bob", "bob", "carol"})
			o := w.choose(who, w.state[who], point)
			// An image that goes and comes at the same moment is another one, which nobody can see.
			if !slices.ContainsFunc(c.Work, func(p op) bool { return p.Account == who && p.Do == "rmi" && o.Do == "pull" }) {
				c.Work = append(c.Work, o)
			}
		}
		if batch == 0 {
			break
		}
		if point == "" && w.IntN(12) == 0 { // whether it was made cannot be seen if the daemon is killed in it
			c.Work = append(c.Work, op{Account: pick(&w.chooser, names), Do: "correct", Amount: pick(&w.chooser, []string{"-1.50", "0.25", "-0.000000000001"})})
		}
		if w.IntN(4) == 0 && !w.order(command{Do: "keep"}) || !w.order(c) {
			return w.absence(end)
		}
		if batch > 1 || w.IntN(2) == 0 {
			continue
		}
		// The last one it may not live through.
		c = command{Do: "work", Work: []op{w.choose("alice", w.state["alice"], ""), w.choose("bob", w.state["bob"], "")}}
		if w.IntN(10) == 0 {
			c = command{Do: "keep"}
		}
		w.pass(w.some(mean, end-w.now))
		w.cut(c)
		return w.absence(end)
	}
	if w.IntN(6) == 0 {
		w.order(command{Do: "close"})
		w.daemon.wait()
		w.counts["closed in peace"]++
		wall, boot := w.clock()
		w.model.keep(boot, wall)
		w.absence(end)
		return false
	}
	w.daemon.kill()
	w.note("killed")
	w.counts["killed while it had nothing to do"]++
	return w.absence(end)
}

// setClock has somebody set the machine's clock: wrong for some minutes, which changes nothing, or for as long as it takes to be believed.
func (w *world) setClock(end time.Duration) bool {
	before := w.wrong
	minutes := w.IntN(9)
	switch w.IntN(3) {
	case 0: // for good, or right again
		minutes = 12
		w.wrong = 0
		if before == 0 {
			w.wrong = time.Duration(w.Int64N(int64(6*time.Hour))) - 3*time.Hour
		}
	case 1:
		w.wrong = time.Duration(w.Int64N(int64(80*24*time.Hour))) - 40*24*time.Hour
	case 2:
		w.wrong = time.Duration(w.Int64N(int64(3*time.Hour))) - 90*time.Minute
	}
	w.counts["the clock set"]++
	for range minutes {
		w.pass(min(time.Minute, end-w.now))
		if !w.order(command{Do: "keep"}) {
			w.wrong = before
			return false
		}
		if w.IntN(3) == 0 {
			who := pick(&w.chooser, names)
			if !w.order(command{Do: "work", Work: []op{w.choose(who, w.state[who], "")}}) {
				w.wrong = before
				return false
			}
		}
	}
	if minutes < 12 {
		w.wrong = before
		return w.order(command{Do: "keep"})
	}
	return true
}

// cut gives the daemon something to do, and kills it meanwhile.
func (w *world) cut(c command) {
	usual := w.took[c.Do]
	if usual == 0 {
		usual = 10 * time.Millisecond
	}
	c = w.send(c)
	time.Sleep(time.Duration(w.Float64() * 1.2 * float64(usual))) // where it lands is by chance, and is to be
	w.daemon.kill()
	if a, ok := w.hear(c.Do); ok {
		w.done(c, a)
		w.counts["killed when it had just done something"]++
		return
	}
	w.counts["killed while it did something"]++
	w.interrupted(c)
}

// order gives the daemon something to do, and waits until it is done. It reports whether the daemon has lived to tell.
func (w *world) order(c command) bool {
	begin := time.Now()
	c = w.send(c)
	a, ok := w.hear(c.Do)
	if !ok {
		w.daemon.wait()
		w.counts["killed at "+strings.TrimSuffix(w.daemon.point, "=2")]++
		if w.daemon.point == "" {
			w.Fatalf("the daemon ended by itself:\n%s", w.daemon.stderr.String())
		}
		w.interrupted(c)
		return false
	}
	w.took[c.Do] = time.Since(begin)
	w.done(c, a)
	return true
}

// send gives the daemon a command, and returns it with its time.
func (w *world) send(c command) command {
	c.Wall, c.Boot = w.clock()
	c.BootID = strconv.Itoa(w.boot)
	if (c.Do == "work" || c.Do == "keep") && w.IntN(4) == 0 {
		c.Spent = pick(&w.chooser, names)
	}
	w.note("%s %s", c.Do, workText(c.Work))
	w.daemon.send(c)
	return c
}

func workText(work []op) string {
	raw, _ := json.Marshal(work)
	return string(raw)
}

// interrupted takes note of what was not finished, as far as it can be seen without a daemon.
func (w *world) interrupted(c command) {
	w.at, w.idle = w.model.at(c.Boot), false
	w.note("was killed in %s %s", c.Do, w.daemon.point)
	if c.Do == "keep" {
		w.keeping = &c
	}
	w.machine(nil)
}

// done takes note of an answer.
func (w *world) done(c command, a answer) {
	w.Helper()
	if a.Failed != "" {
		w.Fatalf("at %v, %s failed: %s\n%s", w.now, c.Do, a.Failed, w.daemon.stderr.String())
	}
	wall, boot := w.clock()
	if c.Do == "keep" {
		w.model.keep(boot, wall)
	}
	w.idle = true
	w.at = w.model.at(boot)
	w.note("done: %q", a.Errors)
	if c.Do == "close" {
		return
	}
	if a.Now != w.at {
		w.Fatalf("after %s at %v the ledger's time is %s, want %s", c.Do, w.now, stamp(a.Now), stamp(w.at))
	}
	if c.Do == "start" {
		w.mourn(a, true, w.seen)
	}
	if c.Spent != "" {
		month := time.UnixMilli(w.at).UTC().Format("2006-01")
		defer func() { // when all is noted
			if want := w.model.bill(c.Spent, month, w.at).total.RatString(); a.Spent != want {
				w.Errorf("at %v %s has spent %s in %s, want %s", w.now, c.Spent, a.Spent, month, want)
			}
		}()
	}
	for i, o := range c.Work {
		if o.Do == "correct" && a.Errors[i] == "" {
			w.model.correct(o.Account, o.Amount, w.at)
		}
		key := o.Do + " (done)"
		if a.Errors[i] != "" {
			key = o.Do + " (refused)"
			w.refusals[o.Do] = a.Errors[i]
		}
		w.counts[key]++
	}
	for name, s := range a.State {
		w.model.see(name, s, w.at)
	}
	w.state = a.State
	w.machine(nil)
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000") }

// machine tells the model what the machine has run. Nobody may use it meanwhile if fn changes it.
func (w *world) machine(fn func(*fake.Engine)) {
	e, err := fake.Load(filepath.Join(w.dir, "machine"))
	if err != nil {
		w.Fatal(err)
	}
	told := func() {
		for _, r := range e.Runs() {
			name := ""
			for n, id := range w.ids {
				if id == r.Account {
					name = n
				}
			}
			w.model.ran(name, r.Container, r.Pid, [2]int64{int64(r.Limits.CPUs), r.Limits.Memory >> 20}, int64(r.Started), int64(r.Ended))
		}
	}
	told()
	if fn == nil {
		return
	}
	e.ForgetRuns()
	e.Now = func() time.Time { return monday.Add(w.now + w.wrong) }
	e.Boot = func() time.Duration { return w.now - w.upAt }
	fn(e)
	told()
}

// absence is the time without a daemon: processes end, and the machine may go down.
func (w *world) absence(end time.Duration) bool {
	down := w.IntN(14) == 0
	w.machine(func(e *fake.Engine) {
		for range 3 {
			w.pass(w.some(max(0, end-w.now)/3, max(0, end-w.now)))
			for _, r := range e.Runs() {
				if r.Ended == 0 && w.IntN(6) == 0 {
					a, err := account.New(r.Account, 0)
					if err != nil {
						w.Fatal(err)
					}
					e.Exit(a, r.Container, w.IntN(2))
					w.note("without a daemon, the process %d of container %s ends", r.Pid, r.Container)
					w.counts["processes that ended while there was no daemon"]++
				}
			}
		}
	})
	if !down {
		return true
	}
	w.machine(func(e *fake.Engine) {
		w.remains = e.Remains()
		e.PowerOff()
	})
	w.counts["the machine went down"]++
	w.note("the machine goes down, noted is %s, left are %v", stamp(w.model.noted), w.remains)
	w.pass(w.some(max(0, end-w.now), max(0, end-w.now)))
	w.upAt = w.now
	w.pass(time.Duration(w.Int64N(int64(time.Minute))))
	w.boot++
	return true
}

// start starts a daemon, which may be killed while it starts: it reports whether it lives.
func (w *world) start(point string) bool {
	w.daemon = launch(w.T, w.dir, point)
	c := w.send(command{Do: "start"})
	found, ok := w.hear("found")
	if !ok {
		w.Fatalf("no daemon has started: %s", w.daemon.stderr.String())
	}
	w.found(found)
	if w.IntN(12) == 0 {
		time.Sleep(time.Duration(w.Float64() * float64(max(w.took["recovery"], time.Millisecond))))
		w.daemon.kill()
		if a, ok := w.hear("start"); ok {
			w.done(c, a)
			w.counts["killed when it had just started"]++
			return false
		}
		w.counts["killed while it started"]++
		w.interrupted(c)
		return false
	}
	begin := time.Now()
	a, ok := w.hear("start")
	if !ok {
		w.daemon.wait()
		w.counts["killed at "+strings.TrimSuffix(point, "=2")]++
		w.counts["killed while it started"]++
		if point == "" {
			w.Fatalf("the daemon ended by itself:\n%s", w.daemon.stderr.String())
		}
		w.interrupted(c)
		return false
	}
	w.took["recovery"] = time.Since(begin)
	w.done(c, a)
	w.compare(false)
	return !w.Failed()
}

// found takes note of what a new daemon has found in its books: what its predecessor had still done at its end.
func (w *world) found(a answer) {
	wall, boot := w.clock()
	m := w.model
	for name, s := range a.State {
		for _, c := range s.Containers {
			w.note("found: %s of %s is %s, ready %v", c.ID, name, c.Status, c.Ready)
		}
	}
	m.astray = 0 // it is kept in memory only
	if w.fresh {
		w.fresh, w.ids = false, a.IDs
		m.shift = wall/1e6 - boot/1e6
		m.noted = m.at(boot)
	}
	if w.keeping != nil {
		if a.Seen == m.kept(w.keeping.Boot, w.keeping.Wall) { // the note was written
			m.keep(w.keeping.Boot, w.keeping.Wall)
			m.astray = 0
		}
		w.keeping = nil
	}
	// What is begun and ended is noted as well, so a note can be later than the last that was asked for, but not later than the last that was done.
	if a.Seen < m.noted || a.Seen > max(m.noted, w.at) {
		w.Fatalf("a daemon that starts at %v goes on from a note of %s, want one from %s to %s", w.now, stamp(a.Seen), stamp(m.noted), stamp(w.at))
	}
	m.noted = a.Seen
	if w.idle {
		for name, s := range a.State {
			if change := m.see(name, s, w.at); change != "" {
				w.Fatalf("at %v: %s, though the daemon had nothing to do when it was killed", w.now, change)
			}
		}
	}
	for name, s := range a.State {
		m.see(name, s, w.at)
	}
	w.mourn(a, false, w.seen) // by the daemon before this one, if it came to that
	w.seen = a.Seen
	if w.remains != nil {
		w.fallen(a)
		m.rebooted(boot)
		w.remains = nil
	}
	if want := m.at(boot); a.Now != want {
		w.Fatalf("a daemon that starts at %v has the ledger's time %s, want %s", w.now, stamp(a.Now), stamp(want))
	}
}

// fallen takes note of processes that were there when the machine went down. Of what had not been recorded by then nobody knows any more: neither that a
// process has begun, which then costs nothing, nor when it ended. What is recorded as running is charged for up to the last note of the time; if that is less
// than the least that is charged, the rest of it is charged when the end is recorded.
func (w *world) fallen(a answer) {
	for id, pid := range w.remains {
		t := w.model.runs[pid]
		switch status := statusOf(a, id); status {
		case "running", "paused":
			t.reopen()
			w.lost[id] = t
		case "starting":
			t.free, t.open = true, false
			w.counts["starts that nobody knows of"]++
		default:
			if t.open {
				w.Fatalf("container %s is %s, and its process ran when the machine went down", id, status)
			}
		}
	}
}

// mourn takes note that the ends of lost processes are recorded: all of them when a daemon has started, otherwise those that are not as they were.
// They are charged up to the last note of the time that the daemon which recorded them had found.
func (w *world) mourn(a answer, started bool, seen int64) {
	for id, t := range w.lost {
		status, newer := statusOf(a, id), false
		for pid, other := range w.model.runs {
			newer = newer || other.id == id && pid > t.pid
		}
		if started || newer || status != "running" && status != "paused" {
			t.close(seen)
			delete(w.lost, id)
		}
	}
}

// statusOf is that of a container which is there, by its id.
func statusOf(a answer, id string) string {
	for _, s := range a.State {
		for _, c := range s.Containers {
			if c.ID == id && c.Ready {
				return c.Status
			}
		}
	}
	return "gone"
}

func (w *world) hear(what string) (answer, bool) {
	line, ok := w.daemon.line()
	if !ok {
		return answer{}, false
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		return answer{}, false // half a line: it was killed while it wrote
	}
	if a.Do != what {
		w.Fatalf("the daemon tells of %s, and was asked for %s", a.Do, what)
	}
	return a, true
}

// compare has the daemon make bills, and holds the model's against them. It also looks at the ledger itself, with whole at all of it.
func (w *world) compare(whole bool) {
	w.Helper()
	c := command{Do: "bill", After: map[string]int64{}}
	for _, month := range months {
		if since, _ := limits(month); since < w.at { // there is no bill of what is to come
			c.Months = append(c.Months, month)
		}
	}
	for name, entries := range w.ledger {
		if !whole {
			c.After[name] = int64(len(entries))
		}
	}
	w.send(c)
	a, ok := w.hear("bill")
	if !ok || a.Failed != "" {
		w.Fatalf("no bills: %s\n%s", a.Failed, w.daemon.stderr.String())
	}
	for _, name := range names {
		entries := a.Ledger[name]
		if whole {
			// What was read once is there as it was: nothing is ever changed.
			if had := w.ledger[name]; len(entries) < len(had) || !slices.Equal(had, entries[:len(had)]) {
				w.Errorf("the ledger of %s has changed", name)
			}
			w.ledger[name] = nil
		}
		for _, e := range entries {
			w.ledger[name] = append(w.ledger[name], e)
			if e.Seq != int64(len(w.ledger[name])) {
				w.Errorf("entry %d of the ledger of %s has the place %d", len(w.ledger[name]), name, e.Seq)
			}
			if e.End.Before(e.Start) || e.Least < 0 || e.Least > metering.Least || e.Quantity < 1 {
				w.Errorf("an entry of %s cannot be: %+v", name, e)
			}
		}
		total := new(big.Rat)
		for _, month := range months {
			want := w.model.bill(name, month, a.Now)
			total.Add(total, want.total)
			if !slices.Contains(c.Months, month) {
				continue
			}
			got := a.Bills[name][month]
			if got.Total != want.total.RatString() {
				w.Errorf("at %v the bill of %s for %s is %s, want %s", w.now, name, month, got.Total, want.total.RatString())
			}
			kinds, used := map[[2]string]string{}, map[[3]string]string{}
			for _, l := range got.Kinds {
				if key := [2]string{l.Kind, l.Class}; l.Kind != "correction" { // each has a line of its own; the total has them all
					kinds[key] = l.Quantity + " for " + l.Amount
				}
			}
			for _, l := range got.Used {
				if key := [3]string{l.Kind, l.Class, l.Resource}; l.Kind != "correction" {
					used[key] = l.Quantity + " for " + l.Amount
				}
			}
			differ(w, "by the bill "+name+" in "+month, kinds, want.kinds)
			differ(w, "for use "+name+" in "+month, used, w.model.usage(name, month, a.Now).resources)
		}
		all, err := metering.Charges(slices.Concat(w.ledger[name], a.Open[name]), metering.Original(), monday.AddDate(-1, 0, 0), monday.AddDate(1, 0, 0), metering.ByKind)
		if err != nil {
			w.Error(err)
		} else if all.Total.Cmp(total) != 0 {
			w.Errorf("at %v all that %s has used costs %s, want %s", w.now, name, all.Total.RatString(), total.RatString())
		}
	}
}

// differ says where lines are not the model's.
func differ[K comparable](w *world, whose string, got map[K]string, want map[K]*modelLine) {
	w.Helper()
	for k, l := range want {
		if got[k] != l.String() {
			w.Errorf("at %v %s is charged %q of %v, want %s", w.now, whose, got[k], k, l)
		}
	}
	for k, text := range got {
		if want[k] == nil {
			w.Errorf("at %v %s is charged %s of %v, want nothing", w.now, whose, text, k)
		}
	}
}

// report tells what the week was like.
func (w *world) report() {
	for _, k := range slices.Sorted(maps.Keys(w.counts)) {
		w.Logf("%5d %s", w.counts[k], k)
	}
	for _, k := range slices.Sorted(maps.Keys(w.refusals)) {
		w.Logf("      %s was refused: %s", k, w.refusals[k])
	}
	for _, name := range names {
		var text []string
		for _, month := range months {
			text = append(text, month+" $"+w.model.bill(name, month, w.model.at(int64(w.now-w.upAt))).total.FloatString(6))
		}
		w.Logf("%s: %d entries, %s", name, len(w.ledger[name]), strings.Join(text, ", "))
	}
}

// process is a daemon that was started.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     *json.Encoder
	lines  chan []byte
	eof    chan struct{} // closed when all that it wrote was read
	stderr bytes.Buffer
	point  string
	ended  bool
}

func launch(t *testing.T, dir, point string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(self), lines: make(chan []byte, 8), eof: make(chan struct{}), point: point}
	p.cmd.Env = append(os.Environ(), asDaemon+"="+dir, "HYPER_FAILPOINT="+point)
	p.cmd.Stderr = &p.stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in = json.NewEncoder(in)
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.eof)
		defer close(p.lines)
		r := bufio.NewReader(out)
		for {
			line, err := r.ReadBytes('\n')
			if err != nil {
				return
			}
			p.lines <- line
		}
	}()
	return p
}

// send gives the daemon a command. It may be dead: that shows when it does not answer.
func (p *process) send(c command) { _ = p.in.Encode(c) }

// line is the daemon's next one, if it lived to write it.
func (p *process) line() ([]byte, bool) {
	p.t.Helper()
	select {
	case line, ok := <-p.lines:
		return line, ok
	case <-time.After(2 * patience):
		p.t.Fatalf("the daemon says nothing:\n%s", p.stderr.String())
		return nil, false
	}
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	p.wait()
}

// wait waits for the daemon's end. What it wrote last can still be read.
func (p *process) wait() {
	if p.ended {
		return
	}
	p.ended = true
	<-p.eof // there are never more lines than have room
	_ = p.cmd.Wait()
}
