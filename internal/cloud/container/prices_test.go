package container

import (
	"maps"
	"slices"
	"testing"

	"github.com/hypercloud/hyper/internal/metering"
)

// What can run has a price, and what has a price can run.
func TestSizesHavePrices(t *testing.T) {
	if have, priced := slices.Sorted(maps.Keys(sizes)), slices.Sorted(slices.Values(metering.Sizes)); !slices.Equal(have, priced) {
		t.Errorf("there are the sizes %v, and prices for %v", have, priced)
	}
}
