package types

import "time"

// HeaderAccount names the account that an operator's request acts for. Of others it is ignored.
const HeaderAccount = "X-Hyper-Account"

// Account is a tenant, as the operator sees it.
type Account struct {
	// Name is unique on the machine.
	Name string `json:"Name"`
	// ID is 32 hex digits.
	ID string `json:"Id"`
	// State is "enabled", "disabled" (nobody enters; what runs goes on running) or "removing".
	State   string    `json:"State"`
	Created time.Time `json:"Created"`
}

// AccountDetail is an account with what it may have and is entered with.
type AccountDetail struct {
	Account
	Quotas []Quota `json:"Quotas"`
	// Credentials, Tokens and Certificates are how many there are.
	Credentials  int `json:"Credentials"`
	Tokens       int `json:"Tokens"`
	Certificates int `json:"Certificates"`
}

// Quota is what an account may have of one resource, and what of it is used.
type Quota struct {
	// Resource is containers, images, volumes, snapshots, fips, security-groups, services, credentials, memory (bytes)
	// or cpus.
	Resource string `json:"Resource"`
	// Limit is 0 for no limit and -1 for none at all.
	Limit int64 `json:"Limit"`
	Used  int64 `json:"Used"`
}

// AccountCreate asks for a new account. It is the body of POST /accounts.
type AccountCreate struct {
	Name string `json:"Name"`
	// Quotas are the limits that differ from those of every new account, by resource.
	Quotas map[string]int64 `json:"Quotas,omitempty"`
}

// AccountCreated is a new account with its first credential.
type AccountCreated struct {
	Account
	Credential CredentialCreated `json:"Credential"`
}

// Credential is an access key. Its secret was shown when it was made.
type Credential struct {
	Access  string    `json:"Access"`
	Name    string    `json:"Name"` // "": none
	Created time.Time `json:"Created"`
}

// CredentialCreate asks for a new credential. It is the body of POST /credentials and POST /accounts/{name}/credentials.
type CredentialCreate struct {
	Name string `json:"Name,omitempty"`
}

// CredentialCreated is a new credential. The secret cannot be asked for again.
type CredentialCreated struct {
	Credential
	Secret string `json:"Secret"`
}

// Token is a bearer token. What it is made of was shown when it was made.
type Token struct {
	Name    string    `json:"Name"`
	Created time.Time `json:"Created"`
	// Expires is absent when it never does.
	Expires time.Time `json:"Expires,omitzero"`
}

// TokenCreate asks for a new token. It is the body of POST /tokens.
type TokenCreate struct {
	// Name is unique in the account; the server makes one up for an empty one.
	Name string `json:"Name,omitempty"`
	// Lifetime is in seconds; 0 is for ever.
	Lifetime int64 `json:"Lifetime,omitempty"`
}

// TokenCreated is a new token. It cannot be asked for again.
type TokenCreated struct {
	Token
	// Text goes into a request as "Authorization: Bearer TEXT".
	Text string `json:"Token"`
}

// Certificate is a client's certificate that the server's authority has issued.
type Certificate struct {
	Serial  string    `json:"Serial"` // hex
	Name    string    `json:"Name"`
	Created time.Time `json:"Created"`
	Expires time.Time `json:"Expires"`
}

// CertificateCreate asks for a new certificate. It is the body of POST /certificates.
type CertificateCreate struct {
	Name string `json:"Name,omitempty"`
	// Lifetime is in seconds; 0 is a year.
	Lifetime int64 `json:"Lifetime,omitempty"`
}

// CertificateCreated is a new certificate. Its key cannot be asked for again.
type CertificateCreated struct {
	Certificate
	CertificatePEM string `json:"CertificatePEM"`
	KeyPEM         string `json:"KeyPEM"`
}

// Authority is who vouches for the server.
type Authority struct {
	CertificatePEM string `json:"CertificatePEM"`
}
