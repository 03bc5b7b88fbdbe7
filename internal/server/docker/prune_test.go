package docker

import (
	"net/http/httptest"
	"testing"
	"time"
)

// A bound of ages that is no time, or before all others, takes nothing: without a bound all would go.
func TestPruneUntilNothing(t *testing.T) {
	for filter, takes := range map[string]bool{
		`{}`: true, `{"until":["0"]}`: true, `{"until":[""]}`: false, `{"until":["0001-01-01T00:00:00Z"]}`: false, `{"until":["12"]}`: false, `{"until":["24h"]}`: false, `{"until":["1m"]}`: true,
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Form = map[string][]string{"filters": {filter}}
		p, err := pruneFilters(r, true)
		if err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		if got := p.takes(time.Now().Add(-time.Hour), nil); got != takes {
			t.Errorf("%s takes what is an hour old: %v", filter, got)
		}
	}
}
