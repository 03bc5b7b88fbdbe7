package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/hypercloud/hyper/api/types"
)

// meteringPath are the calls about use and cost, with the account that the operator names.
var meteringPath = regexp.MustCompile(`^(?:/accounts/([^/]+))?/(usage|usage/entries|bill|bills|prices|budget|corrections|containers/estimate)$`)

// metering knows November 2026, in which one container ran all the time. All accounts have the same.
type metering struct {
	own, operators *types.Budget
}

// older is an account whose server has none of it.
const older = "older"

// removedID is the id of an account that is no more.
const removedID = "9f3c1f0f6f0f4cf3a7f1d1d7f44e8a52"

func (m *metering) serve(w http.ResponseWriter, r *http.Request, path string, body []byte, imageIsThere bool) any {
	match := meteringPath.FindStringSubmatch(path)
	account, what, query := match[1], match[2], r.URL.Query()
	if r.Header.Get(types.HeaderAccount) == older {
		return refusal{http.StatusNotFound, "page not found"}
	}
	if account == "nobody" {
		return refusal{http.StatusNotFound, "No such account: nobody"}
	}
	if account == "" {
		account = "default"
	}
	switch what {
	case "usage", "usage/entries":
		if since, until := query.Get("since"), query.Get("until"); since != "" && until != "" && since > until {
			return refusal{http.StatusBadRequest, fmt.Sprintf("the time begins at %s and ends before, at %s: give them the other way round", since, until)}
		}
		if what == "usage" {
			return usageOf(account, query)
		}
		return entries(w, query)
	case "bill", "bills":
		month := query.Get("month")
		if month > "2026-12" {
			return refusal{http.StatusBadRequest, "the month " + month + " has not begun: give one that has, as 2026-11"}
		}
		if what == "bills" {
			return []types.AccountBill{
				{Account: "default", ID: "0", Currency: "USD", Total: "8.28", Exact: "8.284"},
				{Account: "ann@example.com", ID: "1a2b", Currency: "USD", Total: "0", Exact: "0"},
				{Account: "bob", ID: removedID, Former: true, Currency: "USD", Total: "3.13", Exact: "3.1368"},
			}
		}
		return billOf(account, month)
	case "prices":
		return book()
	case "corrections":
		return correct(w, body)
	case "containers/estimate":
		return estimate(body, imageIsThere)
	}
	return m.budget(w, r, match[1] != "", body)
}

func (m *metering) budget(w http.ResponseWriter, r *http.Request, operators bool, body []byte) any {
	b := &m.own
	if operators {
		b = &m.operators
	}
	switch r.Method {
	case http.MethodDelete:
		*b = nil
		w.WriteHeader(http.StatusNoContent)
		return nil
	case http.MethodPut:
		*b = new(types.Budget)
		if err := json.Unmarshal(body, *b); err != nil {
			return refusal{http.StatusBadRequest, err.Error()}
		}
	}
	state := types.BudgetState{Currency: "USD", Month: "2026-12", Spent: "7.512", Own: m.own, Operator: m.operators}
	if m.own != nil || m.operators != nil {
		percent := 75
		state.Percent = &percent
	}
	return state
}

func usageOf(account string, query url.Values) types.Usage {
	u := types.Usage{
		Account: account, By: query.Get("by"), Currency: "USD", Provisional: true, Total: "1.100031358024",
		Since: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 12, 1, 12, 30, 0, 0, time.UTC),
	}
	for name, t := range map[string]*time.Time{"since": &u.Since, "until": &u.Until} {
		if given, err := time.Parse(time.RFC3339, query.Get(name)); err == nil {
			*t = given
		}
	}
	period := map[string]string{"day": "2026-12-01", "month": "2026-12"}[u.By]
	u.Lines = []types.UsageLine{
		{Kind: "container", Class: "s4", Resource: mysqlID, Name: "web", Running: true, Count: 1, Quantity: "45000", Unit: "s", Amount: "0.09"},
		{Kind: "container", Class: "s1", Resource: volumeID, Name: "once", Count: 1, Quantity: "10", Unit: "s", Amount: "0.000004"},
		{Kind: "rootfs", Resource: mysqlID, Name: "web", Running: true, Count: 1, Quantity: "450000", Unit: "GB s", Amount: "0.017361111111"},
		{Kind: "volume", Resource: "v", Name: "pgdata", Count: 1, Quantity: "100.5", Unit: "GB s", Amount: "0.000003877314"},
		{Kind: "fip", Resource: "203.0.113.24", Running: true, Count: 1, Quantity: "1", Unit: "month", Amount: "1"},
		{Kind: "correction", Count: 1, Quantity: "1", Unit: "", Amount: "-0.007337630401"},
	}
	for i := range u.Lines {
		l := &u.Lines[i]
		if l.Period = period; u.By != "" && u.By != "resource" {
			l.Resource, l.Name = "", ""
		}
	}
	return u
}

func entries(w http.ResponseWriter, query url.Values) any {
	if query.Get("until") == "2017-01-01T00:00:00Z" { // A connection that breaks.
		io.WriteString(w, `[{"Seq":1}`)
		return hijacked{}
	}
	start := time.Date(2026, 12, 1, 0, 0, 0, 5e6, time.UTC)
	return []types.LedgerEntry{
		{Seq: 1, Kind: "container", Resource: mysqlID, Name: "web", Class: "s4", Quantity: 1, Start: start, End: start.Add(4 * time.Second), LeastMillis: 10000},
		{Seq: 2, Kind: "correction", Quantity: 1, Start: start, End: start, Amount: "-1.50", Note: "=HYPERLINK(\"x\")\tsorry"},
		{Kind: "volume", Resource: "v", Name: "pgdata", Quantity: 10, Start: start, End: start.Add(time.Hour), LeastMillis: 10000},
	}
}

// billOf is that of walkthrough 1.6 for November, and for this month one that is not final.
func billOf(account, month string) types.Bill {
	b := types.Bill{
		Account: account, ID: removedID, Month: month, Currency: "USD", Final: true, Total: "8.28", Exact: "8.284", Seq: 5,
		Lines: []types.BillLine{
			{Kind: "container", Class: "s4", Count: 1, Quantity: "2592000", Unit: "s", Price: "0.000002", PriceUnit: "s", Amount: "5.18", Exact: "5.184"},
			{Kind: "rootfs", Count: 1, Quantity: "25920000", Unit: "GB s", Price: "0.1", PriceUnit: "GB month", Amount: "1", Exact: "1"},
			{Kind: "volume", Count: 1, Quantity: "25920000", Unit: "GB s", Price: "0.1", PriceUnit: "GB month", Amount: "1", Exact: "1"},
			{Kind: "image", Count: 1, Quantity: "2592000", Unit: "GB s", Price: "0.1", PriceUnit: "GB month", Amount: "0.1", Exact: "0.1"},
			{Kind: "fip", Count: 1, Quantity: "1", Unit: "month", Price: "1", PriceUnit: "month", Amount: "1", Exact: "1"},
		},
	}
	if month == "" {
		b.Month, b.Final, b.Total, b.Exact = "2026-12", false, "-1.5", "-1.5"
		b.Lines = []types.BillLine{{Kind: "correction", Count: 1, Quantity: "1", Note: "the night\nof the 3rd", Amount: "-1.5", Exact: "-1.5"}}
	}
	return b
}

func book() types.Prices {
	version := func(from string, s4 types.Amount) types.PriceVersion {
		return types.PriceVersion{
			From: from, Containers: map[string]types.Amount{"m1": "0.000004", "s1": "0.0000004", "s4": s4, "l1": "0.00003"},
			RootFS: "0.1", Volume: "0.1", Snapshot: "0.05", Image: "0.1", FloatingIP: "1", Service: "0.000003",
		}
	}
	return types.Prices{Currency: "USD", Versions: []types.PriceVersion{version("2016-01-01", "0.000001"), version("2017-01-01", "0.000002"), version("2999-01-01", "0.000003")}}
}

func correct(w http.ResponseWriter, body []byte) any {
	var c types.CorrectionCreate
	if err := json.Unmarshal(body, &c); err != nil {
		return refusal{http.StatusBadRequest, err.Error()}
	}
	if strings.Trim(string(c.Amount), "-0.") == "" {
		return refusal{http.StatusBadRequest, "a correction of " + string(c.Amount) + " changes nothing: give an amount that is not 0"}
	}
	w.WriteHeader(http.StatusCreated)
	return types.LedgerEntry{Seq: 7, Kind: "correction", Quantity: 1, Amount: c.Amount, Note: c.Note}
}

func estimate(body []byte, imageIsThere bool) any {
	var request struct {
		Image      string
		Labels     map[string]string
		HostConfig struct{ Binds, Links []string }
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return refusal{http.StatusBadRequest, err.Error()}
	}
	for _, l := range request.HostConfig.Links {
		return refusal{http.StatusNotFound, "No such container: " + strings.Split(l, ":")[0]}
	}
	if !imageIsThere {
		return refusal{http.StatusNotFound, "No such image: " + request.Image + ":latest"}
	}
	e := types.Estimate{Currency: "USD", PerHour: "0.008588888888", PerMonth: "6.184", Notes: []string{"Network traffic is free."}, Lines: []types.EstimateLine{
		{Kind: "container", Class: request.Labels[types.LabelSize], Quantity: 1, PerHour: "0.0072", PerMonth: "5.184"},
		{Kind: "rootfs", Quantity: 10, PerHour: "0.001388888888", PerMonth: "1"},
		{Kind: "image", Name: request.Image, Quantity: 1, There: true, PerHour: "0.000138888888", PerMonth: "0.1"},
	}}
	for _, bind := range request.HostConfig.Binds {
		name, _, _ := strings.Cut(bind, ":")
		e.Lines = append(e.Lines, types.EstimateLine{Kind: "volume", Name: name, Quantity: 10, There: name == "pgdata", PerHour: "0.001388888888", PerMonth: "1"})
	}
	if request.Labels[types.LabelTakeFloatingIP] != "" {
		e.Lines = append(e.Lines, types.EstimateLine{Kind: "fip", Quantity: 1, PerMonth: "1"})
	}
	return e
}
