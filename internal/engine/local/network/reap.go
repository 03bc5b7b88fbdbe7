package network

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/engine/local/network/ruleset"
)

// Reap removes the routers of accounts that are not kept, and from those that are the links of containers that are
// not. When no account is kept, the machine's side goes too. Kept routers are taken up by the next ApplyNetwork; until
// then they go on as they are, without names.
func (n *Network) Reap(ctx context.Context, keep []engine.Keep) error {
	kept, uplinks := map[string]engine.Keep{}, map[string]bool{}
	for _, k := range keep {
		if err := k.Account.Check(); err != nil {
			return err
		}
		kept[k.Account.ID()], uplinks[n.uplinkName(k.Account.Slot())] = k, true
	}
	links, err := whole(n.host.LinkList)
	if err != nil {
		return fmt.Errorf("listing the machine's interfaces: %w", err)
	}
	var errs []error
	for _, l := range links {
		if name := l.Attrs().Name; strings.HasPrefix(name, n.uplinkPrefix()) && !uplinks[name] {
			errs = append(errs, n.removeUplink(name))
		}
	}
	entries, err := os.ReadDir(filepath.Join(n.cfg.RunDir, "netns"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if k, ok := kept[e.Name()]; ok {
			errs = append(errs, n.reapLinks(k))
			continue
		}
		errs = append(errs, n.remove(e.Name(), ""))
	}
	if len(keep) == 0 {
		errs = append(errs, n.restore(ctx))
	}
	return errors.Join(errs...)
}

// reapLinks removes the links of containers that are not kept.
func (n *Network) reapLinks(k engine.Keep) error {
	r, err := n.existing(k.Account)
	if err != nil || r == nil {
		return err
	}
	defer r.life.RUnlock()
	want := map[string]bool{}
	for _, id := range k.Containers {
		want[linkName(id, 0)] = true
	}
	links, err := whole(r.nl.LinkList)
	if err != nil {
		return err
	}
	for _, l := range links {
		if name := l.Attrs().Name; strings.HasPrefix(name, ruleset.Link) && !want[ownerOf(name)] {
			if err := r.unlink(name); err != nil {
				return fmt.Errorf("removing the link %s of a container that is gone: %w", name, err)
			}
		}
	}
	return nil
}
