// Package store keeps everything that Hyper knows: in SQLite on disk, and in memory for readers.
//
// Writers go through [Store.Update], one at a time: what they do is one SQLite transaction (WAL,
// synchronous=FULL) and becomes visible to readers only after it is on disk. Readers take a [View]: an
// immutable picture of one account, got without a lock and without touching SQLite. The rows that a
// View hands out are shared: they must not be changed; a writer puts a changed copy.
//
// A View and a [Tx] know one account only, so that no caller can see or change another one's rows.
// What has to be unique over all accounts (account names and slots, floating IPs, access keys, tokens,
// certificates) is held so by the database itself; whose it is can be asked without naming an account, since
// that is how one is recognised.
//
// The schema lives in migrations/, numbered and forward only; a database that a newer hyperd has
// migrated is refused. SQLite is read once, at [Open].
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync/atomic"

	"github.com/hypercloud/hyper/internal/account"
)

// Store is the open database and the picture of it in memory. It is safe for concurrent use.
type Store struct {
	path   string
	lock   *os.File
	db     *sql.DB
	conn   *sql.Conn // the only one that writes; whoever holds turn uses it
	reader *sql.DB   // of the ledger, which is not kept in memory
	clock  ledgerClock

	// turn holds one token: taking it makes its holder the writer.
	turn   chan struct{}
	closed bool // guarded by turn

	tenants atomic.Pointer[tenants]
	owners  index[netip.Addr] // of floating IPs
	entries index[entry]      // of access keys, tokens and certificates
}

// Open opens the database at path, making it and its directory if they are missing, brings its schema up to
// date and reads it into memory. It fails with a sentence if the file is damaged, was made by a newer
// hyperd, or is in use by another one.
func Open(path string) (*Store, error) { return OpenAt(path, SystemClock()) }

// OpenAt is Open with another clock.
func OpenAt(path string, clock Clock) (*Store, error) {
	lock, err := lockFile(path)
	if err != nil {
		return nil, err
	}
	db, conn, err := openDatabase(path)
	if err != nil {
		_ = lock.Close()
		return nil, err
	}
	s := &Store{path: path, lock: lock, db: db, conn: conn, turn: make(chan struct{}, 1)}
	s.clock.Clock = clock
	if s.reader, err = openReader(path); err == nil {
		err = s.load(context.Background())
	}
	if err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("read database %s: %w", path, err)
	}
	return s, nil
}

// Close waits for the writer, if there is one, and closes the database. Views stay readable. Closing a
// closed Store does nothing.
func (s *Store) Close() error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if s.closed {
		return nil
	}
	s.closed = true
	var err error
	if s.reader != nil {
		if s.tenants.Load() != nil {
			_ = s.keepTime(context.Background()) // without it less is charged, if the machine goes down
		}
		err = s.reader.Close()
	}
	err = errors.Join(err, closeDatabase(s.db, s.conn))
	if lockErr := s.lock.Close(); err == nil {
		err = lockErr
	}
	if err != nil {
		return fmt.Errorf("close database %s: %w", s.path, err)
	}
	return nil
}

// View returns the newest picture of the account. An account that is not here has an empty one; it is never nil.
func (s *Store) View(a account.Ref) *View {
	if t, ok := s.tenants.Load().of(a); ok {
		return t.view.Load()
	}
	return newView(a)
}

// FloatingIPOwner tells which of all accounts holds the address.
func (s *Store) FloatingIPOwner(addr netip.Addr) (account.Ref, bool) {
	return s.owners.of(addr.Unmap())
}

// load builds the picture of all accounts from the database.
func (s *Store) load(ctx context.Context) error {
	list, err := loadAccounts(ctx, s.conn)
	if err != nil {
		return err
	}
	retired, err := loadRetired(ctx, s.conn)
	if err != nil {
		return err
	}
	all := newTenants(list, retired)
	views := make(map[string]*View, len(list))
	for _, a := range list {
		views[a.Ref.ID()] = newView(a.Ref)
	}
	for _, table := range []func(context.Context, *sql.Conn, map[string]*View) error{
		loadNetworks, loadContainers, loadVolumes, loadSnapshots, loadImages, loadTags, loadFloatingIPs, loadSecurityGroups,
		loadCredentials, loadTokens, loadCertificates, loadQuotas, loadProjects, loadMeters, loadLedgerSeqs, loadBudgets,
	} {
		if err := table(ctx, s.conn, views); err != nil {
			return err
		}
	}
	owners, entries := map[netip.Addr]account.Ref{}, map[entry]account.Ref{}
	for id, v := range views {
		for addr := range v.floatingIPs.byAddress {
			owners[addr] = v.account
		}
		for e := range v.access.entries {
			entries[e] = v.account
		}
		all.byID[id].view.Store(v)
	}
	s.owners.Store(&owners)
	s.entries.Store(&entries)
	s.tenants.Store(all)
	if err := s.startClock(ctx); err != nil {
		return err
	}
	return s.updateAll(ctx, (*Tx).reconcile, func(*sql.Conn) error { return nil }, func() {})
}
