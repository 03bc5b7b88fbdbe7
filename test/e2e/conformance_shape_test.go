package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// What an answer has that is another one for each daemon and run, and what stands for it.
var varying = []struct {
	pattern *regexp.Regexp
	shown   string
}{
	{regexp.MustCompile(`\b(sha256:)?[0-9a-f]{64}\b`), "<ID>"},
	{regexp.MustCompile(`\b[0-9a-f]{12}\b`), "<SHORT ID>"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| ?[+-]\d\d:?\d\d( [A-Z]+)?)?`), "<TIME>"},
	{regexp.MustCompile(`\b(Less than a second|About an? (minute|hour)|\d+ (second|minute|hour|day|week|month|year)s?)( ago)?\b`), "<AGE>"},
	{regexp.MustCompile(`\b02:42(:[0-9a-f]{2}){4}\b`), "<MAC>"},
	{regexp.MustCompile(`\b(10|172)(\.\d{1,3}){3}\b`), "<ADDRESS>"},
	{regexp.MustCompile(`\b\d+(\.\d+)? ?([kKMGT]i?)?B\b`), "<SIZE>"},
	{regexp.MustCompile(`\b\d+\.\d+%`), "<PERCENT>"},
	{regexp.MustCompile(` {2,}`), "  "}, // columns are as wide as what is in them
}

// steady is a text without what varies.
func steady(text string) string {
	for _, v := range varying {
		text = v.pattern.ReplaceAllString(text, v.shown)
	}
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

// complaint is what a message on stderr is compared by: whether there is one, and who speaks. Each daemon has words of its own.
func complaint(text string) string {
	var said []string
	for _, line := range strings.Split(steady(text), "\n") {
		switch {
		case strings.Contains(line, "Error response from daemon:"):
			said = append(said, "the daemon refuses")
		case strings.HasPrefix(line, "WARNING:"):
			said = append(said, "a warning")
		case strings.HasPrefix(line, "See '"), strings.HasPrefix(line, "Run '"), strings.HasPrefix(line, "time="):
			// the client's own, which depend on its version and on how fast a container ends
		case line != "":
			said = append(said, line)
		}
	}
	return strings.Join(slices.Compact(said), "\n")
}

// passing are the names of JSON values that only some versions of Docker have for the same version of its API.
var passing = []string{
	"KernelMemory", "KernelMemoryTCP", "OnBuild", "DNSNames", "GwPriority", "EnableIPv4", "CDISpecDirs", "Expected", "FirewallBackend",
	"AllowNondistributableArtifactsCIDRs", "AllowNondistributableArtifactsHostnames", "DockerVersion", "Containerd", "DiscoveredDevices", "NRI", "MacAddress",
	// Of these Docker shows what the client has sent: nothing, or an empty list.
	"BlkioDeviceReadBps", "BlkioDeviceReadIOps", "BlkioDeviceWriteBps", "BlkioDeviceWriteIOps", "BlkioWeightDevice", "Ulimits",
}

// shape is what a JSON text is made of: for each path the kinds of value that are there. It is nil if the text is not JSON, which may be
// several values one after another.
func shape(text string) map[string]string {
	if t := strings.TrimSpace(text); t == "" || !strings.ContainsAny(t[:1], "[{") {
		return nil
	}
	kinds := map[string]map[string]bool{}
	d := json.NewDecoder(strings.NewReader(text))
	for d.More() {
		var v any
		if d.Decode(&v) != nil {
			return nil
		}
		walk(kinds, "", v)
	}
	out := map[string]string{}
	for path, k := range kinds {
		out[path] = strings.Join(slices.Sorted(maps.Keys(k)), " or ")
	}
	return out
}

func walk(kinds map[string]map[string]bool, path string, v any) {
	kind := ""
	switch v := v.(type) {
	case nil:
		kind = "null"
	case map[string]any:
		kind = "object"
		for key, inner := range v {
			if slices.Contains(passing, key) {
				continue
			}
			walk(kinds, path+"."+steady(key), inner)
		}
	case []any:
		kind = "list"
		for _, inner := range v {
			walk(kinds, path+"[]", inner)
		}
	default:
		kind = fmt.Sprintf("%T", v)
	}
	if path == "" {
		path = "."
	}
	if kinds[path] == nil {
		kinds[path] = map[string]bool{}
	}
	kinds[path][kind] = true
}

// compareShapes tells where two JSON texts differ, but for the paths that may; those are marked used.
func (i *invocation) compareShapes(docker, hyper map[string]string) (differences []string) {
	all := maps.Clone(docker)
	maps.Copy(all, hyper)
	for _, path := range slices.Sorted(maps.Keys(all)) {
		if docker[path] == hyper[path] || i.excused(path) {
			continue
		}
		differences = append(differences, fmt.Sprintf("%s: docker %q, hyper %q", path, docker[path], hyper[path]))
	}
	return differences
}

func (i *invocation) excused(path string) bool {
	for p := range i.paths {
		if rest, ok := strings.CutPrefix(path, p); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			i.used[p] = true
			return true
		}
	}
	return false
}
