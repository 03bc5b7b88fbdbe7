package metering

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/plainyaml"
)

// maxVersions is how many versions a price book can have.
const maxVersions = 1000

// form is what the file is: the book, its versions, a version, its sizes.
var form = plainyaml.Format{Noun: "price book", What: "prices", Empty: "it needs a currency and prices", Size: 64 << 10, Depth: 4}

// Parse reads a price book's file; docs/prices.md has its format, and original.yaml is one. Numbers are taken as they are written, never as
// floating point. Errors: ErrInvalidArgument, with the line.
func Parse(text []byte) (*Book, error) {
	root, err := form.Read(text)
	if err != nil {
		return nil, err
	}
	var currency, prices ast.Node
	err = fields(root, "the price book", map[string]*ast.Node{"currency": &currency, "prices": &prices})
	if err != nil {
		return nil, err
	}
	if currency == nil {
		return nil, oops.Invalid("the price book has no currency: give its ISO 4217 code, such as USD")
	}
	code, ok := scalar(currency)
	if !ok || !currencyCode.MatchString(code) {
		return nil, wrong(currency, "the currency is %s, and should be an ISO 4217 code, three capital letters such as USD", show(currency))
	}
	list, ok := prices.(*ast.SequenceNode)
	switch {
	case prices == nil || prices.Type() == ast.NullType || ok && len(list.Values) == 0:
		return nil, oops.Invalid("the price book has no versions: it needs at least one under prices, with the day from which on they hold")
	case !ok:
		return nil, wrong(prices, "prices is %s, and should be a list of versions, each with a day (from)", show(prices))
	case len(list.Values) > maxVersions:
		return nil, oops.Invalid("the price book has %d versions, and can have %d", len(list.Values), maxVersions)
	}
	versions := make([]*Prices, len(list.Values))
	for i, n := range list.Values {
		if versions[i], err = version(n, code); err != nil {
			return nil, err
		}
		for _, earlier := range versions[:i] {
			if earlier.from.Equal(versions[i].from) {
				return nil, wrong(n, "there is another version from %s: give each a day of its own", earlier.Day())
			}
		}
	}
	return FromVersions(versions...)
}

// version reads one version.
func version(n ast.Node, currency string) (*Prices, error) {
	var from, free ast.Node
	values := make([]ast.Node, len(kinds))
	known := map[string]*ast.Node{"from": &from, "free": &free}
	for i, k := range kinds {
		known[string(k)] = &values[i]
	}
	if err := fields(n, "a version", known); err != nil {
		return nil, err
	}
	if from == nil {
		return nil, wrong(n, "a version does not say from which day on it holds: give from, such as 2026-11-27")
	}
	text, _ := scalar(from)
	begins, ok := day(text)
	if !ok {
		return nil, wrong(from, "from is %s, which is not a day: write one as 2026-11-27, without a time", show(from))
	}
	p := &Prices{currency: currency, from: begins, of: map[item]*big.Int{}}
	if free != nil {
		return p, p.allFree(free, values)
	}
	sizes := make([]ast.Node, len(Sizes))
	if values[0] != nil {
		known := map[string]*ast.Node{}
		for i, size := range Sizes {
			known[size] = &sizes[i]
		}
		if err := fields(values[0], "container", known); err != nil {
			return nil, err
		}
	}
	for j, i := range items() {
		value := slices.Concat(sizes, values[1:])[j]
		if value == nil || value.Type() == ast.NullType {
			return nil, wrong(n, "the prices from %s have none of %s: give one, which is 0 if it costs nothing", p.Day(), i)
		}
		text, ok := scalar(value)
		if !ok {
			return nil, wrong(value, "the price of %s is %s, and should be a decimal number such as 0.0000004", i, show(value))
		}
		price, problem := parsePrice(text)
		if problem != "" {
			return nil, wrong(value, "the price of %s is %s", i, problem)
		}
		p.of[i] = price
	}
	return p, nil
}

// allFree reads "free: true", which stands for a price of 0 for everything.
func (p *Prices) allFree(free ast.Node, values []ast.Node) error {
	if b, ok := free.(*ast.BoolNode); !ok || !b.Value {
		return wrong(free, "free is %s, and can only be true: leave it out where things have prices", show(free))
	}
	for i, v := range values {
		if v != nil {
			return wrong(v, "the version from %s is free, and has a price of %s: leave one of them out", p.Day(), kinds[i])
		}
	}
	for _, i := range items() {
		p.of[i] = new(big.Int)
	}
	return nil
}

// fields takes the values of a mapping to where its keys are known.
func fields(n ast.Node, what string, known map[string]*ast.Node) error {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		return wrong(n, "%s is %s, and should be names with values", what, show(n))
	}
	for _, v := range values {
		key := v.Key.GetToken().Value
		to, ok := known[key]
		switch {
		case !ok && what == "container":
			return wrong(v, "there is no size %q: choose of %s", clip(key), strings.Join(Sizes, ", "))
		case !ok:
			names := make([]string, 0, len(known))
			for name := range known {
				names = append(names, name)
			}
			slices.Sort(names)
			return wrong(v, "there is no %q in %s: choose of %s", clip(key), what, strings.Join(names, ", "))
		case *to != nil:
			return wrong(v, "%s is there twice", key)
		}
		*to = v.Value
	}
	return nil
}

// scalar is the text of a number or a word, as it stands there or between its quotes.
func scalar(n ast.Node) (string, bool) {
	switch s := n.(type) {
	case *ast.StringNode:
		return s.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// show says what a node is.
func show(n ast.Node) string {
	if text, ok := scalar(n); ok {
		return fmt.Sprintf("%q", clip(text))
	}
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "names with values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.LiteralNode:
		return "a text of lines"
	case *ast.NullNode:
		return "nothing"
	}
	return "something else"
}

func wrong(n ast.Node, format string, args ...any) error {
	return form.Wrong(plainyaml.Line(n), format, args...)
}
