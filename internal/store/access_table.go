package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
)

// accessTable is all that an account may be entered with.
type accessTable struct {
	credentials  map[string]*Credential  // by access key
	tokens       map[string]*Token       // by hash
	certificates map[string]*Certificate // by serial
}

func newAccessTable() *accessTable {
	return &accessTable{
		credentials:  map[string]*Credential{},
		tokens:       map[string]*Token{},
		certificates: map[string]*Certificate{},
	}
}

func (t *accessTable) clone() *accessTable {
	return &accessTable{
		credentials: maps.Clone(t.credentials), tokens: maps.Clone(t.tokens), certificates: maps.Clone(t.certificates),
	}
}

// entry is what somebody shows who enters: an access key, a token's hash or a certificate's serial.
type entry struct{ kind, key string }

// entries lists all of the table's, for the index over all accounts.
func (t *accessTable) entries(yield func(entry) bool) {
	for k := range t.credentials {
		if !yield(entry{"credential", k}) {
			return
		}
	}
	for k := range t.tokens {
		if !yield(entry{"token", k}) {
			return
		}
	}
	for k := range t.certificates {
		if !yield(entry{"certificate", k}) {
			return
		}
	}
}

// Credential finds a credential by its access key, and whose it is.
func (s *Store) Credential(access string) (account.Ref, *Credential, bool) {
	ref, ok := s.entries.of(entry{"credential", access})
	if !ok {
		return account.Ref{}, nil, false
	}
	c, ok := s.View(ref).access.credentials[access]
	return ref, c, ok
}

// Token finds a token by its hash, and whose it is.
func (s *Store) Token(hash string) (account.Ref, *Token, bool) {
	ref, ok := s.entries.of(entry{"token", hash})
	if !ok {
		return account.Ref{}, nil, false
	}
	t, ok := s.View(ref).access.tokens[hash]
	return ref, t, ok
}

// Certificate finds a certificate by its serial, and whose it is.
func (s *Store) Certificate(serial string) (account.Ref, *Certificate, bool) {
	ref, ok := s.entries.of(entry{"certificate", serial})
	if !ok {
		return account.Ref{}, nil, false
	}
	c, ok := s.View(ref).access.certificates[serial]
	return ref, c, ok
}

// Credentials lists the account's credentials, oldest first.
func (v *View) Credentials() []*Credential {
	return sorted(v.access.credentials, func(a, b *Credential) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Access, b.Access))
	})
}

// Tokens lists the account's tokens, oldest first.
func (v *View) Tokens() []*Token {
	return sorted(v.access.tokens, func(a, b *Token) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Name, b.Name))
	})
}

// Certificates lists the account's certificates, oldest first.
func (v *View) Certificates() []*Certificate {
	return sorted(v.access.certificates, func(a, b *Certificate) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Serial, b.Serial))
	})
}

func (tx *Tx) ownAccess() *accessTable {
	if !tx.own.access {
		tx.access = tx.access.clone()
		tx.own.access = true
	}
	return tx.access
}

// PutCredential writes a new credential, whose access key nobody has.
func (tx *Tx) PutCredential(c Credential) error {
	if c.Access == "" || len(c.Sealed) == 0 {
		return errors.New("a credential has an access key and a secret")
	}
	c.CreatedAt, c.Sealed = plainTime(c.CreatedAt), slices.Clone(c.Sealed)
	err := tx.write("INSERT INTO credentials (access, account, name, sealed, created_at) VALUES (?, ?, ?, ?, ?)",
		c.Access, tx.account.ID(), c.Name, c.Sealed, encodeTime(c.CreatedAt))
	if err != nil {
		return err
	}
	tx.ownAccess().credentials[c.Access] = &c
	return nil
}

// DeleteCredential deletes a credential. Errors: ErrNotFound.
func (tx *Tx) DeleteCredential(access string) error {
	if _, ok := tx.access.credentials[access]; !ok {
		return oops.NotFound("No such credential: %s", access)
	}
	if err := tx.write("DELETE FROM credentials WHERE access = ? AND account = ?", access, tx.account.ID()); err != nil {
		return err
	}
	delete(tx.ownAccess().credentials, access)
	return nil
}

// PutToken writes a new token. ErrConflict: the account has one of that name.
func (tx *Tx) PutToken(t Token) error {
	if t.Hash == "" || t.Name == "" {
		return errors.New("a token has a hash and a name")
	}
	for _, other := range tx.access.tokens {
		if other.Name == t.Name {
			return oops.Conflict("A token named %q exists already. Choose another name, or revoke that one.", t.Name)
		}
	}
	t.CreatedAt, t.ExpiresAt = plainTime(t.CreatedAt), plainTime(t.ExpiresAt)
	err := tx.write("INSERT INTO tokens (hash, account, name, created_at, expires_at) VALUES (?, ?, ?, ?, ?)",
		t.Hash, tx.account.ID(), t.Name, encodeTime(t.CreatedAt), encodeEnd(t.ExpiresAt))
	if err != nil {
		return err
	}
	tx.ownAccess().tokens[t.Hash] = &t
	return nil
}

// DeleteToken deletes the token of that name. Errors: ErrNotFound.
func (tx *Tx) DeleteToken(name string) error {
	for hash, t := range tx.access.tokens {
		if t.Name != name {
			continue
		}
		if err := tx.write("DELETE FROM tokens WHERE hash = ? AND account = ?", hash, tx.account.ID()); err != nil {
			return err
		}
		delete(tx.ownAccess().tokens, hash)
		return nil
	}
	return oops.NotFound("No such token: %s", name)
}

// PutCertificate writes a new certificate, whose serial nobody has.
func (tx *Tx) PutCertificate(c Certificate) error {
	if c.Serial == "" || c.Fingerprint == "" {
		return errors.New("a certificate has a serial and a fingerprint")
	}
	c.CreatedAt, c.ExpiresAt = plainTime(c.CreatedAt), plainTime(c.ExpiresAt)
	err := tx.write("INSERT INTO certificates (serial, account, name, fingerprint, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
		c.Serial, tx.account.ID(), c.Name, c.Fingerprint, encodeTime(c.CreatedAt), encodeTime(c.ExpiresAt))
	if err != nil {
		return err
	}
	tx.ownAccess().certificates[c.Serial] = &c
	return nil
}

// DeleteCertificate deletes the certificate with that serial. Errors: ErrNotFound.
func (tx *Tx) DeleteCertificate(serial string) error {
	if _, ok := tx.access.certificates[serial]; !ok {
		return oops.NotFound("No such certificate: %s", serial)
	}
	if err := tx.write("DELETE FROM certificates WHERE serial = ? AND account = ?", serial, tx.account.ID()); err != nil {
		return err
	}
	delete(tx.ownAccess().certificates, serial)
	return nil
}

// encodeEnd gives NULL for an end that never comes.
func encodeEnd(t time.Time) sql.NullString {
	return sql.NullString{String: encodeTime(t), Valid: !t.IsZero()}
}

func decodeEnd(s sql.NullString) (time.Time, error) {
	if !s.Valid {
		return time.Time{}, nil
	}
	return decodeTime(s.String)
}

func loadCredentials(ctx context.Context, conn *sql.Conn, views map[string]*View) error {
	return each(ctx, conn, "SELECT access, account, name, sealed, created_at FROM credentials", func(scan func(...any) error) error {
		var c Credential
		var account, created string
		if err := scan(&c.Access, &account, &c.Name, &c.Sealed, &created); err != nil {
			return err
		}
		v, err := viewOf(views, account)
		if err != nil {
			return err
		}
		if c.CreatedAt, err = decodeTime(created); err != nil {
			return fmt.Errorf("credential %s: %w", c.Access, err)
		}
		v.access.credentials[c.Access] = &c
		return nil
	})
}

func loadTokens(ctx context.Context, conn *sql.Conn, views map[string]*View) error {
	return each(ctx, conn, "SELECT hash, account, name, created_at, expires_at FROM tokens", func(scan func(...any) error) error {
		var t Token
		var account, created string
		var expires sql.NullString
		if err := scan(&t.Hash, &account, &t.Name, &created, &expires); err != nil {
			return err
		}
		v, err := viewOf(views, account)
		if err != nil {
			return err
		}
		var errMade, errEnd error
		t.CreatedAt, errMade = decodeTime(created)
		t.ExpiresAt, errEnd = decodeEnd(expires)
		if err := errors.Join(errMade, errEnd); err != nil {
			return fmt.Errorf("token %s: %w", t.Name, err)
		}
		v.access.tokens[t.Hash] = &t
		return nil
	})
}

func loadCertificates(ctx context.Context, conn *sql.Conn, views map[string]*View) error {
	return each(ctx, conn, "SELECT serial, account, name, fingerprint, created_at, expires_at FROM certificates", func(scan func(...any) error) error {
		var c Certificate
		var account, created, expires string
		if err := scan(&c.Serial, &account, &c.Name, &c.Fingerprint, &created, &expires); err != nil {
			return err
		}
		v, err := viewOf(views, account)
		if err != nil {
			return err
		}
		var errMade, errEnd error
		c.CreatedAt, errMade = decodeTime(created)
		c.ExpiresAt, errEnd = decodeTime(expires)
		if err := errors.Join(errMade, errEnd); err != nil {
			return fmt.Errorf("certificate %s: %w", c.Serial, err)
		}
		v.access.certificates[c.Serial] = &c
		return nil
	})
}
