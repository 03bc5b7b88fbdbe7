// Package signature is HYPER-HMAC-SHA256, the scheme by which a client proves its account with every request without
// sending its secret. The client signs, the server verifies; both derive the same text from the request:
//
//	method, path, query, the signed headers, their names, the body's hash   (canonical.go)
//
// and the signature is an HMAC over that text's hash, the request's date and its region, under a key that is derived
// from the secret. It is Amazon's Signature Version 4 with other names, a path without its leading slash, and a body
// hash that is always there.
//
// What the scheme does not do: nothing keeps a captured request from being sent once more. A verifier must bound the
// request's age (Signed.Fresh), remember the signatures that it has seen for as long, and listen on TLS only. Bytes
// that follow an upgrade to a raw stream are outside the signature.
//
// The package knows no accounts, keeps no state and uses nothing but the standard library.
package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
)

// Algorithm is the first word of the Authorization header of a signed request.
const Algorithm = "HYPER-HMAC-SHA256"

// The headers of a signed request, besides Authorization.
const (
	HeaderDate     = "X-Hyper-Date"
	HeaderBodyHash = "X-Hyper-Content-Sha256"
)

const (
	service    = "hyper"
	terminator = "hyper_request"
	dateLayout = "20060102T150405Z"
	dayLength  = len("20060102")
)

// Key is one pair of credentials. The access key travels with every request and names the account; the secret never
// travels.
type Key struct{ Access, Secret string }

// Sign sets the headers that prove r's account: X-Hyper-Date, X-Hyper-Content-Sha256 and Authorization. Everything
// that is signed must be final: method, URL, host, Content-Type and every X-Hyper-* header. bodyHash is the SHA-256 of
// the body in lower-case hex (HashBody, EmptyHash). The region is one of the key's own choosing; servers take it from
// the request.
func Sign(r *http.Request, bodyHash string, k Key, region string, now time.Time) {
	date := now.UTC().Format(dateLayout)
	r.Header.Set(HeaderDate, date)
	r.Header.Set(HeaderBodyHash, bodyHash)
	signed := namesToSign(r.Header)
	digest, err := digestRequest(r, signed, bodyHash)
	if err != nil {
		// Its query cannot be decoded, so that no server can verify it: it goes out as it is, and is refused there.
		digest = [sha256.Size]byte{}
	}
	mac := sign(k.Secret, date, region, digest)
	r.Header.Set("Authorization", Algorithm+
		" Credential="+k.Access+"/"+scope(date, region)+
		", SignedHeaders="+strings.Join(signed, ";")+
		", Signature="+hex.EncodeToString(mac[:]))
}

// sign is the signature of the request with that digest.
func sign(secret, date, region string, digest [sha256.Size]byte) [sha256.Size]byte {
	key := sum([]byte("HYPER"+secret), date[:dayLength])
	key = sum(key[:], region)
	key = sum(key[:], service)
	key = sum(key[:], terminator)
	return sum(key[:], Algorithm+"\n"+date+"\n"+scope(date, region)+"\n"+hex.EncodeToString(digest[:]))
}

func sum(key []byte, message string) (mac [sha256.Size]byte) {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message))
	h.Sum(mac[:0])
	return mac
}

// scope is where and when a signature holds.
func scope(date, region string) string {
	return date[:dayLength] + "/" + region + "/" + service + "/" + terminator
}
