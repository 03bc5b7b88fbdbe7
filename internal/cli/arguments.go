package cli

import (
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// unbundle rewrites bundles of short flags as the first client read them (cli 1.6): each letter takes what follows
// the bundle, so that "-fa name=web" is "-f name=web -a". A bundle is taken apart only when every letter is a flag
// and one with a value is not the last; everything else is left to the parser.
func unbundle(f *pflag.FlagSet, args []string) []string {
	var out []string
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			return append(append(out, arg), args...)
		}
		letters, ok := bundle(f, arg)
		if !ok {
			out = append(out, arg)
			continue
		}
		for _, l := range letters {
			out = append(out, "-"+l)
			if takesValue(f, l) && len(args) > 0 {
				out = append(out, args[0])
				args = args[1:]
			}
		}
	}
	return out
}

func bundle(f *pflag.FlagSet, arg string) ([]string, bool) {
	if len(arg) < 3 || arg[0] != '-' || arg[1] == '-' {
		return nil, false
	}
	letters := strings.Split(arg[1:], "")
	for _, l := range letters {
		if len(l) != 1 || f.ShorthandLookup(l) == nil {
			return nil, false
		}
	}
	return letters, slices.ContainsFunc(letters[:len(letters)-1], func(l string) bool { return takesValue(f, l) })
}

func takesValue(f *pflag.FlagSet, letter string) bool {
	flag := f.ShorthandLookup(letter)
	return flag != nil && flag.NoOptDefVal == ""
}

// less is a number below zero as it is typed. What it is worth is the command's to say.
var less = regexp.MustCompile(`^-[0-9.]`)

// negativeLast puts an argument that is a number below zero, which would be taken for flags, behind a "--" and thereby to the end. It is for
// commands whose last argument is the only one that can be such a number.
func negativeLast(f *pflag.FlagSet, args []string) []string {
	var before, behind []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			return append(append(append(before, "--"), args[i+1:]...), behind...)
		case less.MatchString(arg):
			behind = append(behind, arg)
			continue
		}
		before = append(before, arg)
		if longTakesValue(f, arg) && i+1 < len(args) {
			i++
			before = append(before, args[i])
		}
	}
	if len(behind) == 0 {
		return before
	}
	return append(append(before, "--"), behind...)
}

// longTakesValue says whether an argument is a long flag whose value is the next argument.
func longTakesValue(f *pflag.FlagSet, arg string) bool {
	name, long := strings.CutPrefix(arg, "--")
	flag := f.Lookup(name)
	return long && flag != nil && flag.NoOptDefVal == ""
}
