package fip

import (
	"net/netip"
	"regexp"
	"strings"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// Find finds a floating IP of the account by its address or its name. Errors as of find.
func (s *Service) Find(a account.Ref, ref string) (*store.FloatingIP, error) {
	return find(s.Store.View(a), ref)
}

// find finds what a user means by ref, an address or a name. Errors: ErrInvalidArgument for what can be neither,
// ErrNotFound for what the account does not hold.
func find(v *store.View, ref string) (*store.FloatingIP, error) {
	if addr, err := netip.ParseAddr(ref); err == nil {
		if f, ok := v.FloatingIP(addr.Unmap()); ok {
			return f, nil
		}
		return nil, noSuch(ref)
	}
	if !validName(ref) {
		return nil, oops.Invalid("%q is neither an IP address nor the name of a floating IP", clip(ref))
	}
	if f, ok := v.FloatingIPByName(ref); ok {
		return f, nil
	}
	return nil, noSuch(ref)
}

func noSuch(ref string) error { return oops.NotFound("No such floating IP: %s", ref) }

// maxName is the longest name, as of containers (behaviour 16).
const maxName = 48

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

// validName reports whether name can be one: written like a container's, and not to be taken for an address.
func validName(name string) bool {
	return len(name) <= maxName && namePattern.MatchString(name) && strings.Trim(name, "0123456789.") != ""
}

// clip keeps what a user typed from swelling an error.
func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "..."
	}
	return s
}
