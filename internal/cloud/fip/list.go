package fip

import (
	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// List lists the account's addresses in their order. Filter: dangling (true or 1: those that are not attached;
// false or 0: all, as with volumes). Errors: ErrInvalidArgument.
func (s *Service) List(a account.Ref, filters map[string][]string) ([]*store.FloatingIP, error) {
	dangling, err := checkFilters(filters)
	if err != nil {
		return nil, err
	}
	var out []*store.FloatingIP
	for _, f := range s.Store.View(a).FloatingIPs() {
		if !dangling || f.Container == "" {
			out = append(out, f)
		}
	}
	return out, nil
}

func checkFilters(filters map[string][]string) (dangling bool, err error) {
	for key, values := range filters {
		if key != "dangling" {
			return false, oops.Invalid("Invalid filter '%s': floating IPs can be filtered by dangling", key)
		}
		for i, value := range values {
			yes := value == "true" || value == "1"
			no := value == "false" || value == "0"
			if !yes && !no || i > 0 && yes != dangling {
				return false, oops.Invalid("Invalid filter 'dangling=%s': use true or false", value)
			}
			dangling = yes
		}
	}
	return dangling, nil
}
