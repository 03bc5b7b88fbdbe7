package rest

import (
	"context"
	"strconv"
	"strings"

	"github.com/hypercloud/hyper/internal/oops"
)

// Version is a version of Docker's API: 1.NN.
type Version struct{ Major, Minor int }

// The versions that are served.
var (
	OldestVersion = Version{1, 12}
	NewestVersion = Version{1, 56} // of github.com/moby/moby/api, whose types answers are made of
)

// jsonErrors is the first version whose errors are JSON; the original's clients, at 1.23, print what they get.
var jsonErrors = Version{1, 24}

// ParseVersion reads "1.44".
func ParseVersion(s string) (Version, bool) {
	major, minor, ok := strings.Cut(s, ".")
	if !ok || len(major) > 3 || len(minor) > 3 {
		return Version{}, false
	}
	x, err := strconv.ParseUint(major, 10, 16)
	if err != nil {
		return Version{}, false
	}
	y, err := strconv.ParseUint(minor, 10, 16)
	if err != nil {
		return Version{}, false
	}
	return Version{int(x), int(y)}, true
}

func (v Version) String() string { return strconv.Itoa(v.Major) + "." + strconv.Itoa(v.Minor) }

// Before reports whether v is older than w.
func (v Version) Before(w Version) bool {
	return v.Major < w.Major || v.Major == w.Major && v.Minor < w.Minor
}

// Check says, in Docker's words, what is wrong with a version that is not served.
func (v Version) Check() error {
	switch {
	case NewestVersion.Before(v):
		return oops.Invalid("client version %s is too new. Maximum supported API version is %s", v, NewestVersion)
	case v.Before(OldestVersion):
		return oops.Invalid("client version %s is too old. Minimum supported API version is %s, please upgrade your client to a newer version", v, OldestVersion)
	}
	return nil
}

type versionKey struct{}

// WithVersion notes the version that a request asks for.
func WithVersion(ctx context.Context, v Version) context.Context {
	return context.WithValue(ctx, versionKey{}, v)
}

// VersionOf is the version that a request asks for; one that names none gets the newest.
func VersionOf(ctx context.Context) Version {
	if v, ok := ctx.Value(versionKey{}).(Version); ok {
		return v
	}
	return NewestVersion
}

// Before reports whether the request asks for an API older than 1.minor.
func Before(ctx context.Context, minor int) bool { return VersionOf(ctx).Before(Version{1, minor}) }
