package human

import (
	"testing"
	"time"
)

func TestAge(t *testing.T) {
	day := 24 * time.Hour
	for d, want := range map[time.Duration]string{
		-time.Second:           "Less than a second",
		900 * time.Millisecond: "Less than a second",
		time.Second:            "1 second",
		59 * time.Second:       "59 seconds",
		time.Minute:            "About a minute",
		119 * time.Second:      "About a minute",
		2 * time.Minute:        "2 minutes",
		time.Hour:              "About an hour",
		2 * time.Hour:          "2 hours",
		47 * time.Hour:         "47 hours",
		48 * time.Hour:         "2 days",
		13 * day:               "13 days",
		14 * day:               "2 weeks",
		89 * day:               "12 weeks",
		90 * day:               "3 months",
		729 * day:              "24 months",
		730 * day:              "2 years",
	} {
		if got := Age(d); got != want {
			t.Errorf("Age(%s) = %q, want %q", d, got, want)
		}
	}
}

func TestSize(t *testing.T) {
	for bytes, want := range map[float64]string{
		0: "0 B", 999: "999 B", 1000: "1 kB", 640e3: "640 kB", 512 << 20: "536.9 MB", 714.1e6: "714.1 MB", 1.27e6: "1.27 MB",
		12345e6: "12.35 GB",
	} {
		if got := Size(bytes); got != want {
			t.Errorf("Size(%v) = %q, want %q", bytes, got, want)
		}
	}
}

func TestShortID(t *testing.T) {
	for id, want := range map[string]string{
		"7be0c19d4f3a5e2288b1460d9a7c3f51e6d2840b9f17ac35528e0d61b4937fa0": "7be0c19d4f3a",
		"sha256:a39777a1a4a6ffffffff":                                      "a39777a1a4a6",
		"short":                                                            "short",
		"":                                                                 "",
	} {
		if got := ShortID(id); got != want {
			t.Errorf("ShortID(%q) = %q, want %q", id, got, want)
		}
	}
}

func TestTruncateCountsCharacters(t *testing.T) {
	if got := Truncate("größer", 4); got != "größ" {
		t.Errorf("got %q", got)
	}
}
