package usage

import (
	"io"
	"strconv"

	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/money"
)

// total is the word that the last line begins with.
const total = "TOTAL"

var headers = map[string]string{
	"Account": "ACCOUNT", "Period": "PERIOD", "Name": "NAME", "Resource": "RESOURCE", "Kind": "KIND", "Size": "SIZE", "Count": "COUNT",
	"Quantity": "QUANTITY", "Unit": "UNIT", "Used": "USED", "Amount": "AMOUNT", "Currency": "CURRENCY", "Cost": "COST", "Running": "RUNNING",
}

// columns are those of the table, by what lines are made by.
var columns = map[string]string{
	"resource": "{{.Name}}\t{{.Kind}}\t{{.Size}}\t{{.Used}}\t{{.Cost}}\t{{.Running}}",
	"kind":     "{{.Kind}}\t{{.Size}}\t{{.Count}}\t{{.Used}}\t{{.Cost}}\t{{.Running}}",
	"day":      "{{.Period}}\t{{.Kind}}\t{{.Size}}\t{{.Count}}\t{{.Used}}\t{{.Cost}}\t{{.Running}}",
	"month":    "{{.Period}}\t{{.Kind}}\t{{.Size}}\t{{.Count}}\t{{.Used}}\t{{.Cost}}\t{{.Running}}",
}

// row is a line. Quantity and Amount are exact, Used and Cost as people read them.
type row struct {
	Account                         string `json:",omitempty"`
	Period                          string `json:",omitempty"`
	Name, Resource                  string
	Kind, Size, Count               string
	Quantity, Unit, Used            string
	Amount, Currency, Cost, Running string
}

func rows(u types.Usage) []row {
	list := make([]row, 0, len(u.Lines))
	for _, l := range u.Lines {
		r := row{
			Account: u.Account, Period: l.Period, Name: listing.OneLine(l.Name), Resource: l.Resource, Kind: l.Kind, Size: l.Class, Count: strconv.Itoa(l.Count),
			Quantity: l.Quantity, Unit: l.Unit, Used: money.Quantity(l.Quantity, l.Unit),
			Amount: string(l.Amount), Currency: u.Currency, Cost: money.Amount(u.Currency, l.Amount), Running: "no",
		}
		if l.Running {
			r.Running = "yes"
		}
		if r.Name == "" {
			r.Name = l.Resource
		}
		if l.Unit == "" { // A correction is an amount, and no use.
			r.Used = ""
		}
		list = append(list, r)
	}
	return list
}

// sum is the last line of an account's part of a table. It says of which time it is, in the first column whatever that is.
func (o *options) sum(u types.Usage) row {
	title := total + " since " + shown(u.Since)
	if o.until != "" {
		title = total + " " + shown(u.Since) + " to " + shown(u.Until)
	}
	r := row{Account: u.Account, Cost: money.Amount(u.Currency, u.Total)}
	switch o.grouping() {
	case "resource":
		r.Name = title
	case "kind":
		r.Kind = title
	default:
		r.Period = title
	}
	return r
}

func (o *options) grouping() string {
	if o.by == "" {
		return "resource"
	}
	return o.by
}

// showLines writes sums. Only the plain table has totals: what programs read is lines of one kind.
func (o *options) showLines(w io.Writer, found []types.Usage, many bool) error {
	if o.csv {
		return lineCSV(w, found)
	}
	l := listing.Listing{Default: columns[o.grouping()], Width: 6, Headers: headers}
	l.Raw = "name: {{.Name}}\nkind: {{.Kind}}\nsize: {{.Size}}\nused: {{.Used}}\ncost: {{.Cost}}\nrunning: {{.Running}}\n"
	if many {
		l.Default = "{{.Account}}\t" + l.Default
	}
	var all []row
	for _, u := range found {
		all = append(all, rows(u)...)
		if o.format == "" || o.format == "table" {
			all = append(all, o.sum(u))
		}
	}
	return listing.Write(w, l, o.format, false, all)
}

func lineCSV(w io.Writer, found []types.Usage) error {
	c := listing.NewCSV(w, "Account", "Period", "Kind", "Class", "Resource", "Name", "Running", "Count", "Quantity", "Unit", "Amount", "Currency")
	for _, u := range found {
		for _, l := range u.Lines {
			c.Row(listing.Text(u.Account), l.Period, l.Kind, l.Class, listing.Text(l.Resource), listing.Text(l.Name), strconv.FormatBool(l.Running),
				strconv.Itoa(l.Count), l.Quantity, l.Unit, string(l.Amount), u.Currency)
		}
	}
	return c.Flush()
}
