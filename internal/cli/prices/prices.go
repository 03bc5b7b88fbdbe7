// Package prices shows what things cost: the price book of the server, the version in force or all, and what a floating IP costs to those who are
// about to allocate one.
package prices

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/docker/cli/cli"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/hypercloud/hyper/internal/cli/money"
	"github.com/hypercloud/hyper/internal/cli/session"
	"github.com/spf13/cobra"
)

// Decimals that are shown of prices by the second, and of those by the hour.
const (
	bySecond = 12
	byHour   = 9
)

var listed = listing.Listing{
	Default: "{{.Item}}\t{{.Size}}\t{{.PerSecond}}\t{{.PerHour}}\t{{.Per30Days}}\t{{.PerMonth}}",
	Raw: "from: {{.From}}\nstate: {{.State}}\nitem: {{.Item}}\nsize: {{.Size}}\nper_second: {{.PerSecond}}\nper_hour: {{.PerHour}}\n" +
		"per_30_days: {{.Per30Days}}\nper_month: {{.PerMonth}}\n",
	Width: 6,
	Headers: map[string]string{
		"From": "FROM", "State": "STATE", "Item": "ITEM", "Kind": "KIND", "Size": "SIZE", "PerSecond": "PER SECOND", "PerHour": "PER HOUR",
		"Per30Days": "PER 30 DAYS", "PerMonth": "PER MONTH", "Price": "PRICE", "Unit": "UNIT", "Currency": "CURRENCY",
	},
}

// States of versions of the price book.
const (
	past    = "past"
	current = "in force"
	coming  = "to come"
)

// row is the price of one thing. Price is as the price book has it, a plain number by Unit.
type row struct {
	From, State, Item, Kind, Size           string
	PerSecond, PerHour, Per30Days, PerMonth string
	Price, Unit, Currency                   string
}

// Command is "hyper prices".
func Command(s *session.Session) *cobra.Command {
	var format string
	var all bool
	cmd := &cobra.Command{
		Use:   "prices [OPTIONS]",
		Short: "Show what things cost",
		Long: "Show what things cost. Each start of a container is charged for 10 seconds at least. What is stored costs by its size, a floating IP by each\n" +
			"calendar month (UTC) that it is held in. Amounts are cut; --json has the prices themselves.",
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := s.Hyper.Prices(cmd.Context())
			if err != nil {
				return err
			}
			l := listed
			if all {
				l.Default = "{{.From}}\t{{.State}}\t" + l.Default
			}
			return listing.Write(s.Out(), l, format, false, rows(p, all, time.Now()))
		},
	}
	cmd.Flags().StringVar(&format, "format", "", listing.FormatHelp)
	cmd.Flags().BoolVarP(&all, "all", "a", false, "Show all versions: those that were in force, and those to come")
	return cmd
}

// InForce is the version that says what things cost now; false if none does yet.
func InForce(p types.Prices, now time.Time) (types.PriceVersion, bool) {
	today := now.UTC().Format(time.DateOnly)
	var found types.PriceVersion
	for _, v := range p.Versions {
		if v.From <= today && v.From >= found.From {
			found = v
		}
	}
	return found, found.From != ""
}

func rows(p types.Prices, all bool, now time.Time) []row {
	inForce, _ := InForce(p, now)
	versions := slices.Clone(p.Versions)
	slices.SortStableFunc(versions, func(a, b types.PriceVersion) int { return cmp.Compare(a.From, b.From) })
	var out []row
	for _, v := range versions {
		state := coming
		switch {
		case v.From == inForce.From:
			state = current
		case v.From < inForce.From:
			state = past
		}
		if !all && state != current {
			continue
		}
		for _, r := range of(v, p.Currency) {
			r.From, r.State = v.From, state
			out = append(out, r)
		}
	}
	return out
}

// of are the prices of one version, in the order in which people look for them.
func of(v types.PriceVersion, currency string) []row {
	var out []row
	for _, size := range Sizes(v) {
		out = append(out, perSecond("container", "container", size, currency, v.Containers[size]))
	}
	for _, stored := range []struct {
		kind  string
		price types.Amount
	}{{"rootfs", v.RootFS}, {"volume", v.Volume}, {"snapshot", v.Snapshot}, {"image", v.Image}} {
		out = append(out, row{
			Item: stored.kind + ", per GB", Kind: stored.kind, Price: string(stored.price), Unit: money.GBMonths, Currency: currency,
			PerSecond: money.Rate(currency, money.Times(stored.price, 1, money.ThirtyDays), bySecond),
			PerHour:   money.Rate(currency, money.Times(stored.price, money.Hour, money.ThirtyDays), byHour),
			Per30Days: money.Rate(currency, stored.price, bySecond),
		})
	}
	if v.Service != "" {
		out = append(out, perSecond("service", "service", "", currency, v.Service))
	}
	return append(out, row{
		Item: "floating IP", Kind: "fip", Price: string(v.FloatingIP), Unit: money.Months, Currency: currency,
		PerMonth: money.Rate(currency, v.FloatingIP, bySecond),
	})
}

func perSecond(item, kind, size, currency string, price types.Amount) row {
	return row{
		Item: item, Kind: kind, Size: size, Price: string(price), Unit: money.Seconds, Currency: currency,
		PerSecond: money.Rate(currency, price, bySecond),
		PerHour:   money.Rate(currency, money.Times(price, money.Hour, 1), byHour),
		Per30Days: money.Amount(currency, money.Times(price, money.ThirtyDays, 1)),
	}
}

// Sizes are those of containers that a version has prices for, in their order.
func Sizes(v types.PriceVersion) []string { return slices.SortedFunc(maps.Keys(v.Containers), bySize) }

// bySize puts sizes in their order, which is s, m, l.
func bySize(a, b string) int {
	family := func(size string) int { return strings.Index("sml", size[:min(1, len(size))]) }
	return cmp.Or(cmp.Compare(family(a), family(b)), cmp.Compare(a, b))
}
