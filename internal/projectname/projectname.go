// Package projectname says how the projects of compose files are called: one rule for the client, which finds their containers by it, and
// for the server, which makes those of the original client.
package projectname

import (
	"fmt"
	"strings"
)

// Longest is how many characters a container's name, of which the project's is a part, may have (behaviour 2.3).
const Longest = 48

// Normalise is a project's name as it stands in labels and names: lower case, and nothing but letters and digits (behaviour 12.2). It is an
// error when nothing is left, or more than Longest characters.
func Normalise(typed string) (string, error) {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(typed))
	switch {
	case name == "":
		return "", fmt.Errorf("the project name %q has no letter or digit in it: name the project by -p", typed)
	case len(name) > Longest:
		return "", fmt.Errorf("the project name %s is longer than %d characters: choose a shorter one by -p", name, Longest)
	}
	return name, nil
}
