package volume

import (
	"slices"
	"strings"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// List lists the account's volumes, newest first. Filters: dangling (true or 1: those of no container; false or
// 0: all, cli 7.2), name (part of it), label (key or key=value; all of them), driver. Values of name and of driver are
// alternatives. Errors: ErrInvalidArgument.
func (s *Service) List(a account.Ref, filters map[string][]string) ([]*store.Volume, error) {
	dangling, err := checkFilters(filters)
	if err != nil {
		return nil, err
	}
	var out []*store.Volume
	for _, v := range s.Store.View(a).Volumes() {
		if v.Phase == store.Ready && (!dangling || v.Container == "") && matches(v, filters) {
			out = append(out, v)
		}
	}
	return out, nil
}

func checkFilters(filters map[string][]string) (dangling bool, err error) {
	for key, values := range filters {
		switch key {
		case "name", "label", "driver":
		case "dangling":
			for i, value := range values {
				yes := value == "true" || value == "1"
				no := value == "false" || value == "0"
				if !yes && !no || i > 0 && yes != dangling {
					return false, oops.Invalid("Invalid filter 'dangling=%s': use true or false", value)
				}
				dangling = yes
			}
		default:
			return false, oops.Invalid("Invalid filter '%s': volumes can be filtered by dangling, name, label and driver", key)
		}
	}
	return dangling, nil
}

func matches(v *store.Volume, filters map[string][]string) bool {
	if names := filters["name"]; len(names) > 0 && !slices.ContainsFunc(names, func(n string) bool { return strings.Contains(v.Name, n) }) {
		return false
	}
	if drivers := filters["driver"]; len(drivers) > 0 && !slices.Contains(drivers, Driver) {
		return false
	}
	for _, l := range filters["label"] {
		key, value, valued := strings.Cut(l, "=")
		have, ok := v.Labels[key]
		if !ok || (valued && have != value) {
			return false
		}
	}
	return true
}
