package container

import (
	"crypto/rand"
	"encoding/hex"
	"regexp"

	"github.com/hypercloud/hyper/internal/oops"
)

// maxName is the longest container name (behaviour 16).
const maxName = 48

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

func checkName(name string) error {
	if len(name) > maxName || !namePattern.MatchString(name) {
		return oops.Invalid("%s is invalid, should be [a-zA-Z0-9][a-zA-Z0-9_.-]* of at most %d characters", name, maxName)
	}
	return nil
}

func newID() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func notFound(ref string) error { return oops.NotFound("No such container: %s", ref) }

// shortID is the first 12 digits of an id: its form in tables, and the default hostname.
func shortID(id string) string {
	if len(id) < 12 {
		return id
	}
	return id[:12]
}

// ValidName says what is wrong with a container's name: ErrInvalidArgument.
func ValidName(name string) error { return checkName(name) }

// ValidBind says what is wrong with name:/path[:mode], or with a bare path: ErrInvalidArgument.
func ValidBind(b string) error {
	_, err := parseBind(b)
	return err
}
