package decode

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"regexp"
	"testing"
	"time"

	"github.com/containerd/errdefs"
)

// everything has a field of each kind that requests have.
type everything struct {
	Text    string
	Flag    bool
	Number  int
	Small   uint16
	Part    float64
	Quoted  int `json:",string"`
	List    []string
	Names   map[string]string
	Numbers map[int]int
	Raw     []byte
	At      time.Time
	For     time.Duration
	Addr    netip.Addr
	Prefix  netip.Prefix
	Below   *everything
	Many    []everything
}

// ofGo is what no user should have to know.
var ofGo = regexp.MustCompile(`json:|Go |netip\.|strconv\.|time\.|Time\.|\bstruct\b|unmarshal|\bint\b|uint16|interface`)

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, ``, `{"Text":1}`, `{"Flag":"x"}`, `{"Number":1.5}`, `{"Small":70000}`, `{"Quoted":"x"}`, `{"Quoted":1}`, `{"List":{}}`, `{"Names":[]}`, `{"Numbers":{"a":1}}`,
		`{"Raw":"%"}`, `{"At":"x"}`, `{"At":1}`, `{"Addr":"1.2.3"}`, `{"Prefix":"1.2.3.4"}`, `{"Addr":1}`, `{"Below":{"Below":{"Text":[]}}}`, `{"Many":[{},{"Text":false}]}`,
		`{"Text":"a`, `{} x`, `[`, "{\"Text\":\"\x00\"}", `{"Text":"\ud800"}`, `{"Text":"a","Text":1}`, "\xff", `{"For":"1s"}`, `{"Text":"\\\"{[,"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var v everything
		err := JSON("invalid JSON", raw, 1000, &v)
		if err == nil {
			again, err := json.Marshal(v)
			if err != nil && v.At.Year() >= 0 && v.At.Year() <= 9999 {
				t.Errorf("what was read cannot be written: %v", err)
			}
			var w everything
			if err == nil && JSON("", again, 1<<30, &w) != nil {
				t.Errorf("%s cannot be read again", again)
			}
		} else if !errdefs.IsInvalidArgument(err) {
			t.Errorf("the class of %v", err)
		} else if text := bytes.ReplaceAll([]byte(err.Error()), raw, nil); ofGo.Match(text) && !ofGo.Match(raw) {
			t.Errorf("%q speaks of Go", err)
		}
		if n, most := counted(raw), values(raw); n > most {
			t.Errorf("%d values are counted as %d", n, most)
		}
	})
}

// counted counts values by another way, up to the first error.
func counted(raw []byte) (n int) {
	d := json.NewDecoder(bytes.NewReader(raw))
	var inObject []bool
	key := false
	for {
		tok, err := d.Token()
		if err != nil {
			return n
		}
		switch c := tok.(type) {
		case json.Delim:
			if c == '}' || c == ']' {
				inObject = inObject[:len(inObject)-1]
				key = len(inObject) > 0 && inObject[len(inObject)-1]
				if len(inObject) == 0 {
					return n
				}
				continue
			}
			n++
			inObject = append(inObject, c == '{')
			key = c == '{'
			continue
		default:
			if key {
				key = false
				continue
			}
			n++
			if len(inObject) == 0 {
				return n
			}
			key = inObject[len(inObject)-1]
		}
	}
}

// A few of the sentences, as people read them.
func TestSentences(t *testing.T) {
	for raw, want := range map[string]string{
		`{"Text":1}`:             "bad: Text is a number, and should be text",
		`{"Small":70000}`:        "bad: Small is the number 70000, and should be a whole number, not negative and not too large",
		`{"Below":{"List":"a"}}`: "bad: List is text, and should be a list",
		`[]`:                     "bad: it is a list, and should be an object",
		`{"Addr":"1.2.3"}`:       `bad: "1.2.3" is no address: IPv4 address too short`,
		`{"Text":"a"} x`:         "bad: invalid character 'x' after top-level value, at byte 14",
		`{"List":["","","",""]}`: "bad: it holds 6 values, and may hold 5",
		`{"At":"noon"}`:          `bad: "noon" is no time such as 2026-01-02T15:04:05Z`,
		`{"At":1}`:               `bad: a time is text, such as "2026-01-02T15:04:05Z"`,
		`{"Quoted":"x"}`:         "bad: text is where a number should be",
	} {
		var v everything
		if err := JSON("bad", []byte(raw), 5, &v); err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", raw, err, want)
		}
	}
}
