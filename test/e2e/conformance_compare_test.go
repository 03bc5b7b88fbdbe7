package e2e

import (
	"fmt"
	"testing"
)

// TestComparison sees that the comparison finds what differs, and passes over what is another one in each run.
func TestComparison(t *testing.T) {
	out := func(s string) answer { return answer{stdout: s} }
	for _, tc := range []struct {
		name          string
		docker, hyper answer
		differences   int
	}{
		{"nothing", answer{}, answer{}, 0},
		{"exit code", answer{code: 1}, answer{}, 1},
		{"text", out("one\n"), out("two\n"), 1},
		{"text on the other stream", out("one\n"), answer{stderr: "one\n"}, 2},
		{"a line less", out("one\ntwo\n"), out("one\n"), 1},
		{"ids", out("50b3d4ce2838  web\n"), out("6151c0f0a3e5  web\n"), 0},
		{"ages and widths", out("web   Up 3 seconds   x\n"), out("web     Up About a minute   x\n"), 0},
		{"sizes", out("344KiB / 23.54GiB\n"), out("644KiB / 512MiB\n"), 0},
		{"a size, and none", out("344KiB / 23.54GiB\n"), out("644KiB / --\n"), 1},
		{"addresses", out("172.17.0.2\n"), out("172.16.0.9\n"), 0},
		{"refusals in words of one's own", answer{stderr: "Error response from daemon: a\n", code: 1}, answer{stderr: "Error response from daemon: b\n", code: 1}, 0},
		{"a refusal by the client", answer{stderr: "unknown flag: --x\n", code: 1}, answer{stderr: "Error response from daemon: b\n", code: 1}, 1},
		{"a warning more", answer{}, answer{stderr: "WARNING: ignored\n"}, 1},
		{"JSON of other values", out(`[{"A":1,"B":["x"]}]`), out(`[{"A":2,"B":["y","z"]}]`), 0},
		{"a key less", out(`[{"A":1,"B":["x"]}]`), out(`[{"A":1}]`), 2},
		{"a key more", out(`{"A":1}`), out(`{"A":1,"C":true}`), 1},
		{"another kind", out(`{"A":1}`), out(`{"A":"1"}`), 1},
		{"null for a list", out(`{"A":[]}`), out(`{"A":null}`), 1},
		{"one line of JSON in several that differs", out("{\"A\":1}\n{\"A\":1}\n"), out("{\"A\":1}\n{\"A\":true}\n"), 1},
		{"where there is a reason", out(`{"R":{"A":1}}`), out(`{"R":{}}`), 0},
		{"beside where there is one", out(`{"Rest":1}`), out(`{"Rest":"x"}`), 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			i := &invocation{paths: map[string]string{".R": "why"}, used: map[string]bool{}}
			if got := i.compare(answers{docker: tc.docker, hyper: tc.hyper}); len(got) != tc.differences {
				t.Errorf("%d differences, want %d: %v", len(got), tc.differences, fmt.Sprint(got))
			}
		})
	}
}
