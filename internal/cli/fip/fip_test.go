package fip

import (
	"context"
	"strings"
	"testing"

	"github.com/hypercloud/hyper/internal/cli/listing"
)

// layout is that of the specification (cli 6.3), to the last blank.
const layout = `
Floating IP         Name                Container                                                          Service
203.0.113.24        shopip              7be0c19d4f3a5e2288b1460d9a7c3f51e6d2840b9f17ac35528e0d61b4937fa0   
203.0.113.25                                                                                               api
203.0.113.26                                                                                               
`

func TestLsLayout(t *testing.T) {
	var b strings.Builder
	if err := listing.Write(&b, fipListing, "", false, []row{
		{"203.0.113.24", "shopip", "7be0c19d4f3a5e2288b1460d9a7c3f51e6d2840b9f17ac35528e0d61b4937fa0", ""},
		{"203.0.113.25", "", "", "api"},
		{"203.0.113.26", "", "", ""},
	}); err != nil {
		t.Fatal(err)
	}
	if got, want := b.String(), layout[1:]; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestConfirm(t *testing.T) {
	for name, c := range map[string]struct {
		typed  string
		agreed bool
		asked  int
		fails  bool
	}{
		"y":                      {"y\n", true, 1, false},
		"YES":                    {"YES\n", true, 1, false},
		"n":                      {"n\n", false, 1, false},
		"No":                     {"No\n", false, 1, false},
		"something else first":   {"maybe\n\nyes\n", true, 3, false},
		"no end of line":         {"y", true, 1, false},
		"nothing":                {"", false, 1, true},
		"something, then an end": {"what\n", false, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			agreed, err := Confirm(context.Background(), strings.NewReader(c.typed), &out)
			if agreed != c.agreed || (err != nil) != c.fails {
				t.Errorf("agreed %v, error %v", agreed, err)
			}
			if asked := strings.Count(out.String(), " [y/n]: "); asked != c.asked {
				t.Errorf("asked %d times, want %d", asked, c.asked)
			}
		})
	}
}
