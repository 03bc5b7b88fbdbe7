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

type volumeTable = namedTable[*Volume, volumeOrder]

func (vol *Volume) key() (id, name string) { return vol.ID, vol.Name }

type volumeOrder struct {
	newest      []*Volume            // newest first
	byContainer map[string][]*Volume // by name
}

func (v *View) orderedVolumes() volumeOrder {
	t := v.volumes
	return t.order.get(func() volumeOrder {
		o := volumeOrder{byContainer: map[string][]*Volume{}}
		o.newest = sorted(t.byID, func(a, b *Volume) int {
			return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.Name, b.Name))
		})
		for _, vol := range o.newest {
			if vol.Container != "" {
				o.byContainer[vol.Container] = append(o.byContainer[vol.Container], vol)
			}
		}
		for _, list := range o.byContainer {
			slices.SortFunc(list, func(a, b *Volume) int { return cmp.Compare(a.Name, b.Name) })
		}
		return o
	})
}

// Volume finds a volume by its id.
func (v *View) Volume(id string) (*Volume, bool) {
	vol, ok := v.volumes.byID[id]
	return vol, ok
}

// VolumeByName finds a volume by its name.
func (v *View) VolumeByName(name string) (*Volume, bool) {
	vol, ok := v.volumes.byName[name]
	return vol, ok
}

// FindVolume finds a volume by its name, which is all that users know of it. Errors: ErrNotFound.
func (v *View) FindVolume(ref string) (*Volume, error) {
	if vol, ok := v.volumes.byName[ref]; ok {
		return vol, nil
	}
	return nil, oops.NotFound("No such volume: %s", ref)
}

// Volumes lists all volumes, newest first.
func (v *View) Volumes() []*Volume { return slices.Clone(v.orderedVolumes().newest) }

// VolumesOf lists the volumes that the container has, by name.
func (v *View) VolumesOf(containerID string) []*Volume {
	return slices.Clone(v.orderedVolumes().byContainer[containerID])
}

func (tx *Tx) ownVolumes() *volumeTable {
	if !tx.own.volumes {
		tx.volumes = tx.volumes.clone()
		tx.own.volumes = true
	}
	return tx.volumes
}

// PutVolume writes a volume: a new one, or the new form of one with this id. Its name must not be
// another volume's: ErrConflict.
func (tx *Tx) PutVolume(vol Volume) error {
	if vol.ID == "" || vol.Name == "" {
		return errors.New("a volume has an id and a name")
	}
	if other, ok := tx.volumes.byName[vol.Name]; ok && other.ID != vol.ID {
		return oops.Conflict("A volume named %q already exists. Choose a different volume name.", vol.Name)
	}
	vol.CreatedAt = plainTime(vol.CreatedAt)
	if len(vol.Labels) == 0 {
		vol.Labels = nil
	}
	labels, labelsBack, err := recode(vol.Labels)
	if err != nil {
		return fmt.Errorf("encode the labels of volume %s: %w", vol.ID, err)
	}
	spec, specBack, err := recode(vol.Spec)
	if err != nil {
		return fmt.Errorf("encode the spec of volume %s: %w", vol.ID, err)
	}
	vol.Labels, vol.Spec = labelsBack, specBack
	err = tx.write(`INSERT INTO volumes (account, id, name, size_gb, auto, container, labels, phase, created_at, written, spec)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (account, id) DO UPDATE SET name = excluded.name, size_gb = excluded.size_gb, auto = excluded.auto,
		container = excluded.container, labels = excluded.labels, phase = excluded.phase, created_at = excluded.created_at,
		written = excluded.written, spec = excluded.spec`,
		tx.account.ID(), vol.ID, vol.Name, vol.SizeGB, vol.Auto, vol.Container, labels, string(vol.Phase), encodeTime(vol.CreatedAt), vol.Written, spec)
	if err != nil {
		return err
	}
	tx.ownVolumes().put(&vol)
	tx.touch(metering.Volume, vol.ID)
	return nil
}

// DeleteVolume deletes a volume. Absent is no error.
func (tx *Tx) DeleteVolume(id string) error {
	if _, ok := tx.volumes.byID[id]; !ok {
		return nil
	}
	if err := tx.write("DELETE FROM volumes WHERE account = ? AND id = ?", tx.account.ID(), id); err != nil {
		return err
	}
	tx.ownVolumes().remove(id)
	tx.touch(metering.Volume, id)
	return nil
}

func loadVolumes(ctx context.Context, conn *sql.Conn, views map[string]*View) error {
	return each(ctx, conn, "SELECT account, id, name, size_gb, auto, container, labels, phase, created_at, written, spec FROM volumes", func(scan func(...any) error) error {
		var vol Volume
		var account, labels, created, spec string
		if err := scan(&account, &vol.ID, &vol.Name, &vol.SizeGB, &vol.Auto, &vol.Container, &labels, &vol.Phase, &created, &vol.Written, &spec); err != nil {
			return err
		}
		v, err := viewOf(views, account)
		if err != nil {
			return err
		}
		var errTime error
		vol.CreatedAt, errTime = decodeTime(created)
		if err := errors.Join(errTime, json.Unmarshal([]byte(labels), &vol.Labels), json.Unmarshal([]byte(spec), &vol.Spec)); err != nil {
			return fmt.Errorf("volume %s: %w", vol.ID, err)
		}
		v.volumes.put(&vol)
		return nil
	})
}
