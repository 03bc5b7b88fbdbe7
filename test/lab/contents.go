package lab

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/pkg/namespaces"
)

const snapshotter = "overlayfs"

// Contents counts what containerd holds, for all accounts together, once it has collected what nothing needs; and what lies in its
// directories, whether or not a record names it. hyperd must be running.
func (l *Lab) Contents() (inv Inventory, err error) {
	ctx := context.Background()
	socket, err := l.containerdSocket()
	if err != nil {
		return nil, err
	}
	client, err := containerd.New(socket)
	if err != nil {
		return nil, fmt.Errorf("asking containerd: %w", err)
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	accounts, err := client.NamespaceService().List(ctx)
	if err != nil {
		return nil, err
	}
	inv = Inventory{"accounts in containerd": len(accounts)}
	for _, a := range accounts {
		if err := inv.count(namespaces.WithNamespace(ctx, a), client); err != nil {
			return nil, err
		}
	}
	data := filepath.Join(l.Dir, "data")
	for what, pattern := range map[string]string{
		"files of blobs": "blobs/*/*", "directories of half blobs": "ingest/*", "directories of snapshots": "snapshots/*",
	} {
		found, err := filepath.Glob(filepath.Join(data, "containerd", "io.containerd.*", pattern))
		if err != nil {
			return nil, err
		}
		inv[what] = len(found)
	}
	return inv, nil
}

// count adds what one account has.
func (inv Inventory) count(ctx context.Context, client *containerd.Client) error {
	lm := client.LeasesService()
	// The end of a lease can be waited for until all is collected.
	l, err := lm.Create(ctx, leases.WithRandomID())
	if err != nil {
		return err
	}
	if err := lm.Delete(ctx, l, leases.SynchronousDelete); err != nil {
		return err
	}
	held, err := lm.List(ctx)
	if err != nil {
		return err
	}
	inv["leases"] += len(held)
	images, err := client.ImageService().List(ctx)
	if err != nil {
		return err
	}
	inv["records of images"] += len(images)
	halves, err := client.ContentStore().ListStatuses(ctx)
	if err != nil {
		return err
	}
	inv["half blobs"] += len(halves)
	err = client.ContentStore().Walk(ctx, func(content.Info) error { inv["blobs"]++; return nil })
	if err != nil {
		return err
	}
	return client.SnapshotService(snapshotter).Walk(ctx, func(context.Context, snapshots.Info) error { inv["snapshots"]++; return nil })
}

// containerdSocket is the one that is for an operator's ctr. Where the run directory's name is long, it is in the lab's own /run.
func (l *Lab) containerdSocket() (string, error) {
	for _, pattern := range []string{
		filepath.Join(l.Dir, "run", "containerd", "c.sock"),
		fmt.Sprintf("/proc/%d/root/run/hyper-*/c.sock", l.holder.Process.Pid),
	} {
		if found, _ := filepath.Glob(pattern); len(found) == 1 {
			return found[0], nil
		}
	}
	return "", errors.New("containerd's socket is not there: hyperd has to run")
}
