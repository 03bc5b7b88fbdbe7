package store

import (
	"maps"
	"strings"

	"github.com/hypercloud/hyper/internal/oops"
)

// namedTable is a table of rows that have an id and a name, either one unique in the account; List is what is worked out from all rows.
type namedTable[Row interface{ key() (id, name string) }, List any] struct {
	byID   map[string]Row
	byName map[string]Row
	order  lazy[List]
}

func newNamedTable[Row interface{ key() (id, name string) }, List any]() *namedTable[Row, List] {
	return &namedTable[Row, List]{byID: map[string]Row{}, byName: map[string]Row{}}
}

func (t *namedTable[Row, List]) clone() *namedTable[Row, List] {
	return &namedTable[Row, List]{byID: maps.Clone(t.byID), byName: maps.Clone(t.byName)}
}

// put enters a row, in the place of the one with its id, which may have had another name.
func (t *namedTable[Row, List]) put(row Row) {
	id, name := row.key()
	t.remove(id)
	t.byID[id] = row
	t.byName[name] = row
}

func (t *namedTable[Row, List]) remove(id string) {
	t.order.forget()
	if old, ok := t.byID[id]; ok {
		_, name := old.key()
		delete(t.byID, id)
		delete(t.byName, name)
	}
}

// beginning finds the row whose id begins with ref, which may be all of it, among those that count; noun is for the sentence
// when there are several: ErrInvalidArgument.
func (t *namedTable[Row, List]) beginning(ref, noun string, counts func(Row) bool) (found Row, ok bool, err error) {
	if ref == "" {
		return found, false, nil
	}
	if row, whole := t.byID[ref]; whole && counts(row) {
		return row, true, nil
	}
	for id, row := range t.byID {
		if !strings.HasPrefix(id, ref) || !counts(row) {
			continue
		}
		if ok {
			var none Row
			return none, false, oops.Invalid("More than one %s has an id that begins with %s. Give more of it.", noun, ref)
		}
		found, ok = row, true
	}
	return found, ok, nil
}
