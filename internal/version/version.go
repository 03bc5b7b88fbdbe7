// Package version says which build of Hyper is running. Its variables are set at link time:
//
//	go build -ldflags "-X github.com/hypercloud/hyper/internal/version.Version=1.0.0 ..."
package version

var (
	// Version is the release, without a leading v.
	Version = "0.1.0-dev"
	// Commit is the short hash of the source that was built.
	Commit = "unknown"
	// BuildTime is when it was built, RFC 3339 in UTC; empty when unknown.
	BuildTime = ""
)
