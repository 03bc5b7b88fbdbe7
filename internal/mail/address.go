package mail

import (
	netmail "net/mail"
	"strings"

	"github.com/hypercloud/hyper/internal/oops"
)

// maxAddress is how many bytes an address may have (RFC 5321, with its erratum 1690).
const maxAddress = 254

// CheckAddress says what is wrong with an address that mail is to be sent to: it is one, as ann@example.com, without a name beside it, and nothing in it
// can end the line of a header. Errors: ErrInvalidArgument.
func CheckAddress(s string) error {
	if len(s) > maxAddress {
		return oops.Invalid("a mail address has at most %d characters, this one has %d", maxAddress, len(s))
	}
	plain := !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),:;<>\`, r) })
	if a, err := netmail.ParseAddress(s); !plain || err != nil || a.Name != "" || a.Address != s {
		return oops.Invalid("%q is no mail address: give one, as ann@example.com", s)
	}
	return nil
}
