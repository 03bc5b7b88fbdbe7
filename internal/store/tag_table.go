package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hypercloud/hyper/internal/metering"
)

// tagKey is what a tag is found by: repository and tag, or repository and digest when there is no tag.
type tagKey struct{ repository, tag, digest string }

func keyOf(t Tag) tagKey {
	if t.Tag != "" {
		return tagKey{repository: t.Repository, tag: t.Tag}
	}
	return tagKey{repository: t.Repository, digest: t.Digest}
}

type tagTable struct {
	byKey map[tagKey]Tag
	order lazy[tagOrder]
}

type tagOrder struct {
	all     []Tag // by repository, tag and digest
	byImage map[string][]Tag
}

func newTagTable() *tagTable { return &tagTable{byKey: map[tagKey]Tag{}} }

func (t *tagTable) clone() *tagTable { return &tagTable{byKey: maps.Clone(t.byKey)} }

func (t *tagTable) put(tag Tag) {
	t.order.forget()
	t.byKey[keyOf(tag)] = tag
}

func (t *tagTable) remove(key tagKey) {
	t.order.forget()
	delete(t.byKey, key)
}

func (t *tagTable) removeImage(id string) {
	t.order.forget()
	maps.DeleteFunc(t.byKey, func(_ tagKey, tag Tag) bool { return tag.ImageID == id })
}

func (t *tagTable) ordered() tagOrder {
	return t.order.get(func() tagOrder {
		o := tagOrder{byImage: map[string][]Tag{}}
		o.all = slices.SortedFunc(maps.Values(t.byKey), func(a, b Tag) int {
			return cmp.Or(cmp.Compare(a.Repository, b.Repository), cmp.Compare(a.Tag, b.Tag), cmp.Compare(a.Digest, b.Digest))
		})
		for _, tag := range o.all {
			o.byImage[tag.ImageID] = append(o.byImage[tag.ImageID], tag)
		}
		return o
	})
}

// Tags lists all names of images, by repository, tag and digest.
func (v *View) Tags() []Tag { return slices.Clone(v.tags.ordered().all) }

// TagsOf lists the names of an image, by repository, tag and digest.
func (v *View) TagsOf(imageID string) []Tag {
	return slices.Clone(v.tags.ordered().byImage[imageID])
}

// Tag finds what a normalised repository's tag names. References by digest are found in Tags.
func (v *View) Tag(repository, tag string) (Tag, bool) {
	t, ok := v.tags.byKey[tagKey{repository: repository, tag: tag}]
	return t, ok && tag != ""
}

func (tx *Tx) ownTags() *tagTable {
	if !tx.own.tags {
		tx.tags = tx.tags.clone()
		tx.own.tags = true
	}
	return tx.tags
}

// PutTag names an image, which must be there. A tag that names another image is moved.
func (tx *Tx) PutTag(t Tag) error {
	if t.Repository == "" || (t.Tag == "" && t.Digest == "") {
		return errors.New("an image's name has a repository, and a tag or a digest")
	}
	if _, ok := tx.images.byID[t.ImageID]; !ok {
		return fmt.Errorf("image %s, which is to be named %s:%s, does not exist", t.ImageID, t.Repository, t.Tag)
	}
	// A moved tag has another digest, which is part of its row's key.
	if old, ok := tx.tags.byKey[keyOf(t)]; ok && old.Digest != t.Digest {
		if err := tx.DeleteTag(old.Repository, old.Tag, old.Digest); err != nil {
			return err
		}
	}
	err := tx.write(`INSERT INTO tags (account, repository, tag, digest, image_id) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (account, repository, tag, digest) DO UPDATE SET image_id = excluded.image_id`,
		tx.account.ID(), t.Repository, t.Tag, t.Digest, t.ImageID)
	if err != nil {
		return err
	}
	tx.ownTags().put(t)
	tx.touch(metering.Image, t.ImageID) // which has a name now
	return nil
}

// DeleteTag takes a name from an image: the tag if it is not "" (digest may then be "", or must be the tag's), else the
// reference by digest. Absent is no error.
func (tx *Tx) DeleteTag(repository, tag, digest string) error {
	key := keyOf(Tag{Repository: repository, Tag: tag, Digest: digest})
	old, ok := tx.tags.byKey[key]
	if !ok || (digest != "" && digest != old.Digest) {
		return nil
	}
	err := tx.write("DELETE FROM tags WHERE account = ? AND repository = ? AND tag = ? AND digest = ?",
		tx.account.ID(), old.Repository, old.Tag, old.Digest)
	if err != nil {
		return err
	}
	tx.ownTags().remove(key)
	return nil
}

func loadTags(ctx context.Context, conn *sql.Conn, views map[string]*View) error {
	return each(ctx, conn, "SELECT account, repository, tag, digest, image_id FROM tags", func(scan func(...any) error) error {
		var t Tag
		var account string
		if err := scan(&account, &t.Repository, &t.Tag, &t.Digest, &t.ImageID); err != nil {
			return err
		}
		v, err := viewOf(views, account)
		if err != nil {
			return err
		}
		v.tags.put(t)
		return nil
	})
}
