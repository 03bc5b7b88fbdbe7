package metering

import (
	"cmp"
	"math/big"
	"slices"
	"strings"
)

// groupKey is what a group has in common. Resource is of ByResource only.
type groupKey struct {
	kind            Kind
	class, resource string
	correction      *Entry // one that has a line of its own
}

// group is the use of a thing, or of a kind of things. It becomes a line for each of its bins in which something was used.
type group struct {
	groupKey
	*tariff
	last    *Entry          // which says most of its present
	start   int64           // when it was first used
	used    []tally         // by segment
	fixed   []big.Int       // of corrections, by bin
	running set             // bins in which some of it goes on
	things  map[string]*set // the bins of each thing; nil of one thing, and of corrections
}

// tariff is what an item costs, and in which lines it goes.
type tariff struct {
	price []*big.Int // by segment; nil: there is none
	bins  []int      // by segment; -1: there is no price
	first []int      // a segment of each bin
}

func (c *charging) group(p part) *group {
	e := p.entry
	key := groupKey{kind: e.Kind, class: e.Class}
	switch {
	case e.Kind == Correction && (c.by == ByResource || c.by == ByPrice):
		key.class, key.correction = "", e
	case e.Kind == Correction:
		key.class = ""
	case c.by == ByResource:
		key.resource = e.Resource
	}
	g, ok := c.groups[key]
	if !ok {
		g = &group{groupKey: key, tariff: c.tariff(item{key.kind, key.class}), last: e, start: p.start, used: make([]tally, len(c.segments))}
		switch {
		case e.Kind == Correction:
			g.fixed = make([]big.Int, len(g.first))
		case c.by != ByResource:
			g.things = map[string]*set{}
		}
		c.groups[key] = g
	}
	g.start = min(g.start, p.start)
	if newer(e, g.last) {
		g.last = e
	}
	return g
}

// thing has the bins of one of the group's things.
func (g *group) thing(resource string) *set {
	if g.things == nil {
		return nil
	}
	bins := g.things[resource]
	if bins == nil {
		bins = new(set)
		g.things[resource] = bins
	}
	return bins
}

func (c *charging) tariff(i item) *tariff {
	if t, ok := c.tariffs[i]; ok {
		return t
	}
	t := &tariff{price: make([]*big.Int, len(c.segments)), bins: make([]int, len(c.segments))}
	c.tariffs[i] = t
	for n, s := range c.segments {
		if s.version >= 0 {
			t.price[n] = c.book.versions[s.version].of[i]
		}
		if t.price[n] == nil && i.kind != Correction {
			t.bins[n] = -1
			continue
		}
		switch {
		case c.by == ByDay, c.by == ByMonth:
			t.bins[n] = s.period
		case c.by == ByPrice && i.kind != Correction:
			same := func(first int) bool { return t.price[first].Cmp(t.price[n]) == 0 }
			if t.bins[n] = slices.IndexFunc(t.first, same); t.bins[n] < 0 {
				t.bins[n] = len(t.first)
			}
		}
		for len(t.first) <= t.bins[n] {
			t.first = append(t.first, n)
		}
	}
	return t
}

// Amounts are summed up in units of the smallest that there can be: the last place of a price, for a millisecond and a GB of a month.
var (
	perSecond = big.NewInt(secondsOfMonth)        // a price by the second, and a millisecond
	perMonth  = big.NewInt(secondsOfMonth * 1000) // a price by the calendar month, and such a month
	unit      = new(big.Int).Mul(one, perMonth)   // what 1 is
)

// statement makes the lines of the groups.
func (c *charging) statement() *Statement {
	type sortable struct {
		Line
		rank, class int
		start       int64
		bin         int
		seq         int64
	}
	var lines []*sortable
	total := new(big.Int)
	var quantities []tally
	var amounts []*big.Int
	for _, g := range c.groups {
		quantities, amounts = quantities[:0], amounts[:0]
		for range g.first {
			quantities, amounts = append(quantities, tally{}), append(amounts, new(big.Int))
		}
		for i, used := range g.used {
			if used.zero() {
				continue
			}
			bin := g.bins[i]
			quantities[bin].sum(used)
			if g.kind != Correction {
				n := used.big()
				amounts[bin].Add(amounts[bin], n.Mul(n, g.price[i]))
			}
		}
		counts := g.counts()
		for bin := range g.first {
			used := quantities[bin]
			if used.zero() {
				continue
			}
			l := &sortable{Line: g.line(c, bin), start: g.start, bin: bin, seq: g.last.Seq, class: slices.Index(Sizes, g.class)}
			l.rank, _ = rank(g.kind)
			n := amounts[bin]
			switch l.Count = 1; l.Unit {
			case unitSecond:
				n.Mul(n, perSecond)
				l.Quantity = used.thousandth()
			case unitGBSecond:
				l.Quantity = used.thousandth()
			case unitMonth:
				n.Mul(n, perMonth)
				l.Quantity = new(big.Rat).SetInt(used.big())
			default:
				n.Mul(&g.fixed[bin], perMonth)
				l.Quantity, l.Count = new(big.Rat).SetInt(used.big()), int(used.lo)
			}
			if counts != nil {
				l.Count = counts[bin]
			}
			total.Add(total, n)
			l.Amount = new(big.Rat).SetFrac(n, unit)
			lines = append(lines, l)
		}
	}
	slices.SortFunc(lines, func(a, b *sortable) int {
		if order := cmp.Or(strings.Compare(a.Period, b.Period), a.rank-b.rank, strings.Compare(a.Name, b.Name), strings.Compare(a.Resource, b.Resource),
			a.class-b.class, a.bin-b.bin, cmp.Compare(a.start, b.start), cmp.Compare(a.seq, b.seq), strings.Compare(a.Note, b.Note)); order != 0 {
			return order
		}
		return a.Amount.Cmp(b.Amount)
	})
	st := &Statement{Currency: c.book.currency, Lines: make([]Line, len(lines)), Total: new(big.Rat).SetFrac(total, unit)}
	for i, l := range lines {
		st.Lines[i] = l.Line
	}
	return st
}

// line is what is not counted of a line.
func (g *group) line(c *charging, bin int) Line {
	l := Line{Kind: g.kind, Class: g.class, Running: g.running.has(bin), Period: c.segments[g.first[bin]].name}
	l.Unit, l.PriceUnit = units(g.kind)
	switch {
	case c.by == ByResource:
		l.Resource, l.Name = g.last.Resource, g.last.Name
	case c.by == ByPrice && g.kind != Correction:
		l.Price = rat(g.price[g.first[bin]])
	}
	if l.Price == nil {
		l.PriceUnit = ""
	}
	if g.correction != nil {
		l.Note = g.correction.Note
	}
	return l
}

// counts are the things of each bin; nil where the group is one thing, or corrections.
func (g *group) counts() []int {
	if g.things == nil {
		return nil
	}
	counts := make([]int, len(g.first))
	for _, s := range g.things {
		s.each(func(bin int) { counts[bin]++ })
	}
	return counts
}
