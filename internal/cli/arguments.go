package cli

import (
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
