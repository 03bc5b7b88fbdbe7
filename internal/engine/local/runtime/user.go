package runtime

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"

	"github.com/moby/sys/user"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/oops"
)

// databaseSize bounds what is read of passwd and group.
const databaseSize = 1 << 20

// lookup finds the ids of a user (uid[:gid] or name[:group], "" is 0) and further groups in passwd and group of a root
// file system.
func lookup(root, name string, groups []string) (specs.User, error) {
	u, err := user.GetExecUser(name, &user.ExecUser{Home: "/"}, database(root, "/etc/passwd"), database(root, "/etc/group"))
	switch {
	case errors.Is(err, user.ErrRange):
		return specs.User{}, oops.Invalid("user %s: %v", name, err)
	case err != nil:
		return specs.User{}, oops.Invalid("%v", err) // "unable to find user ..."
	}
	extra, err := user.GetAdditionalGroups(groups, database(root, "/etc/group"))
	if err != nil {
		return specs.User{}, oops.Invalid("unable to find the groups %q: %v", groups, err)
	}
	if u.Uid >= account.IDCount || u.Gid >= account.IDCount {
		return specs.User{}, oops.Invalid("user %s has the ids %d:%d: this machine gives a container those from 0 to %d", name, u.Uid, u.Gid, account.IDCount-1)
	}
	// The user's own group is among the further ones, or files that are closed to the group would be open to the user.
	out := specs.User{UID: uint32(u.Uid), GID: uint32(u.Gid), AdditionalGids: []uint32{uint32(u.Gid)}}
	for _, g := range append(u.Sgids, extra...) {
		if g >= 0 && g < account.IDCount && !slices.Contains(out.AdditionalGids, uint32(g)) {
			out.AdditionalGids = append(out.AdditionalGids, uint32(g))
		}
	}
	return out, nil
}

// database reads a file of users or groups. One that is absent, or no file, is empty.
func database(root, name string) io.Reader {
	f, err := openIn(root, name, os.O_RDONLY)
	if err != nil {
		return nil
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return nil
	}
	content, err := io.ReadAll(io.LimitReader(f, databaseSize))
	if err != nil {
		return nil
	}
	return bytes.NewReader(content)
}
