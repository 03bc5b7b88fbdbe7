package listing

import (
	"strings"
	"testing"
)

type thing struct{ Name, Size string }

var things = Listing{
	Default: "{{.Name}}\t{{.Size}}", Raw: "name: {{.Name}}\n", Quiet: "{{.Name}}",
	Headers: map[string]string{"Name": "NAME", "Size": "SIZE"},
}

func TestWrite(t *testing.T) {
	for name, c := range map[string]struct {
		format string
		quiet  bool
		want   string
	}{
		"table":                     {"", false, "NAME                SIZE\na                   1\n"},
		"table by name":             {"table", false, "NAME                SIZE\na                   1\n"},
		"quiet":                     {"", true, "a\n"},
		"quiet table":               {"table", true, "a\n"},
		"raw":                       {"raw", false, "name: a\n\n"},
		"json":                      {"json", false, `{"Name":"a","Size":"1"}` + "\n"},
		"template":                  {"{{.Name}}={{.Size}}", false, "a=1\n"},
		"template wins over quiet":  {"{{.Size}}", true, "1\n"},
		"table with a template":     {`table {{.Size}}\t{{.Name}}`, false, "SIZE                NAME\n1                   a\n"},
		"functions in a header too": {"table {{upper .Name}}", false, "NAME\nA\n"},
		"tabs and lines in words":   {`{{.Name}}\t{{.Size}}\n`, false, "a\t1\n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := Write(&b, things, c.format, c.quiet, []thing{{"a", "1"}}); err != nil {
				t.Fatal(err)
			}
			if b.String() != c.want {
				t.Errorf("got %q, want %q", b.String(), c.want)
			}
		})
	}
}

func TestWriteRefusesBadTemplates(t *testing.T) {
	for _, format := range []string{"{{", "{{.Nope}}", "table {{nope .Name}}"} {
		err := Write(&strings.Builder{}, things, format, false, []thing{{"a", "1"}})
		if err == nil || !strings.HasPrefix(err.Error(), "template parsing error: ") {
			t.Errorf("%s: %v", format, err)
		}
	}
}

func TestFilter(t *testing.T) {
	var f Filter
	for _, s := range []string{"name=web", "Label = a=b", "label=c", ""} {
		if err := f.Set(s); err != nil {
			t.Fatal(err)
		}
	}
	if v := f.Values(); len(v) != 2 || !v["name"]["web"] || !v["label"]["a=b"] || !v["label"]["c"] {
		t.Errorf("got %v", v)
	}
	if sets := f.Sets(); len(sets["label"]) != 2 {
		t.Errorf("got %v", sets)
	}
	for _, s := range []string{"web", "=web"} {
		if err := f.Set(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}
