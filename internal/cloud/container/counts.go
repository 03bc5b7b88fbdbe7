package container

import "github.com/hypercloud/hyper/internal/oops"

// How many things of a kind one request may name, beyond what the spec bounds. They are far above what anybody needs; without them, what
// compares each with the others would take minutes for one request, some of it while every other account waits to write.
const (
	maxMounts      = 128 // places of volumes and tmpfs: at most 4 volumes can be behind them
	maxLinkCount   = 256
	maxVolumesFrom = 64
	maxListed      = 1024 // of other lists
)

func checkCounts(req *CreateRequest) error {
	for _, l := range []struct {
		what    string
		n, most int
	}{
		{"mounts", len(req.Binds) + len(req.Mounts) + len(req.Volumes) + len(req.Tmpfs), maxMounts},
		{"links", len(req.Links), maxLinkCount},
		{"containers to take volumes from", len(req.VolumesFrom), maxVolumesFrom},
		{"networks", len(req.Networks), maxLinkCount},
		{"capabilities", len(req.CapAdd) + len(req.CapDrop), maxListed},
		{"groups", len(req.GroupAdd), maxListed},
		{"kernel parameters", len(req.Sysctls), maxListed},
		{"further hosts", len(req.ExtraHosts), maxListed},
	} {
		if l.n > l.most {
			return oops.Invalid("%d %s are asked for, at most %d can be", l.n, l.what, l.most)
		}
	}
	for _, n := range req.Networks {
		if len(n.Links) > maxLinkCount {
			return oops.Invalid("%d links are asked for, at most %d can be", len(n.Links), maxLinkCount)
		}
	}
	return nil
}
