package projectname

import (
	"strings"
	"testing"
)

func TestNormalise(t *testing.T) {
	for typed, want := range map[string]string{"blog": "blog", "My-App_2": "myapp2", "Ünïcode": "ncode", strings.Repeat("a", Longest): strings.Repeat("a", Longest)} {
		if got, err := Normalise(typed); got != want || err != nil {
			t.Errorf("%q is %q: %v", typed, got, err)
		}
	}
	for typed, want := range map[string]string{
		"": `the project name "" has no letter or digit in it: name the project by -p`, "-_.": `the project name "-_." has no letter or digit in it: name the project by -p`,
		strings.Repeat("a", Longest+1): "the project name " + strings.Repeat("a", Longest+1) + " is longer than 48 characters: choose a shorter one by -p",
	} {
		if _, err := Normalise(typed); err == nil || err.Error() != want {
			t.Errorf("%q: %v", typed, err)
		}
	}
}
