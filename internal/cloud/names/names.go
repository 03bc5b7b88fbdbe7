// Package names makes up names for containers that were given none: an adjective and the surname
// of somebody who built or understood something, joined by a hyphen, such as patient-hopper.
package names

import "math/rand/v2"

// Generate makes up a name. It may be taken: the caller asks again.
func Generate() string { return From(rand.IntN) }

// From makes up a name with the randomness of intn, which returns a number from 0 up to, not including, n.
func From(intn func(n int) int) string {
	return adjectives[intn(len(adjectives))] + "-" + surnames[intn(len(surnames))]
}
