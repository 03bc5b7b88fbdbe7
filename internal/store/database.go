package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite" // the driver named sqlite
)

// lockWait is how long Open waits for an earlier hyperd to let go of the database.
const lockWait = 5 * time.Second

// readers is how many read the ledger at a time.
const readers = 4

// lockFile makes the database's directory and takes the lock that keeps a second hyperd, whose picture in
// memory would go stale, from opening it. The kernel frees the lock when the process ends, however it ends.
func lockFile(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the database's directory: %w", err)
	}
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the database: %w", err)
	}
	for end := time.Now().Add(lockWait); ; time.Sleep(20 * time.Millisecond) {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return f, nil
		}
		busy := errors.Is(err, unix.EWOULDBLOCK)
		if (busy && time.Now().Before(end)) || errors.Is(err, unix.EINTR) {
			continue
		}
		_ = f.Close()
		if busy {
			return nil, fmt.Errorf("database %s is in use by another hyperd: stop that one first, or give this one a data directory of its own", path)
		}
		return nil, fmt.Errorf("lock database %s: %w", path, err)
	}
}

// openDatabase opens, checks and migrates the file. There is one connection: all use of it is by the writer.
func openDatabase(path string) (*sql.DB, *sql.Conn, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, nil, err
	}
	// Made here and not by SQLite, so that nobody else can read it.
	f, err := os.OpenFile(abs, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open database: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, nil, fmt.Errorf("open database: %w", err)
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: abs}).String())
	if err != nil {
		return nil, nil, fmt.Errorf("open database %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		_ = db.Close()
		return nil, nil, fmt.Errorf("open database %s: %w", path, err)
	}
	if err := prepare(ctx, conn, path); err != nil {
		_ = closeDatabase(db, conn)
		return nil, nil, err
	}
	return db, conn, nil
}

// openReader opens the database once more, for reading. What is read is what was on disk when the reading began, and writers go on meanwhile.
func openReader(path string) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	address := url.URL{Scheme: "file", Path: abs, RawQuery: url.Values{"mode": {"ro"}, "_pragma": {"query_only(1)", "busy_timeout(5000)"}}.Encode()}
	db, err := sql.Open("sqlite", address.String())
	if err != nil {
		return nil, fmt.Errorf("open database %s for reading: %w", path, err)
	}
	db.SetMaxOpenConns(readers)
	db.SetMaxIdleConns(readers)
	return db, nil
}

func closeDatabase(db *sql.DB, conn *sql.Conn) error {
	return errors.Join(conn.Close(), db.Close())
}

// check looks for damage in all tables but the ledger, which grows for years and would keep hyperd from starting for as long as it takes to read.
func check(ctx context.Context, conn *sql.Conn) error {
	var tables []string
	err := each(ctx, conn, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'ledger'", func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		tables = append(tables, name)
		return err
	})
	if err != nil {
		return err
	}
	for _, name := range tables {
		var verdict string
		if err := conn.QueryRowContext(ctx, "PRAGMA quick_check('"+name+"')").Scan(&verdict); err != nil {
			return err
		}
		if verdict != "ok" {
			return errors.New(verdict)
		}
	}
	return nil
}

// prepare refuses what must not be written to before it writes anything.
func prepare(ctx context.Context, conn *sql.Conn, path string) error {
	if _, err := conn.ExecContext(ctx, "PRAGMA busy_timeout = 5000"); err != nil {
		return fmt.Errorf("open database %s: %w", path, err)
	}
	if err := check(ctx, conn); err != nil {
		return fmt.Errorf("database %s is damaged (%w): restore it from a backup; running containers and volumes are not touched meanwhile", path, err)
	}
	var version int
	if err := conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return fmt.Errorf("open database %s: %w", path, err)
	}
	if newest := len(migrations); version > newest {
		return fmt.Errorf("database %s has version %d, and this hyperd knows versions up to %d: run the hyperd that wrote it, or a newer one", path, version, newest)
	}
	for _, pragma := range []string{"journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"} {
		if _, err := conn.ExecContext(ctx, "PRAGMA "+pragma); err != nil {
			return fmt.Errorf("open database %s: %w", path, err)
		}
	}
	return migrate(ctx, conn, version, migrations)
}
