package volume

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"regexp"
	"time"

	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// maxName is the longest name, in bytes.
const maxName = 255

var (
	namePattern      = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`)
	generatedPattern = regexp.MustCompile(`^[0-9a-f]{63}$`)
)

// ValidName says what is wrong with the name of a volume: ErrInvalidArgument.
func ValidName(name string) error { return CheckName("volume", name) }

// CheckName says what is wrong with the name of a volume, or of what is named as they are: ErrInvalidArgument.
func CheckName(noun, name string) error {
	if len(name) > maxName || !namePattern.MatchString(name) {
		shown := name
		if len(shown) > 64 {
			shown = shown[:64] + "..."
		}
		return oops.Invalid("%q is not a name for a %s: use 2 to %d of the characters a-z, A-Z, 0-9, '_', '.' and '-', beginning with a letter or digit", shown, noun, maxName)
	}
	return nil
}

// NewRow is a volume that is about to be made, for a transaction to put. It has a fresh id, and a
// generated name of 63 hex digits if name is "". Name and size must have been checked.
func NewRow(name string, sizeGB int, auto bool, labels map[string]string) store.Volume {
	if name == "" {
		name = randomHex()[:63]
	}
	return store.Volume{
		ID:        randomHex(),
		Name:      name,
		SizeGB:    sizeGB,
		Auto:      auto,
		Labels:    maps.Clone(labels),
		Phase:     store.Creating,
		CreatedAt: time.Now().UTC(),
	}
}

// anonymous reports whether nobody gave the volume its name.
func anonymous(v *store.Volume) bool { return v.Auto || generatedPattern.MatchString(v.Name) }

func randomHex() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
