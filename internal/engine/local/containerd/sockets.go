package containerd

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
)

// longest is how many bytes a directory for sockets may have: a socket's path has at most 107, and a shim's is
// <directory>/s/<64 hex digits>.
const longest = 107 - len("/s/") - 64

// socketDir is where the sockets are: in State, or if its path is too long for that, in a directory of /run that is named after it.
func socketDir(state string) string {
	if len(state) <= longest {
		return state
	}
	sum := sha256.Sum256([]byte(state))
	return "/run/hyper-" + hex.EncodeToString(sum[:6])
}

// sockets are the paths for the operator's ctr and for the shims.
func sockets(c Config) []string {
	s := filepath.Join(socketDir(c.State), "c.sock")
	return []string{s, s + ".ttrpc"}
}
