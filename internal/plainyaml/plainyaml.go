// Package plainyaml reads YAML files of strangers that are no more than names, values and lists. What such a file has no use for is refused before a
// parser sees it: aliases, which make much of little, and depth, which costs the parser time. Errors name the line.
package plainyaml

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/hypercloud/hyper/internal/oops"
)

// Format is a kind of files.
type Format struct {
	Noun  string // what a file is, as "price book"
	What  string // what is to be written out instead of aliases, as "prices"
	Empty string // goes on a sentence that an empty file gets, as "it needs prices"
	Size  int    // bytes that a file may have
	Depth int    // of lists and mappings within one another
}

// Read is the one document of a file. Errors: ErrInvalidArgument.
func (f Format) Read(text []byte) (root ast.Node, err error) {
	if len(text) > f.Size {
		return nil, oops.Invalid("the file of a %s has at most %d KiB, this one has %d", f.Noun, f.Size>>10, (len(text)+1023)>>10)
	}
	if !utf8.Valid(text) {
		return nil, oops.Invalid("the file of the %s is not text in UTF-8", f.Noun)
	}
	defer func() {
		if r := recover(); r != nil { // of the parser
			root, err = nil, oops.Invalid("the file of the %s is not YAML", f.Noun)
		}
	}()
	tokens := lexer.Tokenize(string(text))
	if err := f.plain(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		var at yaml.Error
		if errors.As(err, &at) && at.GetToken() != nil && at.GetToken().Position != nil {
			return nil, f.Wrong(at.GetToken().Position.Line, "%s", at.GetMessage())
		}
		return nil, oops.Invalid("the file of the %s is not YAML: %v", f.Noun, err)
	}
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case root != nil:
			return nil, f.Wrong(Line(doc.Body), "a second document begins here, and a file is one %s", f.Noun)
		default:
			root = doc.Body
		}
	}
	if root == nil {
		return nil, oops.Invalid("the file of the %s is empty: %s", f.Noun, f.Empty)
	}
	return root, nil
}

// plain refuses what no such file has.
func (f Format) plain(tokens token.Tokens) error {
	depth, entries, last := 0, 0, 0
	for _, t := range tokens {
		at := t.Position.Line
		if at != last {
			entries, last = 0, at
		}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return f.Wrong(at, "anchors and aliases are not taken: write the %s out", f.What)
		case token.TagType, token.DirectiveType, token.MappingKeyType:
			return f.Wrong(at, "%s is not taken: a file has names, values and lists only", Clip(t.Value))
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.SequenceEntryType:
			entries++
		}
		if depth > f.Depth || entries > f.Depth {
			return f.Wrong(at, "this is nested deeper than a %s is", f.Noun)
		}
	}
	return nil
}

// Wrong is a complaint about a line.
func (f Format) Wrong(line int, format string, args ...any) error {
	return oops.Invalid("line %d of the %s: %s", line, f.Noun, fmt.Sprintf(format, args...))
}

// Line is where a node begins, from 1 on.
func Line(n ast.Node) int {
	switch m := n.(type) {
	case *ast.MappingNode:
		if len(m.Values) > 0 {
			return Line(m.Values[0])
		}
	case *ast.MappingValueNode:
		return Line(m.Key)
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 1
}

// Clip keeps a message short, whatever is in it.
func Clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
