package usage

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"time"

	hyperclient "github.com/hypercloud/hyper/api/client"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/session"
)

var entryListing = listing.Listing{
	Default: "{{.Seq}}\t{{.Kind}}\t{{.Name}}\t{{.Size}}\t{{.Quantity}}\t{{.Start}}\t{{.End}}\t{{.Amount}}\t{{.Note}}",
	Raw:     "seq: {{.Seq}}\nkind: {{.Kind}}\nname: {{.Name}}\nsize: {{.Size}}\nquantity: {{.Quantity}}\nstart: {{.Start}}\nend: {{.End}}\n",
	Width:   4,
	Headers: map[string]string{
		"Account": "ACCOUNT", "Seq": "SEQ", "Kind": "KIND", "Resource": "RESOURCE", "Name": "NAME", "Size": "SIZE", "Quantity": "QUANTITY",
		"Start": "START", "End": "END", "LeastMillis": "LEAST", "Amount": "AMOUNT", "Note": "NOTE",
	},
}

// running stands in the place of a number for use that has none yet, because it goes on.
const running = "running"

type entryRow struct {
	Account                                                                          string `json:",omitempty"`
	Seq, Kind, Resource, Name, Size, Quantity, Start, End, LeastMillis, Amount, Note string
}

// showEntries writes entries of ledgers. Ledgers are long: as values and as JSON they are written as they come.
func (o *options) showEntries(ctx context.Context, s *session.Session, asked hyperclient.UsageOptions, many bool, accounts []string) error {
	var write func(account string, e types.LedgerEntry) error
	flush := func() error { return nil }
	var rows []entryRow
	switch {
	case o.csv:
		write, flush = entryCSV(s.Out(), !slices.Contains(accounts, ""))
	case o.format == "json":
		enc := json.NewEncoder(s.Out())
		enc.SetEscapeHTML(false)
		write = func(account string, e types.LedgerEntry) error {
			return enc.Encode(struct {
				Account string `json:",omitempty"`
				types.LedgerEntry
			}{account, e})
		}
	default:
		write = func(account string, e types.LedgerEntry) error {
			rows = append(rows, rowOf(account, e))
			return nil
		}
		flush = func() error {
			l := entryListing
			if many {
				l.Default = "{{.Account}}\t" + l.Default
			}
			return listing.Write(s.Out(), l, o.format, false, rows)
		}
	}
	for _, account := range accounts {
		each := func(e types.LedgerEntry) error { return write(account, e) }
		var err error
		if account == "" {
			err = s.Hyper.UsageEntries(ctx, asked, each)
		} else {
			err = s.Hyper.AccountUsageEntries(ctx, account, asked, each)
		}
		if err != nil {
			return err
		}
	}
	return flush()
}

func rowOf(account string, e types.LedgerEntry) entryRow {
	seq := running
	if e.Seq > 0 {
		seq = strconv.FormatInt(e.Seq, 10)
	}
	name := e.Name
	if name == "" { // as floating IPs have none until they are given one
		name = e.Resource
	}
	return entryRow{
		Account: account, Seq: seq, Kind: e.Kind, Resource: e.Resource, Name: listing.OneLine(name), Size: e.Class, Quantity: strconv.FormatInt(e.Quantity, 10),
		Start: e.Start.UTC().Format(time.RFC3339Nano), End: e.End.UTC().Format(time.RFC3339Nano), LeastMillis: strconv.FormatInt(e.LeastMillis, 10),
		Amount: string(e.Amount), Note: listing.OneLine(e.Note),
	}
}

// entryCSV writes entries with the fields, the names and the forms that the API has, and before them the account if the operator asks.
func entryCSV(w io.Writer, named bool) (write func(string, types.LedgerEntry) error, flush func() error) {
	with := func(account string, fields ...string) []string {
		if !named {
			return fields
		}
		return append([]string{account}, fields...)
	}
	c := listing.NewCSV(w, with("Account", "Seq", "Kind", "Resource", "Name", "Class", "Quantity", "Start", "End", "LeastMillis", "Amount", "Note")...)
	write = func(account string, e types.LedgerEntry) error {
		return c.Row(with(listing.Text(account), strconv.FormatInt(e.Seq, 10), e.Kind, listing.Text(e.Resource), listing.Text(e.Name), e.Class,
			strconv.FormatInt(e.Quantity, 10), e.Start.UTC().Format(time.RFC3339Nano), e.End.UTC().Format(time.RFC3339Nano),
			strconv.FormatInt(e.LeastMillis, 10), string(e.Amount), listing.Text(e.Note))...)
	}
	return write, c.Flush
}
