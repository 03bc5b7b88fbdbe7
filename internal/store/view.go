package store

import (
	"slices"
	"sync/atomic"

	"github.com/hypercloud/hyper/internal/account"
)

// View is an immutable picture of all that one account owns. Its methods never fail: what is not there is
// ok == false. The lists that they return are the caller's; the rows in them are shared and must not be changed.
type View struct {
	account        account.Ref
	networks       *networkTable
	containers     *containerTable
	volumes        *volumeTable
	snapshots      *snapshotTable
	images         *imageTable
	tags           *tagTable
	floatingIPs    *floatingIPTable
	securityGroups *securityGroupTable
	access         *accessTable
	projects       *projectTable
	quotas         map[string]int64 // by resource; replaced, never changed
	meters         map[meterKey]meter
	ledgerSeq      int64
	budgets        map[BudgetBy]Budget // replaced, never changed
}

func newView(a account.Ref) *View {
	return &View{
		account:        a,
		networks:       newNamedTable[*Network, []*Network](),
		containers:     newContainerTable(),
		volumes:        newNamedTable[*Volume, volumeOrder](),
		snapshots:      newNamedTable[*Snapshot, []*Snapshot](),
		images:         newImageTable(),
		tags:           newTagTable(),
		floatingIPs:    newFloatingIPTable(),
		securityGroups: newNamedTable[*SecurityGroup, []*SecurityGroup](),
		access:         newAccessTable(),
		projects:       newProjectTable(),
		quotas:         map[string]int64{},
		meters:         map[meterKey]meter{},
		budgets:        map[BudgetBy]Budget{},
	}
}

// Account is whose picture this is.
func (v *View) Account() account.Ref { return v.account }

// Empty reports whether the account owns nothing. What it is entered with, its quotas, and the definitions of its compose
// projects are no property.
func (v *View) Empty() bool {
	return len(v.networks.byID) == 0 && len(v.containers.byID) == 0 && len(v.volumes.byID) == 0 && len(v.snapshots.byID) == 0 && len(v.images.byID) == 0 &&
		len(v.tags.byKey) == 0 && len(v.floatingIPs.byAddress) == 0 && len(v.securityGroups.byID) == 0
}

// lazy is something worked out from a table's rows when it is first asked for. Readers that come at once
// may each work it out, to the same end. A table that changes forgets it.
type lazy[T any] struct{ p atomic.Pointer[T] }

func (l *lazy[T]) get(build func() T) T {
	if p := l.p.Load(); p != nil {
		return *p
	}
	t := build()
	l.p.Store(&t)
	return t
}

func (l *lazy[T]) forget() { l.p.Store(nil) }

// sorted lists the values of rows in the order of compare.
func sorted[K comparable, V any](rows map[K]*V, compare func(a, b *V) int) []*V {
	list := make([]*V, 0, len(rows))
	for _, row := range rows {
		list = append(list, row)
	}
	slices.SortFunc(list, compare)
	return list
}
