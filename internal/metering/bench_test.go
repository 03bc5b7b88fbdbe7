package metering

import (
	"fmt"
	"testing"
	"time"
)

// month is a busy account's: n entries, half of them short runs, of n/4 containers and as many other things.
func month(n int) []Entry {
	entries := make([]Entry, n)
	from := at("2026-11-01")
	for i := range entries {
		e := Entry{Seq: int64(i + 1), Kind: Container, Class: Sizes[i/4%len(Sizes)], Resource: fmt.Sprint(i / 4 * 7919), Quantity: 1, Least: Least}
		e.Start = from.Add(time.Duration(i*7919%(29*86400)) * time.Second)
		e.End = e.Start.Add(time.Duration(i%600) * time.Second)
		switch i % 4 {
		case 1:
			e.Kind, e.Class, e.Quantity = RootFS, "", 10
			e.End = e.Start.Add(time.Duration(i%30) * 24 * time.Hour)
		case 3:
			e.Kind, e.Class, e.Quantity = []Kind{Volume, Image, Snapshot, FloatingIP}[i/4%4], "", 10
			if e.Kind == FloatingIP {
				e.Quantity = 1
			}
			e.End = e.Start.Add(time.Duration(i%30) * 24 * time.Hour)
		}
		entries[i] = e
	}
	return entries
}

// What a month of 10,000 entries takes, by every cut.
func BenchmarkCharges(b *testing.B) {
	entries := month(10000)
	for _, cut := range cuts {
		b.Run(string(cut), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				charges(b, entries, Original(), at("2026-11-01"), at("2026-12-01"), cut)
			}
		})
	}
}
