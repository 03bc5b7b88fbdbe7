package names

import (
	"regexp"
	"slices"
	"testing"
)

func TestFrom(t *testing.T) {
	for name, tc := range map[string]struct {
		intn func(int) int
		want string
	}{
		"the first words": {func(int) int { return 0 }, "able-abel"},
		"the last words":  {func(n int) int { return n - 1 }, "zesty-zuse"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := From(tc.intn); got != tc.want {
				t.Errorf("From = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestEveryNameIsAContainersName(t *testing.T) {
	word := regexp.MustCompile(`^[a-z]+$`)
	for _, list := range [][]string{adjectives, surnames} {
		for _, w := range list {
			if !word.MatchString(w) || len(w) > 23 {
				t.Errorf("%q cannot be half of a name", w)
			}
		}
		if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
			t.Error("the words are not sorted, or there is one twice")
		}
	}
	if n := len(adjectives) * len(surnames); n < 15000 {
		t.Errorf("there are only %d names", n)
	}
}

func TestGenerateVaries(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		seen[Generate()] = true
	}
	if len(seen) < 80 {
		t.Errorf("100 names are only %d different ones", len(seen))
	}
}
