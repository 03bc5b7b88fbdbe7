package usage

import (
	"context"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/cloud/usage/ledgertest"
	"github.com/hypercloud/hyper/internal/metering"
)

func date(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		panic(err)
	}
	return t
}

type world struct {
	*ledgertest.World
	*Service
	sub Subject
}

func newWorld(t *testing.T, at string) *world {
	t.Helper()
	w := &world{World: ledgertest.New(t, date(at))}
	w.serve(nil)
	return w
}

func (w *world) serve(book *metering.Book) {
	w.Helper()
	w.Service = New(Config{Store: w.World.Store, Book: book, Log: slog.New(slog.DiscardHandler)})
	sub, err := w.Self(w.Ref)
	if err != nil {
		w.Fatal(err)
	}
	w.sub = sub
}

func (w *world) bill(month string) Bill {
	w.Helper()
	b, err := w.Bill(w.Context(), w.sub, month)
	if err != nil {
		w.Fatal(err)
	}
	return b
}

// The month of walkthrough 1.6: an s4, its root disk, a volume, an image of 714.1 MB and a floating IP.
func TestBillOfAMonth(t *testing.T) {
	w := newWorld(t, "2026-11-01 00:00:00")
	w.Container(1, "s4", true)
	w.Volume(1, 10)
	w.Image(1, 714_100_000)
	w.FIP(1, true)
	w.Until(date("2026-11-16 00:00:00"))
	if b := w.bill(""); b.Month != "2026-11" || b.Final || metering.Cents(b.Total) != "4.64" { // 2.592 + .5 + .5 + .05 + 1
		t.Errorf("in the middle: %s, final %v, %s", b.Month, b.Final, metering.Cents(b.Total))
	}
	w.Until(date("2026-12-01 00:00:00"))
	b := w.bill("2026-11")
	if !b.Final || metering.Cents(b.Total) != "8.28" || len(b.Lines) != 5 {
		t.Errorf("final %v, %s, %d lines", b.Final, metering.Cents(b.Total), len(b.Lines))
	}
	if b := w.bill("2026-10"); len(b.Lines) != 0 || b.Total.Sign() != 0 || !b.Final {
		t.Errorf("the month before: %+v", b)
	}
	for month, says := range map[string]string{
		"2026-13": "is not a month", "26-11": "is not a month", "november": "is not a month", "2026-11-01": "is not a month", "2027-01": "still to come",
		strings.Repeat("9", 1000): "is not a month",
	} {
		if _, err := w.Bill(t.Context(), w.sub, month); !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), says) || len(err.Error()) > 300 {
			t.Errorf("%.20s: %v", month, err)
		}
		if _, err := w.Bills(t.Context(), month); !errdefs.IsInvalidArgument(err) {
			t.Errorf("all bills of %.20s: %v", month, err)
		}
	}
}

// What is charged at least is owed as soon as it begins, and by all ways of asking.
func TestShortRunIsOwedAtOnce(t *testing.T) {
	w := newWorld(t, "2026-11-10 00:00:00")
	w.Container(1, "s4", true)
	w.Pass(4 * time.Second)
	w.Container(1, "s4", false)
	w.Pass(time.Second)
	const want = "0.000023858024" // 10 s of an s4, and of 10 GB
	r, err := w.Usage(t.Context(), w.sub, Span{}, metering.ByResource)
	if err != nil || metering.Exact(r.Total) != want {
		t.Errorf("%s, %v", metering.Exact(r.Total), err)
	}
	if b := w.bill(""); metering.Exact(b.Total) != want {
		t.Errorf("the bill: %s", metering.Exact(b.Total))
	}
}

func TestSpans(t *testing.T) {
	w := newWorld(t, "2026-11-10 00:00:00")
	w.Container(1, "s4", true)
	w.Pass(24 * time.Hour) // it is the 11th
	for name, tc := range map[string]struct {
		since, until string
		by           metering.Cut
		amount       string // of the total; "": refused
		says         string
		provisional  bool
	}{
		"this month":            {amount: "0.206133333333", provisional: true},
		"by kind":               {by: metering.ByKind, amount: "0.206133333333", provisional: true},
		"an hour of the past":   {since: "2026-11-10 12:00:00", until: "2026-11-10 13:00:00", amount: "0.008588888888"},
		"beyond now":            {until: "2026-12-01 00:00:00", amount: "0.206133333333", provisional: true},
		"before anything":       {since: "2026-10-01 00:00:00", until: "2026-11-01 00:00:00", amount: "0"},
		"since the year 1":      {since: "0001-01-02 00:00:00", amount: "0.206133333333", provisional: true},
		"days":                  {since: "2026-11-01 00:00:00", by: metering.ByDay, amount: "0.206133333333", provisional: true},
		"reversed":              {since: "2026-11-10 00:00:00", until: "2026-11-09 00:00:00", says: "ends before it begins"},
		"empty":                 {since: "2026-11-10 00:00:00", until: "2026-11-10 00:00:00", says: "is empty"},
		"from now on":           {since: "2026-11-11 00:00:00", says: "which is now"},
		"to come":               {since: "2026-11-12 00:00:00", until: "2026-11-13 00:00:00", says: "still to come"},
		"until last month":      {until: "2026-10-31 00:00:00", says: "say since when too"},
		"by hour":               {by: "hour", says: "choose of resource, kind, day, month"},
		"by price, as of bills": {by: metering.ByPrice, says: "choose of resource, kind, day, month"},
		"too many days":         {since: "2020-01-01 00:00:00", by: metering.ByDay, says: "more than 1000 days"},
		"many months":           {since: "0001-01-02 00:00:00", by: metering.ByMonth, amount: "0.206133333333", provisional: true},
	} {
		t.Run(name, func(t *testing.T) {
			var span Span
			if tc.since != "" {
				span.Since = date(tc.since)
			}
			if tc.until != "" {
				span.Until = date(tc.until)
			}
			r, err := w.Usage(t.Context(), w.sub, span, tc.by)
			if tc.says != "" {
				if !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("%v, want %q", err, tc.says)
				}
				return
			}
			if err != nil || metering.Exact(r.Total) != tc.amount || r.Provisional != tc.provisional {
				t.Errorf("%s, provisional %v, %v", metering.Exact(r.Total), r.Provisional, err)
			}
		})
	}
}

// A floating IP that was held before, in the same month, costs nothing again: what a later part of a month is charged depends on the earlier part.
func TestFloatingIPsOfPartsOfAMonth(t *testing.T) {
	w := newWorld(t, "2026-11-05 00:00:00")
	w.FIP(1, true)
	w.Pass(time.Hour)
	w.FIP(1, false)
	w.Until(date("2026-11-20 00:00:00"))
	w.FIP(1, true)
	w.Until(date("2026-11-25 00:00:00"))
	for since, want := range map[string]string{"2026-11-01 00:00:00": "1", "2026-11-15 00:00:00": "0"} {
		r, err := w.Usage(t.Context(), w.sub, Span{Since: date(since)}, metering.ByKind)
		if err != nil || metering.Exact(r.Total) != want {
			t.Errorf("since %s: %s, %v", since, metering.Exact(r.Total), err)
		}
	}
}

// Whoever has the entries and the prices comes to the same bill, and so does every way of listing.
func TestEntriesMakeTheBill(t *testing.T) {
	for seed := range uint64(5) {
		w := newWorld(t, "2026-11-20 00:00:00")
		r := rand.New(rand.NewPCG(seed, 1))
		for range 150 {
			w.Step(r)
		}
		now := w.World.Store.Now()
		for month := metering.MonthOf(date("2026-11-01 00:00:00")); !month.After(now); month = month.AddDate(0, 1, 0) {
			name, next := month.Format(monthFormat), month.AddDate(0, 1, 0)
			want := w.bill(name).Total
			var got []metering.Entry
			seen, last := map[int64]bool{}, time.Time{}
			err := w.Entries(t.Context(), w.sub, Span{month, next}, func() {}, func(e metering.Entry) error {
				if e.Seq > 0 && (seen[e.Seq] || e.Start.Before(last)) {
					t.Errorf("entry %d comes twice, or too late", e.Seq)
				}
				if e.Seq > 0 {
					seen[e.Seq], last = true, e.Start
				}
				got = append(got, e)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			st, err := metering.Charges(got, w.Book, month, next, metering.ByKind)
			if err != nil {
				t.Fatal(err)
			}
			if st.Total.Cmp(want) != 0 {
				t.Errorf("seed %d, %s: entries make %s, the bill is %s", seed, name, metering.Exact(st.Total), metering.Exact(want))
			}
			if now.Before(next) {
				continue // what is charged at least may reach beyond now
			}
			for _, by := range []metering.Cut{metering.ByResource, metering.ByKind, metering.ByDay, metering.ByMonth} {
				u, err := w.Usage(t.Context(), w.sub, Span{month, next}, by)
				if err != nil || u.Total.Cmp(want) != 0 {
					t.Errorf("seed %d, %s by %s: %s, the bill is %s, %v", seed, name, by, metering.Exact(u.Total), metering.Exact(want), err)
				}
			}
		}
	}
}

// A long ledger is read in pieces, each entry once.
func TestEntriesInPieces(t *testing.T) {
	w := newWorld(t, "2026-01-01 00:00:00")
	for range 40 {
		w.Container(1, "s1", true)
		w.Pass(30 * time.Hour)
		w.Container(1, "s1", false)
		w.Pass(10 * time.Hour)
	}
	count := map[int64]int{}
	err := w.Entries(t.Context(), w.sub, Span{Since: date("2020-01-01 00:00:00")}, func() {}, func(e metering.Entry) error {
		count[e.Seq]++
		return nil
	})
	if err != nil || len(count) != 41 || count[0] != 1 { // and the root disk, which goes on
		t.Errorf("%v, %v", count, err)
	}
	for seq, n := range count {
		if n != 1 {
			t.Errorf("entry %d came %d times", seq, n)
		}
	}
	begun := false
	err = w.Entries(t.Context(), w.sub, Span{Since: date("2030-01-01 00:00:00")}, func() { begun = true }, nil)
	if !errdefs.IsInvalidArgument(err) || begun {
		t.Errorf("a time to come: begun %v, %v", begun, err)
	}
}

func TestFormerAccounts(t *testing.T) {
	w := newWorld(t, "2026-11-01 00:00:00")
	w.Volume(1, 10)
	w.Pass(15 * 24 * time.Hour)
	w.Volume(1, 0)
	if err := w.World.Store.DeleteAccount(t.Context(), w.Ref); err != nil {
		t.Fatal(err)
	}
	id := w.sub.ID
	again := w.Account("ann") // the name is somebody else's now
	bob := w.Account("bob")
	for name, want := range map[string]Subject{
		"ann": {Name: "ann", ID: again.ID(), ref: again}, id: {Name: "ann", ID: id, Former: true}, bob.ID(): {Name: "bob", ID: bob.ID(), ref: bob},
	} {
		if sub, err := w.Named(t.Context(), name); err != nil || sub != want {
			t.Errorf("%s is %+v, %v", name, sub, err)
		}
	}
	for _, name := range []string{"carl", strings.Repeat("f", 32), ""} {
		if _, err := w.Named(t.Context(), name); !errdefs.IsNotFound(err) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := w.Self(w.Ref); !errdefs.IsNotFound(err) {
		t.Errorf("an account that is gone: %v", err)
	}
	bills, err := w.Bills(t.Context(), "")
	if err != nil || len(bills) != 3 || bills[2].ID != id || !bills[2].Former || metering.Exact(bills[2].Total) != "0.5" {
		t.Errorf("bills are %+v, %v", bills, err)
	}
	// Who found the account before it went still finds its use.
	if b := w.bill(""); !b.Former || metering.Exact(b.Total) != "0.5" {
		t.Errorf("%+v", b)
	}
	former, err := w.Named(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Correct(t.Context(), former, "1", "late"); !errdefs.IsConflict(err) {
		t.Errorf("a correction of a closed ledger: %v", err)
	}
	w.Pass(31 * 24 * time.Hour)
	if bills, err := w.Bills(t.Context(), ""); err != nil || len(bills) != 2 {
		t.Errorf("bills of a month in which the former account owes nothing: %+v, %v", bills, err)
	}
}

func TestCorrect(t *testing.T) {
	w := newWorld(t, "2026-11-01 00:00:00")
	e, err := w.Correct(t.Context(), w.sub, "-1.50", " an outage ")
	if err != nil || e.Seq != 1 || e.Amount != "-1.5" || e.Note != "an outage" {
		t.Fatalf("%+v, %v", e, err)
	}
	if b := w.bill(""); metering.Cents(b.Total) != "-1.50" || len(b.Lines) != 1 || b.Seq != 1 {
		t.Errorf("%+v", b)
	}
	for name, tc := range map[string]struct{ amount, note, says string }{
		"nothing":        {"0.00", "x", "corrects nothing"},
		"no amount":      {"", "x", "empty"},
		"no number":      {"1e3", "x", "decimal"},
		"a fraction":     {"1/3", "x", "decimal"},
		"too exact":      {"0.0000000000001", "x", "too long"},
		"no note":        {"1", "  ", "note is missing"},
		"a long note":    {"1", strings.Repeat("x", 1001), "1001 bytes"},
		"lines of notes": {"1", "x\ny", "does not print"},
	} {
		if _, err := w.Correct(t.Context(), w.sub, tc.amount, tc.note); !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// costs is a book with a version from each day, by which an s1 costs that much a second and all else nothing.
func costs(t *testing.T, versions map[string]string) *metering.Book {
	t.Helper()
	text := "currency: EUR\nprices:\n"
	for day, price := range versions {
		text += "  - {from: " + day + ", rootfs: 0, volume: 0, snapshot: 0, image: 0, fip: 0, service: 0, container: {s1: " + price
		for _, size := range metering.Sizes[1:] {
			text += ", " + size + ": 0"
		}
		text += "}}\n"
	}
	b, err := metering.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPricesAreNoted(t *testing.T) {
	w := newWorld(t, "2026-11-10 12:00:00")
	noted := func(want int) {
		t.Helper()
		rows, err := w.World.Store.Prices(t.Context())
		if err != nil || len(rows) != want {
			t.Errorf("%d versions are noted, want %d: %v", len(rows), want, err)
		}
	}
	begin := func(book *metering.Book, says string) {
		t.Helper()
		w.serve(book)
		err := w.Begin(t.Context())
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	first := map[string]string{"2026-01-01": "0.001", "2026-11-12": "0.002"}
	begin(costs(t, first), "")
	noted(1)
	begin(costs(t, map[string]string{"2026-01-01": "0.003"}), "2026-01-01") // what was in force
	begin(costs(t, map[string]string{"2026-01-01": "0.001", "2026-11-10": "0.002"}), "begun already")
	begin(metering.Original(), "EUR")
	begin(costs(t, map[string]string{"2026-01-01": "0.001", "2026-11-12": "0.005"}), "") // a day to come may be changed
	begin(costs(t, first), "")
	noted(1)

	// The day comes while hyperd watches.
	ctx, cancel := context.WithCancel(t.Context())
	ticks, ended := make(chan time.Time), make(chan struct{})
	go func() { defer close(ended); w.Watch(ctx, ticks) }()
	w.Until(date("2026-11-11 23:54:00"))
	ticks <- time.Time{}
	ticks <- time.Time{} // the first is done
	noted(1)
	w.Until(date("2026-11-11 23:56:00"))
	ticks <- time.Time{}
	ticks <- time.Time{}
	noted(2)
	cancel()
	<-ended
	w.Until(date("2026-11-12 00:00:01"))
	w.Reopen(0)
	begin(costs(t, map[string]string{"2026-01-01": "0.001", "2026-11-12": "0.005"}), "2026-11-12")
	begin(costs(t, first), "")

	// And another while it is away.
	third := map[string]string{"2026-01-01": "0.001", "2026-11-12": "0.002", "2026-11-20": "0"}
	begin(costs(t, third), "")
	w.Reopen(10 * 24 * time.Hour)
	begin(costs(t, third), "")
	noted(3)

	// And a fourth while the machine is off.
	fourth := map[string]string{"2026-01-01": "0.001", "2026-11-12": "0.002", "2026-11-20": "0", "2026-11-25": "1"}
	begin(costs(t, fourth), "")
	w.Reboot(10 * 24 * time.Hour)
	begin(costs(t, fourth), "")
	noted(3) // the ledger's time goes on from where it was, and follows the clock when it has shown the same for a while
	ctx, cancel = context.WithCancel(t.Context())
	ended = make(chan struct{})
	go func() { defer close(ended); w.Watch(ctx, ticks) }()
	for range 12 {
		w.Pass(time.Minute)
		if err := w.World.Store.KeepTime(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ticks <- time.Time{}
	ticks <- time.Time{}
	noted(4)
	cancel()
	<-ended
}

// What ran before prices change costs what it did.
func TestBillAcrossPrices(t *testing.T) {
	w := newWorld(t, "2026-11-11 00:00:00")
	w.serve(costs(t, map[string]string{"2026-01-01": "0.001", "2026-11-12": "0.002"}))
	if err := w.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Container(1, "s1", true)
	w.Pass(36 * time.Hour)
	if b := w.bill(""); b.Currency != "EUR" || metering.Exact(b.Total) != "172.8" { // 86.4 + 86.4
		t.Errorf("%s %s", b.Currency, metering.Exact(b.Total))
	}
}

func TestSubjectOfAnotherAccount(t *testing.T) {
	w := newWorld(t, "2026-11-01 00:00:00")
	w.Volume(1, 50)
	w.Pass(time.Hour)
	bob, err := w.Self(w.Account("bob"))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := w.Bill(t.Context(), bob, ""); err != nil || len(b.Lines) != 0 {
		t.Errorf("Bob's bill is %+v, %v", b, err)
	}
	if r, err := w.Usage(t.Context(), bob, Span{}, ""); err != nil || len(r.Lines) != 0 || r.Total.Cmp(new(big.Rat)) != 0 {
		t.Errorf("Bob's use is %+v, %v", r, err)
	}
}
