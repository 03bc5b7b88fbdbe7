package hyper

import (
	"bufio"
	"context"
	"encoding/json"
	"math/big"
	"net/http"
	"time"

	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/usage"
	"github.com/hypercloud/hyper/internal/metering"
	"github.com/hypercloud/hyper/internal/server/rest"
)

func (api *API) usageRoutes() []rest.Route {
	return []rest.Route{
		{Method: http.MethodGet, Pattern: "/usage", Handle: api.own(api.usage)},
		{Method: http.MethodGet, Pattern: "/usage/entries", Handle: api.own(api.usageEntries)},
		{Method: http.MethodGet, Pattern: "/bill", Handle: api.own(api.bill)},
		{Method: http.MethodGet, Pattern: "/prices", Handle: api.prices},
		{Method: http.MethodGet, Pattern: "/bills", Handle: api.bills, Operator: true},
		{Method: http.MethodGet, Pattern: "/accounts/{name}/usage", Handle: api.named(api.usage), Operator: true},
		{Method: http.MethodGet, Pattern: "/accounts/{name}/usage/entries", Handle: api.named(api.usageEntries), Operator: true},
		{Method: http.MethodGet, Pattern: "/accounts/{name}/bill", Handle: api.named(api.bill), Operator: true},
		{Method: http.MethodPost, Pattern: "/accounts/{name}/corrections", Handle: api.named(api.correct), Operator: true},
	}
}

// ofSubject is a call about the use of an account.
type ofSubject func(ctx context.Context, sub usage.Subject, w http.ResponseWriter, r *http.Request) error

// own makes it one about the account that is acted for.
func (api *API) own(fn ofSubject) rest.Handler {
	return func(ctx context.Context, a account.Ref, w http.ResponseWriter, r *http.Request) error {
		sub, err := api.Usage.Self(a)
		if err != nil {
			return err
		}
		return fn(ctx, sub, w, r)
	}
}

// named makes it one about the account that the path names.
func (api *API) named(fn ofSubject) rest.Handler {
	return func(ctx context.Context, _ account.Ref, w http.ResponseWriter, r *http.Request) error {
		sub, err := api.Usage.Named(ctx, r.PathValue("name"))
		if err != nil {
			return err
		}
		return fn(ctx, sub, w, r)
	}
}

// span reads the query values since and until. Unlike in events, 0 is the year 1970 and not none.
func span(r *http.Request) (usage.Span, error) {
	var out usage.Span
	var err error
	if out.Since, err = instant(r, "since"); err != nil {
		return out, err
	}
	out.Until, err = instant(r, "until")
	return out, err
}

func instant(r *http.Request, key string) (time.Time, error) {
	t, err := rest.Time(r, key)
	if err == nil && t.IsZero() && r.Form.Get(key) != "" {
		t = time.Unix(0, 0)
	}
	return t, err
}

func amount(r *big.Rat) types.Amount { return types.Amount(metering.Exact(r)) }

func cents(r *big.Rat) types.Amount { return types.Amount(metering.Cents(r)) }

func (api *API) usage(ctx context.Context, sub usage.Subject, w http.ResponseWriter, r *http.Request) error {
	sp, err := span(r)
	if err != nil {
		return err
	}
	u, err := api.Usage.Usage(ctx, sub, sp, metering.Cut(r.Form.Get("by")))
	if err != nil {
		return err
	}
	out := types.Usage{
		Account: u.Name, Since: u.Since, Until: u.Until, By: string(u.By), Currency: u.Currency, Provisional: u.Provisional,
		Lines: []types.UsageLine{}, Total: amount(u.Total),
	}
	for _, l := range u.Lines {
		out.Lines = append(out.Lines, types.UsageLine{
			Period: l.Period, Kind: string(l.Kind), Class: l.Class, Resource: l.Resource, Name: l.Name, Running: l.Running, Count: l.Count,
			Quantity: metering.Exact(l.Quantity), Unit: l.Unit, Amount: amount(l.Amount),
		})
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

func entryOf(e metering.Entry) types.LedgerEntry {
	return types.LedgerEntry{
		Seq: e.Seq, Kind: string(e.Kind), Resource: e.Resource, Name: e.Name, Class: e.Class, Quantity: e.Quantity, Start: e.Start, End: e.End,
		LeastMillis: e.Least.Milliseconds(), Amount: types.Amount(e.Amount), Note: e.Note,
	}
}

// usageEntries answers with a list that is written while the ledger is read. One that breaks off is no JSON.
func (api *API) usageEntries(ctx context.Context, sub usage.Subject, w http.ResponseWriter, r *http.Request) error {
	sp, err := span(r)
	if err != nil {
		return err
	}
	slow, done := rest.PatientWriter(w, rest.Patience)
	defer done()
	out := bufio.NewWriterSize(slow, 64<<10)
	begun, separator := false, "["
	err = api.Usage.Entries(ctx, sub, sp, func() {
		begun = true
		w.Header().Set("Content-Type", "application/json")
	}, func(e metering.Entry) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		text, err := json.Marshal(entryOf(e))
		if err != nil {
			return err
		}
		_, _ = out.WriteString(separator) // what fails is told by Flush
		separator = ",\n"
		_, err = out.Write(text)
		return err
	})
	if err == nil {
		if separator == "[" {
			_, _ = out.WriteString("[")
		}
		_, _ = out.WriteString("]\n")
		err = out.Flush()
	}
	return rest.BrokenOff(begun, err)
}

func (api *API) bill(ctx context.Context, sub usage.Subject, w http.ResponseWriter, r *http.Request) error {
	b, err := api.Usage.Bill(ctx, sub, r.Form.Get("month"))
	if err != nil {
		return err
	}
	out := types.Bill{
		Account: b.Name, ID: b.ID, Month: b.Month, Currency: b.Currency, Final: b.Final, Lines: []types.BillLine{},
		Total: cents(b.Total), Exact: amount(b.Total), Seq: b.Seq,
	}
	for _, l := range b.Lines {
		line := types.BillLine{
			Kind: string(l.Kind), Class: l.Class, Count: l.Count, Quantity: metering.Exact(l.Quantity), Unit: l.Unit, PriceUnit: l.PriceUnit, Note: l.Note,
			Amount: cents(l.Amount), Exact: amount(l.Amount),
		}
		if l.Price != nil {
			line.Price = amount(l.Price)
		}
		out.Lines = append(out.Lines, line)
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

func (api *API) bills(ctx context.Context, _ account.Ref, w http.ResponseWriter, r *http.Request) error {
	all, err := api.Usage.Bills(ctx, r.Form.Get("month"))
	if err != nil {
		return err
	}
	out := []types.AccountBill{}
	for _, b := range all {
		out = append(out, types.AccountBill{
			Account: b.Name, ID: b.ID, Former: b.Former, Currency: b.Currency, Total: cents(b.Total), Exact: amount(b.Total),
		})
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

func (api *API) prices(_ context.Context, _ account.Ref, w http.ResponseWriter, _ *http.Request) error {
	book := api.Usage.Prices()
	out := types.Prices{Currency: book.Currency(), Versions: []types.PriceVersion{}}
	for _, p := range book.Versions() {
		of := func(k metering.Kind, class string) types.Amount {
			r, ok := p.Of(k, class)
			if !ok {
				return ""
			}
			return amount(r)
		}
		v := types.PriceVersion{
			From: p.Day(), Containers: map[string]types.Amount{}, RootFS: of(metering.RootFS, ""), Volume: of(metering.Volume, ""),
			Snapshot: of(metering.Snapshot, ""), Image: of(metering.Image, ""), FloatingIP: of(metering.FloatingIP, ""), Service: of(metering.Service, ""),
		}
		for _, size := range metering.Sizes {
			v.Containers[size] = of(metering.Container, size)
		}
		out.Versions = append(out.Versions, v)
	}
	return rest.WriteJSON(w, http.StatusOK, out)
}

func (api *API) correct(ctx context.Context, sub usage.Subject, w http.ResponseWriter, r *http.Request) error {
	var in types.CorrectionCreate
	if err := rest.ReadJSON(w, r, &in); err != nil {
		return err
	}
	e, err := api.Usage.Correct(ctx, sub, string(in.Amount), in.Note)
	if err != nil {
		return err
	}
	return rest.WriteJSON(w, http.StatusCreated, entryOf(e))
}
