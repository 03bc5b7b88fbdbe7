package secgroup

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// maxFile is how many bytes a file may have: several times what MaxRules rules take.
const maxFile = 32 << 10

// definition is what a file says.
type definition struct {
	name string // "": not said
	spec store.SecurityGroupSpec
	line []int // of each rule
}

// parse reads a file. Errors: ErrInvalidArgument, with the line.
func parse(text []byte) (definition, error) {
	var d definition
	if len(text) > maxFile {
		return d, oops.Invalid("the file of a security group has at most %d KiB, this one has %d", maxFile>>10, (len(text)+1023)>>10)
	}
	if !utf8.Valid(text) {
		return d, oops.Invalid("the file of the security group is not text in UTF-8")
	}
	root, err := document(string(text))
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

// document is the one document of a text. What the format of security groups has no use for is refused before the parser sees it:
// aliases, which make much of little, and depth, which costs the parser time.
func document(text string) (root ast.Node, err error) {
	defer func() {
		if r := recover(); r != nil { // of the parser
			root, err = nil, oops.Invalid("the file of the security group is not YAML")
		}
	}()
	tokens := lexer.Tokenize(text)
	if err := plain(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		var at yaml.Error
		if errors.As(err, &at) && at.GetToken() != nil && at.GetToken().Position != nil {
			return nil, wrong(at.GetToken().Position.Line, "%s", at.GetMessage())
		}
		return nil, oops.Invalid("the file of the security group is not YAML: %v", err)
	}
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case root != nil:
			return nil, wrong(line(doc.Body), "a second document begins here, and a file is one security group")
		default:
			root = doc.Body
		}
	}
	if root == nil {
		return nil, oops.Invalid("the file of the security group is empty: it needs a list of rules, which may be empty itself (rules: [])")
	}
	return root, nil
}

// plain refuses what no file of a security group has.
func plain(tokens token.Tokens) error {
	const deepest = 3 // the file, its rules, a rule
	depth, entries, last := 0, 0, 0
	for _, t := range tokens {
		at := t.Position.Line
		if at != last {
			entries, last = 0, at
		}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return wrong(at, "anchors and aliases are not taken: write the rules out")
		case token.TagType, token.DirectiveType, token.MappingKeyType:
			return wrong(at, "%s is not taken: a file has names, values and lists only", t.Value)
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.SequenceEntryType:
			entries++
		}
		if depth > deepest || entries > deepest {
			return wrong(at, "lists are nested deeper than those of a security group")
		}
	}
	return nil
}

// wrong is a complaint about a line.
func wrong(line int, format string, args ...any) error {
	return oops.Invalid("line %d of the security group: %s", line, fmt.Sprintf(format, args...))
}

func line(n ast.Node) int {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		return line(m.Values[0])
	}
	if v, ok := n.(*ast.MappingValueNode); ok {
		return line(v.Key)
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 1
}

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
