package main

import (
	"math"
	"strings"
	"testing"
)

func TestRoom(t *testing.T) {
	for gb, want := range map[int]int64{0: 5, 1: 6, 9: 6, 10: 25, 40: 55, 1000: 55} {
		if got := roomFor(gb); got != want {
			t.Errorf("volumes of up to %d GB want %d GB, not %d", gb, got, want)
		}
	}
	all := ordered
	defer func() { ordered = all }()
	ordered = []content{{"more than any disk holds", "fill", math.MaxInt32}}
	if err := checkRoom(t.TempDir(), math.MaxInt32); err == nil || !strings.Contains(err.Error(), "make room, or measure smaller ones by -data") {
		t.Errorf("a disk that is too small: %v", err)
	}
}
