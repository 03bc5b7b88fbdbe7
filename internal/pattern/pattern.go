// Package pattern makes the regular expressions that clients filter names by. By the library's own bounds one pattern may take a hundred megabytes: some
// text between brackets, a thousand times.
package pattern

import (
	"errors"
	"regexp"
	"regexp/syntax"
)

// most is how many steps a pattern may have, its repetitions written out. The longest names have 255 characters.
const most = 1000

// Compile is regexp.Compile for patterns of strangers.
func Compile(text string) (*regexp.Regexp, error) {
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	if steps(re) > most {
		return nil, errors.New("the pattern is too long, its repetitions counted")
	}
	return regexp.Compile(text)
}

func steps(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		n += steps(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return min(n, most+1) // it does not overflow
}
