package secgroup

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/hypercloud/hyper/internal/plainyaml"
	"github.com/hypercloud/hyper/internal/store"
)

// form is what a file is: the file, its rules, a rule. Its size is several times what MaxRules rules take.
var form = plainyaml.Format{
	Noun: "security group", What: "rules", Empty: "it needs a list of rules, which may be empty itself (rules: [])", Size: 32 << 10, Depth: 3,
}

// definition is what a file says.
type definition struct {
	name string // "": not said
	spec store.SecurityGroupSpec
	line []int // of each rule
}

// parse reads a file. Errors: ErrInvalidArgument, with the line.
func parse(text []byte) (definition, error) {
	var d definition
	root, err := form.Read(text)
	if err != nil {
		return d, err
	}
	err = fields(root, "the file", map[string]func(ast.Node) error{
		"name":        func(n ast.Node) error { return words(n, "name", &d.name) },
		"description": func(n ast.Node) error { return words(n, "description", &d.spec.Description) },
		"rules": func(n ast.Node) error {
			list, err := items(n, "rules")
			for _, item := range list {
				if err != nil {
					break
				}
				var r store.SecurityGroupRule
				r, err = rule(item)
				d.spec.Rules, d.line = append(d.spec.Rules, r), append(d.line, line(item))
			}
			return err
		},
	})
	return d, err
}

// wrong is a complaint about a line.
func wrong(line int, format string, args ...any) error { return form.Wrong(line, format, args...) }

func line(n ast.Node) int { return plainyaml.Line(n) }

// fields hands the values of a mapping to those who know their keys.
func fields(n ast.Node, what string, known map[string]func(ast.Node) error) error {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		return wrong(line(n), "%s is %s, and should be names with values", what, kind(n))
	}
	for _, v := range values {
		key := v.Key.GetToken().Value
		read, ok := known[key]
		if !ok {
			names := make([]string, 0, len(known))
			for name := range known {
				names = append(names, name)
			}
			slices.Sort(names)
			return wrong(line(v), "there is no key %q here: choose of %s", clip(key), strings.Join(names, ", "))
		}
		if err := read(v.Value); err != nil {
			return err
		}
	}
	return nil
}

// items are those of a list; nothing is an empty one.
func items(n ast.Node, key string) ([]ast.Node, error) {
	switch s := n.(type) {
	case *ast.SequenceNode:
		return s.Values, nil
	case *ast.NullNode:
		return nil, nil
	}
	return nil, wrong(line(n), "%s is %s, and should be a list", key, kind(n))
}

// words reads a text; nothing is an empty one.
func words(n ast.Node, key string, to *string) error {
	switch s := n.(type) {
	case *ast.StringNode:
		*to = s.Value
	case *ast.LiteralNode:
		*to = s.Value.Value
	case *ast.NullNode:
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return wrong(line(n), "%s is %s, and should be text: put it between quotes", key, kind(n))
	default:
		return wrong(line(n), "%s is %s, and should be text", key, kind(n))
	}
	return nil
}

// number reads a number that can be a port.
func number(n ast.Node, key string, to *int) error {
	switch i := n.(type) {
	case *ast.NullNode:
		return nil
	case *ast.IntegerNode:
		if u, ok := i.Value.(uint64); ok && u <= 65535 {
			*to = int(u)
			return nil
		}
		return wrong(line(n), "%s is %s, and should be from 0 to 65535", key, clip(i.GetToken().Value))
	}
	return wrong(line(n), "%s is %s, and should be a number without quotes", key, kind(n))
}

func kind(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "names with values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.StringNode, *ast.LiteralNode:
		return "text"
	case *ast.IntegerNode, *ast.FloatNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	case *ast.NullNode:
		return "nothing"
	}
	return "something else"
}

// clip keeps a message short, whatever is in it.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
