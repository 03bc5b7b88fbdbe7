package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Bounds on what is read before anybody is known to have asked.
const (
	maxAuthorization = 8 << 10
	maxSigned        = 64
)

// Signed is a request's claim, read and consistent in itself, but not verified: neither is its access key known to
// exist, nor its date to be recent, nor its body to have that hash.
type Signed struct {
	AccessKey string
	// Region is the client's own word. It takes part in the signature and grants nothing.
	Region    string
	Date      time.Time
	BodyHash  string // SHA-256, 64 lower-case hex digits
	Signature [sha256.Size]byte

	date   string
	digest [sha256.Size]byte
}

// Parse reads the claim of a request whose URL, Host and headers are as the server received them. It needs no secret.
// Errors are sentences for the client, and say "Unauthorized" first.
func Parse(r *http.Request) (*Signed, error) {
	fields, err := parseAuthorization(r.Header.Get("Authorization"))
	if err != nil {
		return nil, unauthorized("%w", err)
	}
	s := &Signed{date: r.Header.Get(HeaderDate), BodyHash: r.Header.Get(HeaderBodyHash)}
	if s.Date, err = parseDate(s.date); err != nil {
		return nil, unauthorized("%w", err)
	}
	if err := s.readCredential(fields.credential); err != nil {
		return nil, unauthorized("%w", err)
	}
	if !isHash(s.BodyHash) {
		return nil, unauthorized("header %s must be the body's SHA-256 in lower-case hex", HeaderBodyHash)
	}
	if !isHash(fields.signature) {
		return nil, unauthorized("the signature must be 64 lower-case hex digits")
	}
	hex.Decode(s.Signature[:], []byte(fields.signature))
	signed := strings.Split(fields.signed, ";")
	if err := checkSigned(r.Header, signed); err != nil {
		return nil, unauthorized("%w", err)
	}
	if s.digest, err = digestRequest(r, signed, s.BodyHash); err != nil {
		return nil, unauthorized("%w", err)
	}
	return s, nil
}

// Verify reports whether the request was signed with that secret. An empty secret proves nothing.
func (s *Signed) Verify(secret string) bool {
	if secret == "" {
		return false
	}
	want := sign(secret, s.date, s.Region, s.digest)
	return hmac.Equal(want[:], s.Signature[:])
}

// Fresh returns an error, a sentence for the client, unless the request was made within window of now, before or after.
func (s *Signed) Fresh(now time.Time, window time.Duration) error {
	if age := now.Sub(s.Date); age > window || age < -window {
		return unauthorized("request time too skewed: the request says %s, the server's clock %s",
			s.Date.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return nil
}

type authorization struct{ credential, signed, signature string }

func parseAuthorization(header string) (authorization, error) {
	var a authorization
	if len(header) > maxAuthorization {
		return a, fmt.Errorf("header Authorization is too long")
	}
	rest, ok := strings.CutPrefix(strings.TrimSpace(header), Algorithm)
	if !ok || rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		return a, fmt.Errorf("header Authorization does not begin with %s", Algorithm)
	}
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		into := map[string]*string{"Credential": &a.credential, "SignedHeaders": &a.signed, "Signature": &a.signature}[name]
		if into == nil || *into != "" || value == "" {
			return a, fmt.Errorf("header Authorization must be %s Credential=..., SignedHeaders=..., Signature=...", Algorithm)
		}
		*into = value
	}
	if a.credential == "" || a.signed == "" || a.signature == "" {
		return a, fmt.Errorf("header Authorization must name Credential, SignedHeaders and Signature")
	}
	return a, nil
}

// parseDate checks the length too: the library would read fractions of a second that the layout does not have.
func parseDate(date string) (time.Time, error) {
	t, err := time.Parse(dateLayout, date)
	if err != nil || len(date) != len(dateLayout) {
		return t, fmt.Errorf("header %s must be a time such as %s", HeaderDate, dateLayout)
	}
	return t, nil
}

// readCredential takes "<access key>/<day>/<region>/hyper/hyper_request" apart.
func (s *Signed) readCredential(credential string) error {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[2] == "" || parts[3] != service || parts[4] != terminator {
		return fmt.Errorf("the credential must be ACCESSKEY/DAY/REGION/%s/%s", service, terminator)
	}
	if parts[0] == "" {
		return fmt.Errorf("the request has no access key")
	}
	if parts[1] != s.date[:dayLength] {
		return fmt.Errorf("the credential is of another day than header %s", HeaderDate)
	}
	s.AccessKey, s.Region = parts[0], parts[2]
	return nil
}

// checkSigned makes sure that nothing which could change the request's meaning is left unsigned.
func checkSigned(h http.Header, signed []string) error {
	if len(signed) > maxSigned {
		return fmt.Errorf("more than %d headers are signed", maxSigned)
	}
	for _, name := range []string{"host", strings.ToLower(HeaderDate), strings.ToLower(HeaderBodyHash)} {
		if !slices.Contains(signed, name) {
			return fmt.Errorf("header %s must be signed", name)
		}
	}
	for name := range h {
		lower := strings.ToLower(name)
		if (lower == "content-type" || isHypers(lower)) && !slices.Contains(signed, lower) {
			return fmt.Errorf("header %s must be signed", name)
		}
	}
	return nil
}

func isHash(s string) bool {
	return len(s) == 2*sha256.Size && strings.Trim(s, "0123456789abcdef") == ""
}

func unauthorized(format string, args ...any) error {
	return fmt.Errorf("Unauthorized: "+format, args...)
}
