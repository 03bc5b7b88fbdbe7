package runtime

import (
	"bytes"
	"context"
	"io"
	"os"

	"github.com/moby/sys/user"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/oops"
)

// user finds the ids that a container's process runs with.
func (r *Runtime) user(ctx context.Context, s *specs.Spec, in engine.RunSpec) error {
	if (in.User == "" || in.User == "0" || in.User == "root" || in.User == "0:0") && len(in.GroupAdd) == 0 {
		s.Process.User = specs.User{}
		return nil
	}
	return r.withRootfs(ctx, in.ID, func(root string) error {
		u, err := lookup(root, in.User, in.GroupAdd)
		s.Process.User = u
		return err
	})
}

// lookup reads passwd and group of a root file system. The files are the image's: they are opened inside root only,
// whatever links they are, and read up to a bound.
func lookup(root, name string, groups []string) (specs.User, error) {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return specs.User{}, err
	}
	defer dir.Close()
	// Read whole and closed at once: a file that stays open keeps the root file system from being unmounted.
	open := func(path string) io.Reader {
		f, err := dir.Open(path)
		if err != nil {
			return nil
		}
		defer f.Close()
		if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
			return nil
		}
		raw, err := io.ReadAll(io.LimitReader(f, 1<<20))
		if err != nil {
			return nil
		}
		return bytes.NewReader(raw)
	}
	u, err := user.GetExecUser(name, &user.ExecUser{Home: "/"}, open("etc/passwd"), open("etc/group"))
	if err != nil {
		return specs.User{}, oops.Invalid("unable to find user %s: %v", name, err)
	}
	out := specs.User{UID: uint32(u.Uid), GID: uint32(u.Gid)}
	if u.Uid >= account.IDCount || u.Gid >= account.IDCount {
		return out, oops.Invalid("user %s has an id above %d", name, account.IDCount-1)
	}
	extra, err := user.GetAdditionalGroups(groups, open("etc/group"))
	if err != nil {
		return out, oops.Invalid("unable to find the groups %v: %v", groups, err)
	}
	for _, g := range append(u.Sgids, extra...) {
		if g < account.IDCount {
			out.AdditionalGids = append(out.AdditionalGids, uint32(g))
		}
	}
	return out, nil
}
