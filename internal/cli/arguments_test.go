package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestUnbundle(t *testing.T) {
	for given, want := range map[string]string{
		"ps -fa name=web":           "ps -f name=web -a",
		"ps -afq name=web":          "ps -a -f name=web -q",
		"ps -fn name=web 3":         "ps -f name=web -n 3",
		"ps -af name=web":           "ps -af name=web",
		"ps -aq":                    "ps -aq",
		"ps -f name=web -a":         "ps -f name=web -a",
		"ps -fname=web":             "ps -fname=web",
		"ps -n5":                    "ps -n5",
		"ps --all -fa label=a":      "ps --all -f label=a -a",
		"ps -- -fa x":               "ps -- -fa x",
		"ps -fa":                    "ps -f -a",
		"ps -a --format {{.Names}}": "ps -a --format {{.Names}}",
	} {
		f := pflag.NewFlagSet("ps", pflag.ContinueOnError)
		f.BoolP("all", "a", false, "")
		f.BoolP("quiet", "q", false, "")
		f.StringP("filter", "f", "", "")
		f.IntP("last", "n", -1, "")
		f.String("format", "", "")
		if got := unbundle(f, strings.Fields(given)); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s: got %q", given, got)
		}
	}
}

func TestNegativeLast(t *testing.T) {
	for given, want := range map[string]string{
		"ann -1.50 --note why":        "ann --note why -- -1.50",
		"ann -1.50 --note=why":        "ann --note=why -- -1.50",
		"--note -5 ann -1.50":         "--note -5 ann -- -1.50",
		"--note why ann -.5":          "--note why ann -- -.5",
		"ann --json -1":               "ann --json -- -1",
		"ann 1.50 --note why":         "ann 1.50 --note why",
		"--note why ann -- -1.50":     "--note why ann -- -1.50",
		"--note why ann -- --1 -2":    "--note why ann -- --1 -2",
		"--nope ann -1":               "--nope ann -- -1",
		"ann -x -1 --note":            "ann -x --note -- -1",
		"--note --note ann -1 --json": "--note --note ann --json -- -1",
	} {
		f := pflag.NewFlagSet("correct", pflag.ContinueOnError)
		f.Bool("json", false, "")
		f.String("note", "", "")
		if got := negativeLast(f, strings.Fields(given)); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s: got %q", given, got)
		}
	}
}
