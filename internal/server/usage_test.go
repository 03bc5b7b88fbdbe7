package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/metering"
)

// operator makes a call as the operator.
func (tn *town) operator(method, target, body string) (int, string) {
	tn.Helper()
	r := httptest.NewRequestWithContext(tn.Context(), method, "https://town:6443"+target, strings.NewReader(body))
	r.Header.Set(types.HeaderAccount, "bob")
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	tn.office.Handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// read reads an answer that must be well.
func read[T any](t *testing.T, code int, body string) (out T) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&out); code/100 != 2 || err != nil {
		t.Fatalf("%d %s: %v", code, body, err)
	}
	return out
}

func get[T any](tn *town, who, target string) T {
	tn.Helper()
	code, body := tn.ask(who, http.MethodGet, target, "")
	return read[T](tn.T, code, body)
}

// What Ann has is told by any way of listing, and is on her bill.
func TestUsageOverHTTP(t *testing.T) {
	tn := newTown(t)
	byResource := get[types.Usage](tn, "ann", "/v1.44/usage")
	var kinds []string
	for _, l := range byResource.Lines {
		kinds = append(kinds, fmt.Sprint(l.Kind, l.Class, " ", l.Running, " ", l.Count, " ", l.Unit))
	}
	slices.Sort(kinds)
	if want := "[containers4 true 1 s fip true 1 month image true 1 GB s rootfs true 1 GB s snapshot true 1 GB s volume true 1 GB s]"; fmt.Sprint(kinds) != want {
		t.Errorf("lines are %v, want %s", kinds, want)
	}
	if byResource.Account != "ann" || byResource.By != "resource" || byResource.Currency != "USD" || !byResource.Provisional || byResource.Since.Day() != 1 {
		t.Errorf("%+v", byResource)
	}
	for _, by := range []string{"kind", "day", "month"} {
		u := get[types.Usage](tn, "ann", "/usage?by="+by)
		if u.By != by || len(u.Lines) < 6 || (u.Lines[0].Period == "") != (by == "kind") || u.Lines[0].Resource != "" {
			t.Errorf("%+v", u)
		}
	}
	future := get[types.Usage](tn, "ann", "/usage?until=2100-01-01T00:00:00Z")
	if !future.Provisional || future.Until.After(time.Now().Add(time.Minute)) {
		t.Errorf("%+v", future)
	}

	bill := get[types.Bill](tn, "ann", "/bill")
	if bill.Account != "ann" || bill.ID != tn.accounts["ann"].ID() || bill.Final || len(bill.Lines) != 6 || !strings.HasPrefix(string(bill.Total), "1.0") {
		t.Errorf("%+v", bill)
	}
	if l := bill.Lines[0]; l.Kind != "container" || l.Class != "s4" || l.Price != "0.000002" || l.PriceUnit != "s" {
		t.Errorf("%+v", l)
	}
	if bob := get[types.Bill](tn, "bob", "/bill"); bob.Account != "bob" || len(bob.Lines) != 0 || bob.Total != "0.00" || bob.Exact != "0" {
		t.Errorf("Bob's bill is %+v", bob)
	}
}

// Whoever computes the bill again from the entries of the API comes to the same.
func TestEntriesOverHTTP(t *testing.T) {
	tn := newTown(t)
	var entries []metering.Entry
	for _, e := range get[[]types.LedgerEntry](tn, "ann", "/usage/entries") {
		entries = append(entries, metering.Entry{
			Seq: e.Seq, Kind: metering.Kind(e.Kind), Resource: e.Resource, Name: e.Name, Class: e.Class, Quantity: e.Quantity, Start: e.Start, End: e.End,
			Least: time.Duration(e.LeastMillis) * time.Millisecond, Amount: string(e.Amount), Note: e.Note,
		})
	}
	// All of it began within the last seconds, and is charged for ten.
	month := metering.MonthOf(entries[0].Start)
	st, err := metering.Charges(entries, metering.Original(), month, month.AddDate(0, 1, 0), metering.ByPrice)
	if err != nil {
		t.Fatal(err)
	}
	if again := get[types.Bill](tn, "ann", "/bill"); len(st.Lines) != 6 || len(entries) != 6 || again.Total != types.Amount(metering.Cents(st.Total)) {
		t.Errorf("%d lines, %s, the bill is %s", len(st.Lines), metering.Cents(st.Total), again.Total)
	}
	if none := get[[]types.LedgerEntry](tn, "bob", "/usage/entries"); none == nil || len(none) != 0 {
		t.Errorf("Bob's entries are %v", none)
	}
}

func TestPricesOverHTTP(t *testing.T) {
	tn := newTown(t)
	prices := get[types.Prices](tn, "ann", "/prices")
	if len(prices.Versions) != 1 || prices.Currency != "USD" || prices.Versions[0].Containers["s4"] != "0.000002" || prices.Versions[0].Snapshot != "0.05" || len(prices.Versions[0].Containers) != 10 {
		t.Errorf("%+v", prices)
	}
}

func TestUsageRefusals(t *testing.T) {
	tn := newTown(t)
	for target, says := range map[string]string{
		"/usage?since=tomorrow":                           "since must be seconds since 1970 or a time",
		"/usage?until=x":                                  "until must be seconds since 1970 or a time",
		"/usage?since=200&until=100":                      "ends before it begins",
		"/usage?since=200&until=200":                      "is empty",
		"/usage?since=4000000000":                         "still to come",
		"/usage?by=hour":                                  "choose of resource, kind, day, month",
		"/usage?by=" + strings.Repeat("x", 10000):         "choose of resource, kind, day, month",
		"/usage?by=day&since=0":                           "more than 1000 days",
		"/usage/entries?since=200&until=100":              "ends before it begins",
		"/bill?month=2026-13":                             "is not a month",
		"/bill?month=26-11":                               "is not a month",
		"/bill?month=november":                            "is not a month",
		"/bill?month=9999-01":                             "still to come",
		"/bill?month=" + strings.Repeat("2026-11", 10000): "is not a month",
	} {
		code, body := tn.ask("ann", http.MethodGet, target, "")
		var e struct{ Message string }
		if err := json.Unmarshal([]byte(body), &e); code != http.StatusBadRequest || err != nil || !strings.Contains(e.Message, says) || len(e.Message) > 400 {
			t.Errorf("%.60s: %d %s", target, code, body)
		}
	}
	if u := get[types.Usage](tn, "ann", "/usage?since=0&until=100"); u.Since.Year() != 1970 || len(u.Lines) != 0 || u.Total != "0" || u.Provisional {
		t.Errorf("the first seconds of 1970: %+v", u)
	}
	if b := get[types.Bill](tn, "ann", "/bill?month=2001-01"); !b.Final || len(b.Lines) != 0 || b.Total != "0.00" {
		t.Errorf("a month before anything was used: %+v", b)
	}
}

func TestBudgetOverHTTP(t *testing.T) {
	tn := newTown(t) // Ann has spent a dollar for an address, and some
	if st := get[types.BudgetState](tn, "ann", "/budget"); st.Percent != nil || st.Own != nil || !strings.HasPrefix(string(st.Spent), "1.0000") {
		t.Errorf("%+v", st)
	}
	put := func(who, target, body string) (int, string) { return tn.ask(who, http.MethodPut, target, body) }
	code, body := put("ann", "/budget", `{"Amount":"4","Mail":"ann@example.com"}`)
	if st := read[types.BudgetState](t, code, body); *st.Own != (types.Budget{Amount: "4", Mail: "ann@example.com"}) || *st.Percent != 25 || st.Month != time.Now().UTC().Format("2006-01") {
		t.Errorf("%+v", st)
	}
	for body, want := range map[string]int{
		`{"Amount":"0"}`: 400, `{"Amount":"-1"}`: 400, `{"Amount":"1.001"}`: 400, `{"Amount":5}`: 400, `{}`: 400, `{"Amount":"5","Mail":"x"}`: 400, `{"Amount":"5","Stop":true}`: 403,
	} {
		if code, out := put("ann", "/budget", body); code != want || !strings.Contains(out, "message") {
			t.Errorf("%s: %d %s", body, code, out)
		}
	}
	if st := get[types.BudgetState](tn, "ann", "/budget"); st.Own.Amount != "4" {
		t.Errorf("after refusals: %+v", st)
	}
	if code, out := tn.operator(http.MethodPut, "/accounts/ann/budget", `{"Amount":"1","Mail":"root@example.com","Stop":true}`); code != http.StatusOK || !strings.Contains(out, "root@example.com") {
		t.Errorf("the operator's: %d %s", code, out)
	}
	st := get[types.BudgetState](tn, "ann", "/budget")
	if st.Operator == nil || *st.Operator != (types.Budget{Amount: "1", Stop: true}) || *st.Percent != 100 {
		t.Errorf("Ann sees %+v", st)
	}
	// It is spent: nothing more is begun. What runs, runs on.
	for _, call := range [][2]string{
		{"/containers/create", `{"Image":"` + annsImage + `"}`}, {"/containers/" + annsContainer + "/restart", ""}, {"/volumes/create", `{"Name":"more"}`}, {"/fips/allocate?count=1", ""},
		{"/snapshots/create?volume=" + annsVolume + "&name=more&force=true", ""}, {"/volumes/" + annsVolume + "/resize?size=20", ""}, {"/build", " "},
	} {
		if code, out := tn.ask("ann", http.MethodPost, "/v1.44"+call[0], call[1]); code != http.StatusForbidden || !strings.Contains(out, "Exceeded budget: $1.00 of $1.00 are spent") {
			t.Errorf("%s: %d %s", call[0], code, out)
		}
	}
	if code, out := tn.ask("ann", http.MethodPost, "/v1.44/images/create?fromImage="+annsImage+"&tag=other", ""); !strings.Contains(out, "Exceeded budget") {
		t.Errorf("a pull: %d %s", code, out)
	}
	if code, out := tn.ask("ann", http.MethodGet, "/v1.44/containers/"+annsContainer+"/json", ""); code != http.StatusOK || !strings.Contains(out, `"Running":true`) {
		t.Errorf("what ran: %d %s", code, out)
	}
	if code, out := tn.ask("bob", http.MethodPost, "/v1.44/volumes/create", `{"Name":"bobs"}`); code != http.StatusCreated {
		t.Errorf("Bob is held to Ann's budget: %d %s", code, out)
	}
	if code, _ := tn.operator(http.MethodDelete, "/accounts/ann/budget", ""); code != http.StatusNoContent {
		t.Errorf("the operator's removal: %d", code)
	}
	for range 2 {
		if code, _ := tn.ask("ann", http.MethodDelete, "/budget", ""); code != http.StatusNoContent {
			t.Errorf("her removal: %d", code)
		}
	}
	if st := get[types.BudgetState](tn, "ann", "/budget"); st.Own != nil || st.Operator != nil {
		t.Errorf("%+v", st)
	}
	tn.must("POST", "/v1.44/volumes/create", `{"Name":"more"}`, "")
}

func TestOperatorsBills(t *testing.T) {
	tn := newTown(t)
	ann := tn.accounts["ann"].ID()
	for _, name := range []string{"ann", ann} {
		code, body := tn.operator(http.MethodGet, "/accounts/"+name+"/bill", "")
		if b := read[types.Bill](t, code, body); b.ID != ann || len(b.Lines) != 6 {
			t.Errorf("%s: %+v", name, b)
		}
		code, body = tn.operator(http.MethodGet, "/accounts/"+name+"/usage?by=kind", "")
		if u := read[types.Usage](t, code, body); u.Account != "ann" || len(u.Lines) != 6 {
			t.Errorf("%s: %+v", name, u)
		}
		code, body = tn.operator(http.MethodGet, "/accounts/"+name+"/usage/entries", "")
		if l := read[[]types.LedgerEntry](t, code, body); len(l) != 6 {
			t.Errorf("%s: %+v", name, l)
		}
	}
	code, body := tn.operator(http.MethodGet, "/bills", "")
	if bills := read[[]types.AccountBill](t, code, body); len(bills) != 2 || bills[0].Account != "ann" || !strings.HasPrefix(string(bills[0].Exact), "1.0000") || bills[1].Total != "0.00" {
		t.Errorf("%+v", bills)
	}
	code, body = tn.operator(http.MethodPost, "/accounts/ann/corrections", `{"Amount":"-0.50","Note":"an outage"}`)
	if e := read[types.LedgerEntry](t, code, body); code != http.StatusCreated || e.Kind != "correction" || e.Amount != "-0.5" || e.Seq == 0 || e.Note != "an outage" {
		t.Errorf("%d %+v", code, e)
	}
	if b := get[types.Bill](tn, "ann", "/bill"); b.Total != "0.50" || b.Lines[6].Note != "an outage" || b.Lines[6].Amount != "-0.50" {
		t.Errorf("%+v", b)
	}
	for _, call := range []struct {
		method, target, body string
		want                 int
	}{
		{http.MethodGet, "/bills?month=2026-13", "", 400}, {http.MethodGet, "/bills?month=9999-01", "", 400},
		{http.MethodGet, "/accounts/nobody/bill", "", 404}, {http.MethodGet, "/accounts/" + nobody[:32] + "/usage", "", 404}, {http.MethodGet, "/accounts/nobody/budget", "", 404},
		{http.MethodPost, "/accounts/ann/corrections", `{"Amount":"1"}`, 400}, {http.MethodPost, "/accounts/ann/corrections", `{"Amount":"0","Note":"x"}`, 400},
		{http.MethodPost, "/accounts/ann/corrections", `{"Amount":1,"Note":"x"}`, 400}, {http.MethodPost, "/accounts/ann/corrections", `{"Amount":"0.1234567890123","Note":"x"}`, 400},
		{http.MethodPut, "/accounts/nobody/budget", `{"Amount":"1"}`, 404}, {http.MethodPut, "/accounts/ann/budget", `{"Amount":"x"}`, 400},
	} {
		if code, out := tn.operator(call.method, call.target, call.body); code != call.want || !strings.Contains(out, "message") {
			t.Errorf("%s %s %s: %d %s", call.method, call.target, call.body, code, out)
		}
	}
	// To everybody else these calls are not there.
	for _, target := range []string{"/bills", "/accounts/ann/bill", "/accounts/ann/usage", "/accounts/ann/usage/entries", "/accounts/ann/budget"} {
		if code, out := tn.ask("ann", http.MethodGet, target, ""); code != http.StatusNotFound {
			t.Errorf("%s as Ann: %d %s", target, code, out)
		}
	}
}

func TestEstimateOverHTTP(t *testing.T) {
	tn := newTown(t)
	ask := func(target, body string) (int, string) { return tn.ask("ann", http.MethodPost, target, body) }
	before := get[types.Usage](tn, "ann", "/usage?by=kind")
	code, body := ask("/v1.44/containers/estimate?name=new", `{"Image":"`+annsImage+`","Labels":{"sh_hyper_instancetype":"s4","sh_hyper_fip":"auto"},"HostConfig":{"Binds":["new:/new"]}}`)
	e := read[types.Estimate](t, code, body)
	// 0.000002 a second, and 20 GB at 0.1 for 30 days; the image is there. The address is Ann's second.
	if e.PerHour != "0.009977777777" || e.PerMonth != "8.184" || e.Currency != "USD" || len(e.Notes) != 2 {
		t.Errorf("%s", body)
	}
	want := []types.EstimateLine{
		{Kind: "container", Class: "s4", Name: "new", Quantity: 1, PerHour: "0.0072", PerMonth: "5.184"},
		{Kind: "rootfs", Name: "new", Quantity: 10, PerHour: "0.001388888888", PerMonth: "1"},
		{Kind: "volume", Name: "new", Quantity: 10, PerHour: "0.001388888888", PerMonth: "1"},
		{Kind: "image", Name: annsImage, Quantity: 1, There: true, PerHour: "0.000138888888", PerMonth: "0.1"},
		{Kind: "fip", Quantity: 1, PerMonth: "1"},
	}
	if !slices.Equal(e.Lines, want) {
		t.Errorf("%+v", e.Lines)
	}
	for body, want := range map[string]int{
		`{}`: 400, ``: 400, `{"Image":"missing"}`: 404, `{"Image":"` + annsImage + `","Labels":{"sh_hyper_instancetype":"xl"}}`: 400,
		`{"Image":"` + annsImage + `","HostConfig":{"PidMode":"host"}}`: 403, `{"Image":"` + annsImage + `","HostConfig":{"Binds":["` + annsVolume + `:/data"]}}`: 409,
	} {
		if code, out := ask("/v1.44/containers/estimate", body); code != want {
			t.Errorf("%s: %d %s", body, code, out)
		}
		if code, out := ask("/v1.44/containers/create", body); code != want {
			t.Errorf("%s, as a creation: %d %s", body, code, out)
		}
	}
	if code, out := ask("/v1.44/containers/estimate?name="+annsContainer, `{"Image":"`+annsImage+`"}`); code != http.StatusConflict {
		t.Errorf("a name that is taken: %d %s", code, out)
	}
	if after := get[types.Usage](tn, "ann", "/usage?by=kind"); len(after.Lines) != len(before.Lines) || after.Lines[1].Count != 1 {
		t.Errorf("the estimate is used: %+v", after)
	}
	if code, out := tn.ask("ann", http.MethodPut, "/budget", `{"Amount":"0.5"}`); code != http.StatusOK {
		t.Fatalf("%d %s", code, out)
	}
	code, body = ask("/containers/estimate", `{"Image":"`+annsImage+`"}`)
	if e := read[types.Estimate](t, code, body); !strings.HasPrefix(e.Notes[len(e.Notes)-1], "It cannot be made now: Exceeded budget") {
		t.Errorf("%s", body)
	}
	// A container of that name is a container all the same.
	if code, out := ask("/v1.44/containers/estimate/start", ""); code != http.StatusNotFound || !strings.Contains(out, "No such container") {
		t.Errorf("%d %s", code, out)
	}
}

// A client that goes away in the middle of the entries ends their reading.
func TestEntriesOfWhoGoesAway(t *testing.T) {
	tn := newTown(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "https://town:6443/usage/entries", nil)
	r.Header.Set("Authorization", "Bearer ann")
	w := httptest.NewRecorder()
	defer func() {
		if p := recover(); p != http.ErrAbortHandler && strings.HasSuffix(w.Body.String(), "]\n") { //nolint:errorlint // the very value is the signal
			t.Errorf("the list was ended: %s", w.Body)
		}
	}()
	tn.server.Handler().ServeHTTP(w, r)
}
