package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hypercloud/hyper/internal/metering"
)

type imageTable struct {
	byID  map[string]*Image
	order lazy[[]*Image] // newest first
}

func newImageTable() *imageTable { return &imageTable{byID: map[string]*Image{}} }

func (t *imageTable) clone() *imageTable { return &imageTable{byID: maps.Clone(t.byID)} }

func (t *imageTable) put(img *Image) {
	t.order.forget()
	t.byID[img.ID] = img
}

func (t *imageTable) remove(id string) {
	t.order.forget()
	delete(t.byID, id)
}

// Image finds an image by its id, sha256:<64 hex>.
func (v *View) Image(id string) (*Image, bool) {
	img, ok := v.images.byID[id]
	return img, ok
}

// Images lists all images, newest (by the time that they were built) first.
func (v *View) Images() []*Image {
	t := v.images
	return slices.Clone(t.order.get(func() []*Image {
		return sorted(t.byID, func(a, b *Image) int {
			return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
		})
	}))
}

func (tx *Tx) ownImages() *imageTable {
	if !tx.own.images {
		tx.images = tx.images.clone()
		tx.own.images = true
	}
	return tx.images
}

// PutImage writes an image: a new one, or the new form of one with this id.
func (tx *Tx) PutImage(img Image) error {
	if img.ID == "" {
		return errors.New("an image has an id")
	}
	img.PulledAt = plainTime(img.PulledAt)
	img.Created = plainTime(img.Created)
	info, back, err := recode(img.Image)
	if err != nil {
		return fmt.Errorf("encode image %s: %w", img.ID, err)
	}
	img.Image = back
	err = tx.write(`INSERT INTO images (account, id, info, pulled_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (account, id) DO UPDATE SET info = excluded.info, pulled_at = excluded.pulled_at`,
		tx.account.ID(), img.ID, info, encodeTime(img.PulledAt))
	if err != nil {
		return err
	}
	tx.ownImages().put(&img)
	tx.touch(metering.Image, img.ID)
	return nil
}

// DeleteImage deletes an image and its tags. Absent is no error.
func (tx *Tx) DeleteImage(id string) error {
	if _, ok := tx.images.byID[id]; !ok {
		return nil
	}
	// The rows of its tags go with it, by their foreign key.
	if err := tx.write("DELETE FROM images WHERE account = ? AND id = ?", tx.account.ID(), id); err != nil {
		return err
	}
	tx.ownImages().remove(id)
	tx.touch(metering.Image, id)
	tx.ownTags().removeImage(id)
	return nil
}

func loadImages(ctx context.Context, conn *sql.Conn, views map[string]*View) error {
	return each(ctx, conn, "SELECT account, id, info, pulled_at FROM images", func(scan func(...any) error) error {
		var img Image
		var account, id, info, pulled string
		if err := scan(&account, &id, &info, &pulled); err != nil {
			return err
		}
		v, err := viewOf(views, account)
		if err != nil {
			return err
		}
		var errTime error
		img.PulledAt, errTime = decodeTime(pulled)
		if err := errors.Join(errTime, json.Unmarshal([]byte(info), &img.Image)); err != nil {
			return fmt.Errorf("image %s: %w", id, err)
		}
		v.images.put(&img)
		return nil
	})
}
