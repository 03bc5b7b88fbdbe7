package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
)

type projectTable struct {
	byName map[string]*Project
}

func newProjectTable() *projectTable { return &projectTable{byName: map[string]*Project{}} }

// Project finds a compose project by its name.
func (v *View) Project(name string) (*Project, bool) {
	p, ok := v.projects.byName[name]
	return p, ok
}

// Projects lists the compose projects by name.
func (v *View) Projects() []*Project {
	return sorted(v.projects.byName, func(a, b *Project) int { return cmp.Compare(a.Name, b.Name) })
}

func (tx *Tx) ownProjects() *projectTable {
	if !tx.own.projects {
		tx.projects = &projectTable{byName: maps.Clone(tx.projects.byName)}
		tx.own.projects = true
	}
	return tx.projects
}

// PutProject writes a project: a new one, or the new form of the one of this name.
func (tx *Tx) PutProject(p Project) error {
	if p.Name == "" {
		return errors.New("a project has a name")
	}
	p.CreatedAt = plainTime(p.CreatedAt)
	text, back, err := recode(p.Spec)
	if err != nil {
		return fmt.Errorf("encode project %s: %w", p.Name, err)
	}
	p.Spec = back
	err = tx.write(`INSERT INTO projects (account, name, created_at, spec) VALUES (?, ?, ?, ?)
		ON CONFLICT (account, name) DO UPDATE SET created_at = excluded.created_at, spec = excluded.spec`,
		tx.account.ID(), p.Name, encodeTime(p.CreatedAt), text)
	if err != nil {
		return err
	}
	tx.ownProjects().byName[p.Name] = &p
	return nil
}

// DeleteProject forgets a project. Absent is no error.
func (tx *Tx) DeleteProject(name string) error {
	if _, ok := tx.projects.byName[name]; !ok {
		return nil
	}
	if err := tx.write("DELETE FROM projects WHERE account = ? AND name = ?", tx.account.ID(), name); err != nil {
		return err
	}
	delete(tx.ownProjects().byName, name)
	return nil
}

func loadProjects(ctx context.Context, conn *sql.Conn, views map[string]*View) error {
	return each(ctx, conn, "SELECT account, name, created_at, spec FROM projects", func(scan func(...any) error) error {
		var p Project
		var account, created, spec string
		if err := scan(&account, &p.Name, &created, &spec); err != nil {
			return err
		}
		v, err := viewOf(views, account)
		if err != nil {
			return err
		}
		var errTime error
		p.CreatedAt, errTime = decodeTime(created)
		if err := errors.Join(errTime, json.Unmarshal([]byte(spec), &p.Spec)); err != nil {
			return fmt.Errorf("project %s: %w", p.Name, err)
		}
		v.projects.byName[p.Name] = &p
		return nil
	})
}
