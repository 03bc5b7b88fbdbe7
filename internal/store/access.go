package store

import "time"

// Credential is a pair of access key and secret that requests are signed with.
type Credential struct {
	Access    string // unique on this machine
	Name      string // the user's word for it, or ""
	Sealed    []byte // the secret, encrypted by a key that the store does not have
	CreatedAt time.Time
}

// Token is a bearer token. What it is made of is not here.
type Token struct {
	Hash      string // SHA-256 of the token, 64 hex digits; unique on this machine
	Name      string // unique in the account
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
}

// Certificate is a client certificate that hyperd issued. One that is revoked has no row.
type Certificate struct {
	Serial      string // lower-case hex; unique on this machine
	Name        string
	Fingerprint string // SHA-256 of the certificate, 64 hex digits
	CreatedAt   time.Time
	ExpiresAt   time.Time
}

// AccountState says whether an account is served.
type AccountState string

// The states of an account.
const (
	Enabled  AccountState = "enabled"
	Disabled AccountState = "disabled" // nobody enters; what runs goes on running
	Leaving  AccountState = "removing" // what it has is being removed, and then it is; finished at start
)
