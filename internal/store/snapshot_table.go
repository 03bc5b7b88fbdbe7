package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/hypercloud/hyper/internal/metering"
	"github.com/hypercloud/hyper/internal/oops"
)

type snapshotTable = namedTable[*Snapshot, []*Snapshot] // newest first

func (s *Snapshot) key() (id, name string) { return s.ID, s.Name }

// Snapshot finds a snapshot by its id.
func (v *View) Snapshot(id string) (*Snapshot, bool) {
	s, ok := v.snapshots.byID[id]
	return s, ok
}

// SnapshotByName finds a snapshot by its name.
func (v *View) SnapshotByName(name string) (*Snapshot, bool) {
	s, ok := v.snapshots.byName[name]
	return s, ok
}

// FindSnapshot finds the snapshot that a user means by ref: a name, an id, or the beginning of one id, in this order. One that is
// being made or removed is not there. Errors: ErrNotFound, and ErrInvalidArgument when several ids begin so.
func (v *View) FindSnapshot(ref string) (*Snapshot, error) {
	if s, ok := v.snapshots.byName[ref]; ok && s.Phase == Ready {
		return s, nil
	}
	s, ok, err := v.snapshots.beginning(ref, "snapshot", func(s *Snapshot) bool { return s.Phase == Ready })
	if err == nil && !ok {
		err = oops.NotFound("No such snapshot: %s", ref)
	}
	return s, err
}

// Snapshots lists all snapshots, newest first.
func (v *View) Snapshots() []*Snapshot {
	t := v.snapshots
	return slices.Clone(t.order.get(func() []*Snapshot {
		return sorted(t.byID, func(a, b *Snapshot) int {
			return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.Name, b.Name))
		})
	}))
}

// SnapshotsOf lists the snapshots of a volume, newest first.
func (v *View) SnapshotsOf(volumeID string) []*Snapshot {
	return slices.DeleteFunc(v.Snapshots(), func(s *Snapshot) bool { return s.Volume != volumeID })
}

func (tx *Tx) ownSnapshots() *snapshotTable {
	if !tx.own.snapshots {
		tx.snapshots = tx.snapshots.clone()
		tx.own.snapshots = true
	}
	return tx.snapshots
}

// PutSnapshot writes a snapshot: a new one, or the new form of one with this id. Its name must not be another snapshot's:
// ErrConflict. Its volume must be there: ErrNotFound.
func (tx *Tx) PutSnapshot(s Snapshot) error {
	if s.ID == "" || s.Name == "" {
		return errors.New("a snapshot has an id and a name")
	}
	if other, ok := tx.snapshots.byName[s.Name]; ok && other.ID != s.ID {
		return oops.Conflict("A snapshot named %s already exists. Choose a different snapshot name", s.Name)
	}
	if _, ok := tx.volumes.byID[s.Volume]; !ok {
		return oops.NotFound("No such volume: %s", s.Volume)
	}
	s.CreatedAt = plainTime(s.CreatedAt)
	spec, specBack, err := recode(s.Spec)
	if err != nil {
		return fmt.Errorf("encode the spec of snapshot %s: %w", s.ID, err)
	}
	s.Spec = specBack
	err = tx.write(`INSERT INTO snapshots (account, id, name, volume, size_gb, phase, created_at, spec) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (account, id) DO UPDATE SET name = excluded.name, volume = excluded.volume, size_gb = excluded.size_gb,
		phase = excluded.phase, created_at = excluded.created_at, spec = excluded.spec`,
		tx.account.ID(), s.ID, s.Name, s.Volume, s.SizeGB, string(s.Phase), encodeTime(s.CreatedAt), spec)
	if err != nil {
		return err
	}
	tx.ownSnapshots().put(&s)
	tx.touch(metering.Snapshot, s.ID)
	return nil
}

// DeleteSnapshot deletes a snapshot. Absent is no error.
func (tx *Tx) DeleteSnapshot(id string) error {
	if _, ok := tx.snapshots.byID[id]; !ok {
		return nil
	}
	if err := tx.write("DELETE FROM snapshots WHERE account = ? AND id = ?", tx.account.ID(), id); err != nil {
		return err
	}
	tx.ownSnapshots().remove(id)
	tx.touch(metering.Snapshot, id)
	return nil
}

func loadSnapshots(ctx context.Context, conn *sql.Conn, views map[string]*View) error {
	return each(ctx, conn, "SELECT account, id, name, volume, size_gb, phase, created_at, spec FROM snapshots", func(scan func(...any) error) error {
		var s Snapshot
		var account, created, spec string
		if err := scan(&account, &s.ID, &s.Name, &s.Volume, &s.SizeGB, &s.Phase, &created, &spec); err != nil {
			return err
		}
		v, err := viewOf(views, account)
		if err != nil {
			return err
		}
		var errTime error
		s.CreatedAt, errTime = decodeTime(created)
		if err := errors.Join(errTime, json.Unmarshal([]byte(spec), &s.Spec)); err != nil {
			return fmt.Errorf("snapshot %s: %w", s.ID, err)
		}
		v.snapshots.put(&s)
		return nil
	})
}
