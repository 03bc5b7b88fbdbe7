package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
)

// Reap removes what no account is meant to have: processes, containerd's records, root file systems, pipes, logs, runc's
// state and control groups. It is called before anything is started. What an operator made in a containerd namespace of another
// name than an account's is the operator's.
func (r *Runtime) Reap(ctx context.Context, keep []engine.Keep) error {
	kept := map[key]bool{}
	slots := map[string]account.Ref{}
	for _, k := range keep {
		slots[k.Account.ID()] = k.Account
		for _, id := range k.Containers {
			kept[keyOf(k.Account, id)] = true
		}
	}
	all, err := r.Client.NamespaceService().List(ctx)
	if err != nil {
		return fmt.Errorf("listing the accounts that containerd knows: %w", err)
	}
	errs := []error{r.unmountStray()}
	recorded := map[key]bool{}
	for _, ns := range all {
		if !account.IsID(ns) {
			r.Log.Warn("containerd has a namespace that is no account's: what is in it is left alone", "namespace", ns)
			continue
		}
		a, ok := slots[ns]
		if !ok {
			// The slot of one that is no more does not matter: nothing is made.
			if a, err = account.New(ns, 0); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		errs = append(errs, r.reapAccount(namespaces.WithNamespace(ctx, ns), a, kept, recorded))
	}
	if err := errors.Join(errs...); err == nil {
		// An earlier hyperd was about to detach these, or to start what is on them.
		errs = append(errs, r.Disks.DetachIdle(ctx, func(account, id string) bool { return !recorded[key{account, id}] }))
	}
	stray := func(k key) bool { return !kept[k] }
	r.eachDir(filepath.Join(r.RunDir, "io"), stray, func(_ key, dir string) { errs = append(errs, os.RemoveAll(dir)) })
	r.eachDir(filepath.Join(r.DataRoot, "logs"), stray, func(_ key, dir string) { errs = append(errs, os.RemoveAll(dir)) })
	r.eachDir(r.runcRoot(), stray, func(k key, _ string) { errs = append(errs, r.deleteState(ctx, k)) })
	r.removeCgroups(func(k key) bool { return kept[k] })
	return errors.Join(errs...)
}

// reapAccount removes the containers and root file systems of an account that are not kept. It marks those that stay and
// may have a process.
func (r *Runtime) reapAccount(ctx context.Context, a account.Ref, kept, recorded map[key]bool) error {
	records, err := r.records().List(ctx)
	if err != nil {
		return fmt.Errorf("listing the containers of account %s: %w", a, err)
	}
	var errs []error
	for _, c := range records {
		if !kept[keyOf(a, c.ID)] {
			errs = append(errs, r.RemoveContainer(ctx, a, c.ID))
			continue
		}
		recorded[keyOf(a, c.ID)] = true
	}
	var stray []string
	err = r.snapshots().Walk(ctx, func(_ context.Context, info snapshots.Info) error {
		if id, ok := strings.CutPrefix(info.Name, snapshotPrefix); ok && !kept[keyOf(a, id)] {
			stray = append(stray, info.Name)
		}
		return nil
	})
	errs = append(errs, err)
	for _, name := range stray {
		if err := r.snapshots().Remove(ctx, name); err != nil && !errdefs.IsNotFound(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// eachDir calls fn with the directories <root>/<account>/<container> that pick wants.
func (r *Runtime) eachDir(root string, pick func(key) bool, fn func(key, string)) {
	for _, account := range subdirs(root) {
		for _, id := range subdirs(filepath.Join(root, account)) {
			if k := (key{account, id}); pick(k) {
				fn(k, filepath.Join(root, account, id))
			}
		}
		_ = os.Remove(filepath.Join(root, account)) // one that is not empty stays
	}
}

// deleteState makes runc forget a container whose shim is gone, and end its processes.
func (r *Runtime) deleteState(ctx context.Context, k key) error {
	out, err := exec.CommandContext(ctx, filepath.Join(r.Libexec, "runc"), "--root", filepath.Join(r.runcRoot(), k.account), "delete", "--force", "--", k.id).CombinedOutput()
	if err != nil {
		return fmt.Errorf("removing what runc knows of container %s: %w: %s", k.id, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// unmountStray removes the mounts that an earlier hyperd had made for a moment.
func (r *Runtime) unmountStray() error {
	names := subdirs(r.mountDir())
	errs := make([]error, 0, 2*len(names))
	for _, name := range names {
		dir := filepath.Join(r.mountDir(), name)
		errs = append(errs, mount.UnmountRecursive(dir, 0))
		// Not RemoveAll: were it still mounted, that would empty a container's root file system.
		errs = append(errs, os.Remove(dir))
	}
	return errors.Join(errs...)
}
