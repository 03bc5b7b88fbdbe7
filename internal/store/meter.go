package store

import (
	"context"
	"database/sql"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/hypercloud/hyper/internal/metering"
)

// What is open follows from the rows: after every change of a row, in the same transaction, the meters of it are made to say what the row says. So no way of
// changing a row can forget them, and none can charge twice.

// meterKey is what there is one meter of.
type meterKey struct {
	kind     metering.Kind
	resource string
}

// meter is an open interval.
type meter struct {
	metering.Entry        // End is not used
	run            string // which start of a container it is
}

// metered says what is to be charged for a resource as its row is. Resources that are being made or removed are charged to nobody.
func (v *View) metered(k meterKey) (meter, bool) {
	m := meter{Entry: metering.Entry{Kind: k.kind, Resource: k.resource, Quantity: 1, Least: metering.Least}}
	switch k.kind {
	case metering.Container:
		c, ok := v.containers.byID[k.resource]
		if !ok || c.Phase != Ready || !c.State.Status.Live() {
			return m, false
		}
		m.Name, m.Class, m.run = c.Name, c.Spec.Size, encodeTime(c.State.StartedAt)
		return m, true
	case metering.RootFS:
		c, ok := v.containers.byID[k.resource]
		if !ok || c.Phase != Ready {
			return m, false
		}
		m.Name, m.Quantity = c.Name, metering.RootFSGB
		return m, true
	case metering.Volume:
		vol, ok := v.volumes.byID[k.resource]
		if !ok || vol.Phase != Ready {
			return m, false
		}
		m.Name, m.Quantity = vol.Name, int64(vol.SizeGB)
		return m, true
	case metering.Snapshot:
		snap, ok := v.snapshots.byID[k.resource]
		if !ok || snap.Phase != Ready {
			return m, false
		}
		m.Name, m.Quantity = snap.Name, int64(snap.SizeGB)
		return m, true
	case metering.Image:
		img, ok := v.images.byID[k.resource]
		if !ok {
			return m, false
		}
		m.Name, m.Quantity = v.imageName(img.ID), metering.ImageGB(img.Size)
		return m, true
	case metering.FloatingIP:
		addr, err := netip.ParseAddr(k.resource)
		f, ok := v.floatingIPs.byAddress[addr]
		if err != nil || !ok {
			return m, false
		}
		m.Name, m.Least = f.Name, 0
		return m, true
	}
	return m, false
}

// imageName is a name of an image, or "".
func (v *View) imageName(id string) string {
	for _, t := range v.TagsOf(id) {
		if t.Tag != "" {
			return strings.TrimPrefix(strings.TrimPrefix(t.Repository, "docker.io/"), "library/") + ":" + t.Tag
		}
	}
	return ""
}

// resources lists all that could have a meter.
func (v *View) resources() []meterKey {
	var keys []meterKey
	for id := range v.containers.byID {
		keys = append(keys, meterKey{metering.Container, id}, meterKey{metering.RootFS, id})
	}
	for id := range v.volumes.byID {
		keys = append(keys, meterKey{metering.Volume, id})
	}
	for id := range v.snapshots.byID {
		keys = append(keys, meterKey{metering.Snapshot, id})
	}
	for id := range v.images.byID {
		keys = append(keys, meterKey{metering.Image, id})
	}
	for addr := range v.floatingIPs.byAddress {
		keys = append(keys, meterKey{metering.FloatingIP, addr.String()})
	}
	return keys
}

// Meters lists the use that goes on, with Seq 0 and End at now, in order of kind and resource.
func (v *View) Meters(now time.Time) []metering.Entry {
	list := make([]metering.Entry, 0, len(v.meters))
	for _, m := range v.meters {
		e := m.Entry
		e.End = now
		if e.End.Before(e.Start) {
			e.End = e.Start
		}
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b metering.Entry) int {
		if a.Kind != b.Kind {
			return strings.Compare(string(a.Kind), string(b.Kind))
		}
		return strings.Compare(a.Resource, b.Resource)
	})
	return list
}

// touch has the meters of a resource looked at before the transaction ends.
func (tx *Tx) touch(kind metering.Kind, resource string) {
	if tx.touched == nil {
		tx.touched = map[meterKey]bool{}
	}
	tx.touched[meterKey{kind, resource}] = true
}

func (tx *Tx) touchContainer(id string) {
	tx.touch(metering.Container, id)
	tx.touch(metering.RootFS, id)
}

// span is when a container's process ran, as far as that is known.
type span struct{ began, ended time.Time }

// Began says when, by the ledger's time, the process of a container began that this Tx records as running. Without it, it is now.
func (tx *Tx) Began(containerID string, at time.Time) {
	s := tx.spans[containerID]
	s.began = at
	tx.setSpan(containerID, s)
}

// Ended says when, by the ledger's time, the process of a container ended that this Tx records as ended. Without it, it is now. If the Tx does not
// know it as running, and Began was said too, it has run for that long.
func (tx *Tx) Ended(containerID string, at time.Time) {
	s := tx.spans[containerID]
	s.ended = at
	tx.setSpan(containerID, s)
}

func (tx *Tx) setSpan(id string, s span) {
	if tx.spans == nil {
		tx.spans = map[string]span{}
	}
	tx.spans[id] = s
	tx.touchContainer(id)
}

// meterAll brings the meters of all that was touched in line with its rows.
func (tx *Tx) meterAll() error {
	if len(tx.touched) == 0 {
		return nil
	}
	now, seq := tx.store.Now(), tx.ledgerSeq
	for _, k := range slices.SortedFunc(maps.Keys(tx.touched), func(a, b meterKey) int {
		return strings.Compare(string(a.kind)+a.resource, string(b.kind)+b.resource)
	}) {
		if err := tx.meter(k, now); err != nil {
			return err
		}
	}
	if !tx.own.meters && tx.ledgerSeq == seq {
		return nil
	}
	// Should the machine go down now, time goes on from here, and nothing is charged in a time that the ledger has had.
	return tx.write("UPDATE clock SET reached = max(reached, ?)", now.UnixMilli())
}

func (tx *Tx) meter(k meterKey, now time.Time) error {
	want, wanted := tx.metered(k)
	have, open := tx.meters[k]
	var ran span
	if k.kind == metering.Container {
		ran = tx.spans[k.resource]
	}
	want.Start = within(ran.began, time.Time{}, now)
	if want.Name == "" {
		want.Name = have.Name // an image may have lost its names
	}
	switch {
	case open && wanted && have.run == want.run && have.Quantity == want.Quantity && have.Class == want.Class:
		if have.Name == want.Name {
			return nil
		}
		have.Name = want.Name
		return tx.openMeter(have)
	case open:
		have.End = within(ran.ended, have.Start, now)
		if wanted && have.run == want.run { // it goes on in another size
			want.Start = have.End
			want.Least = max(0, have.Least-have.End.Sub(have.Start))
			have.Least = min(have.Least, have.End.Sub(have.Start))
		}
		if err := tx.append(have.Entry); err != nil {
			return err
		}
		if err := tx.dropMeter(k); err != nil {
			return err
		}
	case !wanted && !ran.began.IsZero() && !ran.ended.IsZero():
		c, ok := tx.containers.byID[k.resource]
		if !ok {
			return nil
		}
		want.Name, want.Class = c.Name, c.Spec.Size
		want.End = within(ran.ended, want.Start, now)
		return tx.append(want.Entry)
	}
	if !wanted {
		return nil
	}
	return tx.openMeter(want)
}

// within is t, or now if t is not known, but not before from and not after now.
func within(t, from, now time.Time) time.Time {
	t = t.Truncate(metering.Resolution).UTC()
	if t.IsZero() || t.After(now) {
		t = now
	}
	if t.Before(from) {
		return from
	}
	return t
}

func (tx *Tx) openMeter(m meter) error {
	err := tx.write(`INSERT INTO meters (account, kind, resource, name, class, quantity, started, least, run) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (account, kind, resource) DO UPDATE SET name = excluded.name, class = excluded.class, quantity = excluded.quantity,
		started = excluded.started, least = excluded.least, run = excluded.run`,
		tx.account.ID(), string(m.Kind), m.Resource, m.Name, m.Class, m.Quantity, m.Start.UnixMilli(), m.Least.Milliseconds(), m.run)
	if err != nil {
		return err
	}
	tx.ownMeters()[meterKey{m.Kind, m.Resource}] = m
	return nil
}

func (tx *Tx) dropMeter(k meterKey) error {
	if err := tx.write("DELETE FROM meters WHERE account = ? AND kind = ? AND resource = ?", tx.account.ID(), string(k.kind), k.resource); err != nil {
		return err
	}
	delete(tx.ownMeters(), k)
	return nil
}

func (tx *Tx) ownMeters() map[meterKey]meter {
	if !tx.own.meters {
		tx.meters = maps.Clone(tx.meters)
		tx.own.meters = true
	}
	return tx.meters
}

// append writes the next entry of the account's ledger. An interval of which nothing is charged is none.
func (tx *Tx) append(e metering.Entry) error {
	if e.Kind != metering.Correction && e.Kind != metering.FloatingIP && e.Until().Equal(e.Start) {
		return nil
	}
	seq := tx.ledgerSeq + 1
	err := tx.write(`INSERT INTO ledger (account, seq, kind, resource, name, class, quantity, started, ended, least, amount, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		tx.account.ID(), seq, string(e.Kind), e.Resource, e.Name, e.Class, e.Quantity, e.Start.UnixMilli(), e.End.UnixMilli(), e.Least.Milliseconds(), e.Amount, e.Note)
	if err != nil {
		return err
	}
	tx.ledgerSeq = seq
	return nil
}

// shiftMeters closes all that is open at from, and lets it go on at to.
func (tx *Tx) shiftMeters(from, to time.Time) error {
	for _, k := range slices.SortedFunc(maps.Keys(tx.meters), func(a, b meterKey) int {
		return strings.Compare(string(a.kind)+a.resource, string(b.kind)+b.resource)
	}) {
		m := tx.meters[k]
		m.End = within(from, m.Start, from)
		before, after := m.Split(m.End)
		if err := tx.append(before); err != nil {
			return err
		}
		after.Start = to
		if err := tx.openMeter(meter{after, m.run}); err != nil {
			return err
		}
	}
	return nil
}

// reconcile opens and closes what the rows say and the meters do not, as when a database is from before there were meters.
func (tx *Tx) reconcile() error {
	for _, k := range tx.resources() {
		tx.touch(k.kind, k.resource)
	}
	for k := range tx.meters {
		tx.touch(k.kind, k.resource)
	}
	return nil
}

func loadMeters(ctx context.Context, conn *sql.Conn, views map[string]*View) error {
	return each(ctx, conn, "SELECT account, kind, resource, name, class, quantity, started, least, run FROM meters", func(scan func(...any) error) error {
		var m meter
		var account string
		var started, least int64
		if err := scan(&account, &m.Kind, &m.Resource, &m.Name, &m.Class, &m.Quantity, &started, &least, &m.run); err != nil {
			return err
		}
		v, err := viewOf(views, account)
		if err != nil {
			return err
		}
		m.Start, m.Least = time.UnixMilli(started).UTC(), time.Duration(least)*time.Millisecond
		v.meters[meterKey{m.Kind, m.Resource}] = m
		return nil
	})
}
