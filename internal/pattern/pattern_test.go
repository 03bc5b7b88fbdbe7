package pattern

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"testing"
)

func TestCompile(t *testing.T) {
	for text, ok := range map[string]bool{
		"web": true, "^/?web-[0-9]{1,3}$": true, "": true, "[a-z]+(-[a-z0-9]{2,8}){0,10}": true, "(": false, strings.Repeat("x", 255): true,
		"(x{100}){100}": false, "((x{10,}){30}){30}": false, strings.Repeat("x", 2000): false, "(((x{30}){30}){30}){30}": false, strings.Repeat("(x{9}){9}", 100): false,
	} {
		re, err := Compile(text)
		if (err == nil) != ok {
			t.Errorf("%.40q: %v", text, err)
		}
		if err == nil && re.String() != text {
			t.Errorf("%q became %q", text, re)
		}
	}
}

// What is taken is what the library takes, and its program is short.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{"web", "(a{9}){9}", "a|b", "[^a-z]{3,}", "(?i)x", `\pL{1000}`, "x**", "(?:(?:x{2}){500}){2}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		re, err := Compile(text)
		if err != nil {
			return
		}
		if _, err := regexp.Compile(text); err != nil {
			t.Errorf("the library does not take it: %v", err)
		}
		parsed, err := syntax.Parse(re.String(), syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		prog, err := syntax.Compile(parsed.Simplify())
		if err != nil {
			t.Fatal(err)
		}
		if len(prog.Inst) > 4*most+10 {
			t.Errorf("it has %d steps", len(prog.Inst))
		}
	})
}
