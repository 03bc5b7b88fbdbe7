package metering

import (
	"bytes"
	"encoding/json"
	"io"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/hypercloud/hyper/internal/oops"
)

// Service is what a service costs beside its containers, from its creation to its removal.
const Service Kind = "service"

// Sizes are those of containers, small ones first. Each has a price.
var Sizes = []string{"s1", "s2", "s3", "s4", "m1", "m2", "m3", "l1", "l2", "l3"}

// kinds are those that have a price of their own, in the order of bills; a container's is by its size.
var kinds = []Kind{Container, RootFS, Volume, Snapshot, Image, FloatingIP, Service}

// secondsOfMonth is what a price by the month is for, but that of a floating IP: 30 days.
const secondsOfMonth = 30 * 24 * 60 * 60

// item is something that has a price.
type item struct {
	kind  Kind
	class string
}

func (i item) String() string {
	if i.class != "" {
		return string(i.kind) + " " + i.class
	}
	return string(i.kind)
}

// items are all that there are.
func items() []item {
	all := make([]item, 0, len(Sizes)+len(kinds))
	for _, size := range Sizes {
		all = append(all, item{Container, size})
	}
	for _, k := range kinds[1:] {
		all = append(all, item{kind: k})
	}
	return all
}

// Prices are what things cost from a day on: one version of a price book. They do not change.
type Prices struct {
	currency string
	from     time.Time
	of       map[item]*big.Int // in units of the twelfth place
}

// Currency is the ISO 4217 code.
func (p *Prices) Currency() string { return p.currency }

// From is the first moment at which the prices hold: a day's beginning in UTC.
func (p *Prices) From() time.Time { return p.from }

// Day is From as text, such as 2026-11-27.
func (p *Prices) Day() string { return p.from.Format(dayFormat) }

// Of is the price of a kind of things as the book has it: of containers (class is the size) and services for a second, of what is stored for a GB and
// 30 days, of floating IPs for a calendar month. It is false where there is none.
func (p *Prices) Of(kind Kind, class string) (*big.Rat, bool) {
	n, ok := p.of[item{kind, class}]
	if !ok {
		return nil, false
	}
	return rat(n), true
}

// PerSecond is what one thing of a kind, or one GB of it, costs for a second, exactly. It is false where there is no price, and of floating IPs.
func (p *Prices) PerSecond(kind Kind, class string) (*big.Rat, bool) {
	r, ok := p.Of(kind, class)
	switch unit, _ := units(kind); {
	case !ok || unit == unitMonth:
		return nil, false
	case unit == unitGBSecond:
		return r.Quo(r, big.NewRat(secondsOfMonth, 1)), true
	}
	return r, true
}

// Units of quantities, and what prices are for.
const (
	unitSecond   = "s"
	unitGBSecond = "GB s"
	unitMonth    = "month"
	perGBMonth   = "GB month"
)

// units are that of the quantity of a kind, and that of its price. A correction has neither.
func units(k Kind) (quantity, price string) {
	switch k {
	case Container, Service:
		return unitSecond, unitSecond
	case RootFS, Volume, Snapshot, Image:
		return unitGBSecond, perGBMonth
	case FloatingIP:
		return unitMonth, unitMonth
	}
	return "", ""
}

// equal compares the prices of what p has. There may be more in q: a later Hyper knows more things that have a price.
func (p *Prices) equal(q *Prices) (differs item, ok bool) {
	for _, i := range items() {
		if price, ok := p.of[i]; ok && (q.of[i] == nil || price.Cmp(q.of[i]) != 0) {
			return i, false
		}
	}
	return item{}, true
}

// versionText is a version as it is noted. Its numbers are text, which no reader of JSON makes floats of.
type versionText struct {
	Currency  string            `json:"currency"`
	From      string            `json:"from"`
	Container map[string]string `json:"container"`
	RootFS    string            `json:"rootfs,omitempty"`
	Volume    string            `json:"volume,omitempty"`
	Snapshot  string            `json:"snapshot,omitempty"`
	Image     string            `json:"image,omitempty"`
	FIP       string            `json:"fip,omitempty"`
	Service   string            `json:"service,omitempty"`
}

func (v *versionText) of(i item) string {
	switch i.kind {
	case Container:
		return v.Container[i.class]
	default:
		return *v.field(i.kind)
	}
}

func (v *versionText) field(k Kind) *string {
	return map[Kind]*string{RootFS: &v.RootFS, Volume: &v.Volume, Snapshot: &v.Snapshot, Image: &v.Image, FloatingIP: &v.FIP, Service: &v.Service}[k]
}

// Text is the version as JSON on one line, for [ParseVersion]. Equal prices have equal texts.
func (p *Prices) Text() string {
	v := versionText{Currency: p.currency, From: p.Day(), Container: map[string]string{}}
	for i, n := range p.of {
		if i.kind == Container {
			v.Container[i.class] = Exact(rat(n))
		} else {
			*v.field(i.kind) = Exact(rat(n))
		}
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // there is nothing in it but text
	}
	return string(text)
}

// ParseVersion reads what Text wrote. A price may be missing, since what was noted by an earlier Hyper need not have all that this one knows;
// what it does not know is an error.
func ParseVersion(text string) (*Prices, error) {
	var v versionText
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return nil, oops.Invalid("a noted version of the price book cannot be read: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, oops.Invalid("a noted version of the price book has something behind its end")
	}
	from, ok := day(v.From)
	switch {
	case !currencyCode.MatchString(v.Currency):
		return nil, oops.Invalid("a noted version of the price book has the currency %q", clip(v.Currency))
	case !ok:
		return nil, oops.Invalid("a noted version of the price book is from %q, which is no day", clip(v.From))
	}
	p := &Prices{currency: v.Currency, from: from, of: map[item]*big.Int{}}
	for size := range v.Container {
		if !slices.Contains(Sizes, size) {
			return nil, oops.Invalid("the noted prices from %s have one of the size %q, which does not exist", p.Day(), clip(size))
		}
	}
	for _, i := range items() {
		text := v.of(i)
		if text == "" {
			continue
		}
		n, problem := parsePrice(text)
		if problem != "" {
			return nil, oops.Invalid("the noted prices from %s: %s is %s", p.Day(), i, problem)
		}
		p.of[i] = n
	}
	return p, nil
}

// parsePrice reads a price; see parseDecimal.
func parsePrice(text string) (n *big.Int, problem string) {
	n, problem = parseDecimal(text, priceDigits)
	if problem == "" && strings.HasPrefix(text, "-") {
		return nil, clip(text) + ", and a price cannot be negative: what costs nothing costs 0"
	}
	return n, problem
}

// day reads a day, as 2026-11-27. It is UTC's.
func day(text string) (time.Time, bool) {
	t, err := time.Parse(dayFormat, text)
	return t, err == nil && t.Year() > 0 && bytes.Equal(t.AppendFormat(nil, dayFormat), []byte(text))
}
