package snapshot

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Find finds a snapshot by its name, its id, or the beginning of one id. One that is being made or removed is not there:
// ErrNotFound. ErrInvalidArgument when several ids begin so.
func (s *Service) Find(a account.Ref, ref string) (*store.Snapshot, error) {
	return s.Store.View(a).FindSnapshot(ref)
}

// VolumeName is the name of the volume that a snapshot was taken of.
func (s *Service) VolumeName(a account.Ref, row *store.Snapshot) string {
	if v, ok := s.Store.View(a).Volume(row.Volume); ok {
		return v.Name
	}
	return row.Volume
}

// List lists the account's snapshots, newest first. Filters: name (part of it), volume (its name), dangling (true: none, since a volume
// stays while it has snapshots; false: all). Values of one are alternatives. Errors: ErrInvalidArgument.
func (s *Service) List(a account.Ref, filters map[string][]string) ([]*store.Snapshot, error) {
	dangling := false
	for _, v := range filters["dangling"] {
		yes, err := strconv.ParseBool(v)
		if err != nil {
			return nil, oops.Invalid("Invalid filter 'dangling=%s': use true or false", v)
		}
		dangling = dangling || yes
	}
	var out []*store.Snapshot
	for _, row := range s.Store.View(a).Snapshots() {
		if row.Phase != store.Ready || dangling {
			continue
		}
		names, volumes := filters["name"], filters["volume"]
		if len(names) > 0 && !slices.ContainsFunc(names, func(n string) bool { return strings.Contains(row.Name, n) }) {
			continue
		}
		if len(volumes) > 0 && !slices.Contains(volumes, s.VolumeName(a, row)) {
			continue
		}
		out = append(out, row)
	}
	return out, nil
}
