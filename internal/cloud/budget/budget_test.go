package budget

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/usage"
	"github.com/hypercloud/hyper/internal/cloud/usage/ledgertest"
	"github.com/hypercloud/hyper/internal/metering"
	"github.com/hypercloud/hyper/internal/store"
)

// box is where mail ends.
type box struct {
	mu      sync.Mutex
	letters []string
}

// Post implements Mail.
func (b *box) Post(to, subject, body string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.letters = append(b.letters, to+": "+subject+"\n"+body)
}

type world struct {
	*ledgertest.World
	*Service
	bus   *event.Bus
	mail  *box
	stops *stops
	dock  *dock
}

func newWorld(t *testing.T, at string) *world {
	t.Helper()
	begin, err := time.Parse(time.DateTime, at)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{World: ledgertest.New(t, begin), bus: event.NewBus(), mail: &box{}}
	w.serve()
	return w
}

// serve begins anew, as hyperd does.
func (w *world) serve() {
	w.Service = New(Config{Store: w.World.Store, Events: w.bus, Mail: w.mail, Log: slog.New(slog.DiscardHandler)})
	w.dock = &dock{world: w, asked: map[string]int{}}
	w.stops = &stops{Service: w.Service, containers: w.dock}
}

// dock stops containers, as container.Service does.
type dock struct {
	*world
	mu    sync.Mutex
	asked map[string]int // timeouts by id; -1: the container's own
	fails bool
}

// Stop implements Containers.
func (d *dock) Stop(_ context.Context, _ account.Ref, ref string, opts container.StopOptions) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked[ref] = -1
	if opts.Timeout != nil {
		d.asked[ref] = *opts.Timeout
	}
	if d.fails {
		return errors.New("it does not end")
	}
	return d.World.Store.Update(context.Background(), d.Ref, func(tx *store.Tx) error {
		c, _ := tx.Container(ref)
		row := *c
		row.State.Status = store.StatusExited
		return tx.PutContainer(row)
	})
}

func (w *world) set(by store.BudgetBy, req Request) {
	w.Helper()
	if err := w.Set(w.Context(), w.Ref, by, req); err != nil {
		w.Fatal(err)
	}
}

// turn is one look at all budgets; it returns what was told.
func (w *world) turn() (told []string) {
	w.Helper()
	_, coming, cancel := w.bus.Subscribe(w.Ref, time.Time{})
	defer cancel()
	w.look(w.Context(), w.stops)
	w.stops.Wait()
	for {
		select {
		case e := <-coming:
			if e.Type != "budget" {
				w.Errorf("an event of the type %s", e.Type)
			}
			told = append(told, fmt.Sprintf("%s %s %s %s/%s", e.Action, e.Attributes["by"], e.Attributes["month"], e.Attributes["spent"], e.Attributes["amount"]))
		default:
			return told
		}
	}
}

func (w *world) wants(what string, want ...string) {
	w.Helper()
	if got := w.turn(); !slices.Equal(got, want) {
		w.Errorf("%s: %q, want %q", what, got, want)
	}
}

// What is spent is the bill's total, to the last digit, however and whenever it is asked for.
func TestSpentIsTheBill(t *testing.T) {
	for seed := range uint64(8) {
		w := newWorld(t, "2026-11-20 00:00:00")
		bills := usage.New(usage.Config{Store: w.World.Store})
		sub, err := bills.Self(w.Ref)
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(seed, 2))
		for step := range 300 {
			w.Step(r)
			if r.IntN(3) == 0 {
				continue // several entries come between two looks
			}
			st, err := w.State(t.Context(), w.Ref)
			if err != nil {
				t.Fatal(err)
			}
			b, err := bills.Bill(t.Context(), sub, "")
			if err != nil {
				t.Fatal(err)
			}
			if st.Spent.Cmp(b.Total) != 0 || st.Month.Format(monthFormat) != b.Month {
				t.Fatalf("seed %d, step %d: %s are spent in %s, the bill of %s is %s", seed, step, metering.Exact(st.Spent), st.Month.Format(monthFormat), b.Month, metering.Exact(b.Total))
			}
		}
	}
}

// Any number of readers at once come to sums that were true at some moment: none goes back while nothing is taken off.
func TestSpentByManyAtOnce(t *testing.T) {
	w := newWorld(t, "2026-11-20 00:00:00")
	w.set(store.ByAccount, Request{Amount: "1000000"})
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			last := new(big.Rat)
			for {
				select {
				case <-done:
					return
				default:
				}
				_, spent, err := w.spent(t.Context(), w.Ref)
				if err != nil || spent.Cmp(last) < 0 {
					t.Errorf("%s after %s, %v", metering.Exact(spent), metering.Exact(last), err)
					return
				}
				last = spent
			}
		})
	}
	for range 100 {
		w.Container(1, "l3", true)
		w.Pass(time.Minute)
		w.Container(1, "l3", false)
	}
	close(done)
	readers.Wait()
}

func TestCheck(t *testing.T) {
	w := newWorld(t, "2026-11-01 00:00:00")
	w.Container(1, "l3", true) // 0.00012 a second: 10.368 a day
	if err := w.Check(t.Context(), w.Ref); err != nil {
		t.Errorf("without a budget: %v", err)
	}
	w.set(store.ByAccount, Request{Amount: "12"})
	if err := w.Check(t.Context(), w.Ref); err != nil {
		t.Errorf("with plenty: %v", err)
	}
	w.Pass(24 * time.Hour)
	if err := w.Check(t.Context(), w.Ref); err != nil { // 10.368 and 0.033 of the root disk
		t.Errorf("below: %v", err)
	}
	w.Pass(24 * time.Hour)
	err := w.Check(t.Context(), w.Ref)
	const own = "Exceeded budget: $20.80 of $12.00 are spent, which is all of your own budget in November 2026 (UTC): what runs goes on, and what costs can be begun again on 2026-12-01, or raise it, or remove it, by 'hyper budget'"
	if !errdefs.IsResourceExhausted(err) || err.Error() != own {
		t.Errorf("%v", err)
	}
	w.set(store.ByOperator, Request{Amount: "20"})
	err = w.Check(t.Context(), w.Ref)
	if !errdefs.IsResourceExhausted(err) || !strings.Contains(err.Error(), "of $20.00 are spent, which is all of the budget that the operator gives this account") || !strings.HasSuffix(err.Error(), "ask the operator to raise it") {
		t.Errorf("%v", err)
	}
	st, err := w.State(t.Context(), w.Ref)
	if err != nil || st.Own.Amount != "12" || st.Operator.Amount != "20" || *st.Percent != 173 || st.Currency != "USD" {
		t.Errorf("%+v, %v", st, err)
	}
	w.set(store.ByOperator, Request{Amount: "1000"})
	if err := w.Remove(t.Context(), w.Ref, store.ByAccount); err != nil {
		t.Fatal(err)
	}
	if err := w.Remove(t.Context(), w.Ref, store.ByAccount); err != nil {
		t.Errorf("a second time: %v", err)
	}
	if err := w.Check(t.Context(), w.Ref); err != nil {
		t.Errorf("raised and removed: %v", err)
	}
	w.set(store.ByAccount, Request{Amount: "300"})
	w.Until(time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC))
	if err := w.Check(t.Context(), w.Ref); !errdefs.IsResourceExhausted(err) {
		t.Errorf("at the month's end: %v", err)
	}
	w.Pass(time.Second)
	if err := w.Check(t.Context(), w.Ref); err != nil {
		t.Errorf("the next month: %v", err)
	}
}

func TestSettingBudgets(t *testing.T) {
	w := newWorld(t, "2026-11-01 00:00:00")
	for name, tc := range map[string]struct {
		by   store.BudgetBy
		req  Request
		is   func(error) bool
		says string
	}{
		"nothing":        {store.ByAccount, Request{}, errdefs.IsInvalidArgument, "empty"},
		"0":              {store.ByAccount, Request{Amount: "0.00"}, errdefs.IsInvalidArgument, "above 0"},
		"negative":       {store.ByAccount, Request{Amount: "-5"}, errdefs.IsInvalidArgument, "above 0"},
		"half a cent":    {store.ByAccount, Request{Amount: "1.005"}, errdefs.IsInvalidArgument, "2 after it"},
		"too much":       {store.ByAccount, Request{Amount: "1234567890123"}, errdefs.IsInvalidArgument, "12 digits"},
		"far too much":   {store.ByAccount, Request{Amount: strings.Repeat("9", 10000)}, errdefs.IsInvalidArgument, "too long"},
		"with a sign":    {store.ByAccount, Request{Amount: "$5"}, errdefs.IsInvalidArgument, "decimal number"},
		"floating point": {store.ByAccount, Request{Amount: "1e3"}, errdefs.IsInvalidArgument, "decimal number"},
		"two addresses":  {store.ByAccount, Request{Amount: "5", Mail: "a@example.com,b@example.com"}, errdefs.IsInvalidArgument, "no mail address"},
		"another header": {store.ByAccount, Request{Amount: "5", Mail: "a@example.com\r\nBcc: b@example.com"}, errdefs.IsInvalidArgument, "no mail address"},
		"stopping":       {store.ByAccount, Request{Amount: "5", Stop: true}, errdefs.IsPermissionDenied, "only the operator"},
	} {
		if err := w.Set(t.Context(), w.Ref, tc.by, tc.req); !tc.is(err) || !strings.Contains(err.Error(), tc.says) || len(err.Error()) > 400 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, amount := range []string{"0.01", "5", "5.5", "999999999999.99"} {
		w.set(store.ByAccount, Request{Amount: amount, Mail: "ann@example.com"})
		if st, err := w.State(t.Context(), w.Ref); err != nil || st.Own.Amount != amount || st.Own.Mail != "ann@example.com" || *st.Percent != 0 {
			t.Errorf("%+v, %v", st, err)
		}
	}
	w.Service.Mail = nil
	if err := w.Set(t.Context(), w.Ref, store.ByAccount, Request{Amount: "5", Mail: "ann@example.com"}); !errdefs.IsInvalidArgument(err) {
		t.Errorf("mail without a server: %v", err)
	}
	nobody, err := account.New(strings.Repeat("f", 32), 9)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Set(t.Context(), nobody, store.ByAccount, Request{Amount: "5"}); !errdefs.IsNotFound(err) {
		t.Errorf("an account that there is not: %v", err)
	}
	if _, err := w.State(t.Context(), nobody); !errdefs.IsNotFound(err) {
		t.Errorf("an account that there is not: %v", err)
	}
}

func TestPercent(t *testing.T) {
	rat := func(s string) *big.Rat { r, _ := new(big.Rat).SetString(s); return r }
	for _, tc := range []struct {
		spent, amount string
		want          int
	}{
		{"0", "10", 0}, {"-3", "10", 0}, {"7.99999", "10", 79}, {"8", "10", 80}, {"9.999999999999", "10", 99}, {"10", "10", 100}, {"25", "10", 250},
		{"1000000000000", "0.01", 1_000_000_000},
	} {
		if got := percent(rat(tc.spent), rat(tc.amount)); got != tc.want {
			t.Errorf("%s of %s is %d %%, want %d", tc.spent, tc.amount, got, tc.want)
		}
	}
}

// Each threshold is told of once in a month, whatever happens to hyperd, and again when the amount is raised.
func TestTelling(t *testing.T) {
	w := newWorld(t, "2026-11-01 00:00:00")
	w.set(store.ByAccount, Request{Amount: "10", Mail: "ann@example.com"})
	w.set(store.ByOperator, Request{Amount: "100", Mail: "root@example.com"})
	w.FIP(1, true)
	w.FIP(2, true)
	w.wants("at 20 %")
	for n := 3; n <= 8; n++ {
		w.FIP(n, true)
	}
	w.wants("at 80 %", "warning account 2026-11 8/10")
	w.wants("at 80 %, later")
	w.serve() // as after kill -9
	w.wants("at 80 %, after a restart")
	w.FIP(9, true)
	w.FIP(10, true)
	w.FIP(11, true)
	w.wants("at 110 %", "exhausted account 2026-11 11/10")
	w.wants("at 110 %, later")
	w.set(store.ByAccount, Request{Amount: "9", Mail: "ann@example.com"})
	w.wants("with a lower amount")
	w.set(store.ByAccount, Request{Amount: "13", Mail: "ann@example.com"})
	w.wants("with a higher amount", "warning account 2026-11 11/13")
	w.set(store.ByAccount, Request{Amount: "5", Mail: "ann@example.com"})
	w.wants("with one that is spent at once", "exhausted account 2026-11 11/5")
	w.Until(time.Date(2026, 12, 3, 0, 0, 0, 0, time.UTC))
	w.wants("the next month", "exhausted account 2026-12 11/5")

	if len(w.mail.letters) != 5 {
		t.Fatalf("%d letters: %q", len(w.mail.letters), w.mail.letters)
	}
	for i, want := range []string{
		`ann@example.com: Hyper: 80 % of the budget of account ann for November 2026 is spent
The account ann has spent $8.00 in November 2026 (UTC). That is 80 % of $10.00.

The budget that the account has set itself is $10.00 for each calendar month.

Nothing happens by that. When all of it is spent, nothing that costs can be begun until the month is over.
`, `ann@example.com: Hyper: 100 % of the budget of account ann for November 2026 is spent
The account ann has spent $11.00 in November 2026 (UTC). That is 110 % of $10.00.

The budget that the account has set itself is $10.00 for each calendar month.

What runs goes on, and goes on to cost. Nothing that costs can be begun until 1 December 2026, or until the budget is raised.
`} {
		if w.mail.letters[i] != want {
			t.Errorf("a letter is\n%s\nwant\n%s", w.mail.letters[i], want)
		}
	}
}

// What was written that it is told is not told again, even if nobody has heard it.
func TestToldBeforeItIsSaid(t *testing.T) {
	w := newWorld(t, "2026-11-01 00:00:00")
	w.set(store.ByAccount, Request{Amount: "1"})
	w.FIP(1, true)
	w.Update(func(tx *store.Tx) error {
		b, _ := tx.Budget(store.ByAccount)
		b.ToldMonth, b.ToldPercent = "2026-11", 100
		return tx.PutBudget(store.ByAccount, b)
	})
	w.wants("after a death between the record and the event")
}

// An account cannot have hyperd write to strangers as often as it likes.
func TestShareOfMail(t *testing.T) {
	w := newWorld(t, "2026-11-01 00:00:00")
	for n := 1; n <= 40; n++ {
		w.FIP(n, true)
	}
	for n := 1; n <= 20; n++ {
		w.set(store.ByAccount, Request{Amount: fmt.Sprint(n), Mail: "eve@example.com"})
		if told := w.turn(); len(told) != 1 {
			t.Errorf("%q", told)
		}
	}
	if n := len(w.mail.letters); n != mostMails {
		t.Errorf("%d letters in a day", n)
	}
	w.Pass(24 * time.Hour)
	w.set(store.ByAccount, Request{Amount: "21", Mail: "eve@example.com"})
	w.turn()
	if n := len(w.mail.letters); n != mostMails+1 {
		t.Errorf("%d letters in two days", n)
	}
}

// Only a budget of the operator's that says so stops what runs.
func TestStopping(t *testing.T) {
	w := newWorld(t, "2026-11-01 00:00:00")
	w.Container(1, "l3", true)
	w.Container(2, "l3", true)
	w.Container(3, "s1", false)
	w.Container(4, "s1", false)
	hour, forever := 3600, -1
	for n, timeout := range map[int]*int{2: &hour, 4: &forever} {
		w.Update(func(tx *store.Tx) error {
			c, _ := tx.Container(ledgertest.ID(n))
			row := *c
			row.Spec.StopTimeout = timeout
			if n == 4 {
				row.State.Status = store.StatusRestarting
			}
			return tx.PutContainer(row)
		})
	}
	w.set(store.ByAccount, Request{Amount: "1"})
	w.set(store.ByOperator, Request{Amount: "2"})
	w.Pass(24 * time.Hour)
	w.wants("without a word about stopping", "exhausted operator 2026-11 20.869333333333/2", "exhausted account 2026-11 20.869333333333/1")
	if len(w.dock.asked) != 0 {
		t.Fatalf("stopped: %v", w.dock.asked)
	}
	w.set(store.ByOperator, Request{Amount: "2", Stop: true})
	w.dock.fails = true
	w.wants("and they do not end", "stop operator 2026-11 20.869333333333/2")
	w.dock.fails = false
	w.serve() // hyperd died in between
	w.wants("again", "stop operator 2026-11 20.869333333333/2")
	if want := map[string]int{ledgertest.ID(1): -1, ledgertest.ID(2): longestGrace, ledgertest.ID(4): longestGrace}; fmt.Sprint(w.dock.asked) != fmt.Sprint(want) {
		t.Errorf("stopped: %v", w.dock.asked)
	}
	w.wants("when nothing runs")
	w.Until(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
	w.Container(1, "l3", true)
	w.wants("a month in which nothing is spent yet")
	if st := w.World.Store.View(w.Ref); func() bool { c, _ := st.Container(ledgertest.ID(1)); return !c.State.Status.Live() }() {
		t.Error("it was stopped in the new month")
	}
}

// The watch looks at once, and at each tick, and ends with its context.
func TestWatch(t *testing.T) {
	w := newWorld(t, "2026-11-01 00:00:00")
	_, coming, cancel := w.bus.Subscribe(w.Ref, time.Time{})
	defer cancel()
	w.set(store.ByAccount, Request{Amount: "1"})
	w.FIP(1, true)
	ctx, end := context.WithCancel(t.Context())
	ticks, ended := make(chan time.Time), make(chan struct{})
	go func() { defer close(ended); w.Watch(ctx, w.dock, ticks) }()
	if e := <-coming; e.Action != "exhausted" || e.ID != "account" || e.Attributes["percent"] != "100" {
		t.Errorf("%+v", e)
	}
	w.set(store.ByAccount, Request{Amount: "1.25"})
	ticks <- time.Time{}
	if e := <-coming; e.Action != "warning" {
		t.Errorf("%+v", e)
	}
	end()
	<-ended
}

// What is known of accounts goes with them.
func TestForget(t *testing.T) {
	w := newWorld(t, "2026-11-01 00:00:00")
	w.set(store.ByAccount, Request{Amount: "1", Mail: "ann@example.com"})
	w.FIP(1, true)
	w.turn()
	w.FIP(1, false)
	if err := w.World.Store.DeleteAccount(t.Context(), w.Ref); err != nil {
		t.Fatal(err)
	}
	w.look(t.Context(), w.stops)
	if len(w.accounts) != 0 || len(w.posted) != 0 {
		t.Errorf("%v, %v", w.accounts, w.posted)
	}
}
