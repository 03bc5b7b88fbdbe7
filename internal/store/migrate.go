package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations are the steps from an empty database to the newest version, in order: step i leads to version i+1.
// A step that was released is never changed; the schema goes forward by a further file.
var migrations = readMigrations(migrationFiles)

type migration struct {
	name string
	sql  string
}

// readMigrations reads NNNN_name.sql, which must be numbered from 1 without a gap: anything else is a
// mistake in the build, found by every test.
func readMigrations(files fs.FS) []migration {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		panic(err)
	}
	var list []migration
	for i, name := range names {
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			panic(fmt.Sprintf("migration %s should have number %d", name, i+1))
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			panic(err)
		}
		list = append(list, migration{name: name, sql: string(text)})
	}
	return list
}

// migrate runs the steps that the database has not seen, each in a transaction that also raises its version.
func migrate(ctx context.Context, conn *sql.Conn, version int, steps []migration) error {
	for i, step := range steps {
		if i < version {
			continue
		}
		script := fmt.Sprintf("BEGIN IMMEDIATE;\n%s\n;PRAGMA user_version = %d;\nCOMMIT;", step.sql, i+1)
		if _, err := conn.ExecContext(ctx, script); err != nil {
			// The error may have come before BEGIN, and then there is nothing to roll back.
			_, _ = conn.ExecContext(ctx, "ROLLBACK")
			return fmt.Errorf("migrate the database by %s: %w", step.name, err)
		}
	}
	return nil
}
