package container

import (
	"path"
	"slices"
	"strings"

	"github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// maxVolumes is the number of volumes that a container may have (behaviour 4.1).
const maxVolumes = 4

// mountPlan is a mount that is asked for, before its volume is known.
type mountPlan struct {
	volume   string // name; "" is a new auto-volume
	source   string // address that a new auto-volume is filled from
	path     string
	mode     string
	readOnly bool
	noCopy   bool
}

// bare reports whether any empty volume would do.
func (p mountPlan) bare() bool { return p.volume == "" && p.source == "" }

// same reports whether two plans mean one volume.
func (p mountPlan) same(q mountPlan) bool { return p.volume == q.volume && p.source == q.source }

// parseBind reads name:/path[:mode], and address:/path (cli 3.2).
func parseBind(b string) (mountPlan, error) {
	bad := func() (mountPlan, error) {
		return mountPlan{}, oops.Invalid("Invalid volume specification: '%s' (use NAME:/path, NAME:/path:ro or /path)", b)
	}
	if volume.IsAddress(b) {
		return parseSourceBind(b)
	}
	parts := strings.Split(b, ":")
	if len(parts) == 1 && strings.HasPrefix(b, "/") {
		return cleanPlan(mountPlan{path: b})
	}
	if len(parts) < 2 || len(parts) > 3 {
		return bad()
	}
	p := mountPlan{volume: parts[0], path: parts[1]}
	if strings.HasPrefix(p.volume, "/") || strings.HasPrefix(p.volume, ".") || strings.HasPrefix(p.volume, "~") {
		return mountPlan{}, oops.Invalid("Invalid volume specification: '%s': a directory of the server cannot be mounted, name a volume", b)
	}
	if err := volume.ValidName(p.volume); err != nil {
		return mountPlan{}, err
	}
	if len(parts) == 3 {
		p.mode = parts[2]
		for _, m := range strings.Split(p.mode, ",") {
			switch m {
			case "ro":
				p.readOnly = true
			case "nocopy":
				p.noCopy = true
			case "rw", "z", "Z":
			default:
				return bad()
			}
		}
	}
	return cleanPlan(p)
}

// parseSourceBind reads a source and, after the last colon, a path. There is no mode.
func parseSourceBind(b string) (mountPlan, error) {
	i := strings.LastIndex(b, ":")
	p := mountPlan{source: b[:i], path: b[i+1:]}
	if strings.HasPrefix(p.path, "//") {
		return p, oops.Invalid("Invalid volume specification: '%s' (after an address comes a path, as in https://HOST/FILE:/path)", b)
	}
	if err := volume.CheckAddress(p.source); err != nil {
		return p, err
	}
	return cleanPlan(p)
}

func cleanPlan(p mountPlan) (mountPlan, error) {
	if !strings.HasPrefix(p.path, "/") {
		return p, oops.Invalid("Invalid volume specification: mount path '%s' is not absolute", p.path)
	}
	if strings.ContainsRune(p.path, 0) || len(p.path) > maxPath {
		return p, oops.Invalid("Invalid volume specification: no file can have the mount path %.100q: it holds a zero byte, or has more than %d bytes", p.path, maxPath)
	}
	p.path = path.Clean(p.path)
	for _, forbidden := range []string{"/proc", "/sys", "/dev"} {
		if p.path == "/" || p.path == forbidden || strings.HasPrefix(p.path, forbidden+"/") && forbidden != "/dev" {
			return p, oops.Invalid("Invalid volume specification: a volume cannot be mounted at '%s'", p.path)
		}
	}
	return p, nil
}

// planMounts gathers the mounts of a request: -v, --mount, and the image's VOLUMEs that no other mount covers.
func planMounts(req *CreateRequest, imageVolumes []string, spec *Spec) ([]mountPlan, error) {
	var plans []mountPlan
	add := func(p mountPlan) error {
		i := slices.IndexFunc(plans, func(x mountPlan) bool { return x.path == p.path })
		if i >= 0 {
			switch {
			case p.bare():
				return nil
			case plans[i].bare(), p.same(plans[i]):
				plans[i] = p
				return nil
			}
			return oops.Invalid("Duplicate mount point: %s", p.path)
		}
		plans = append(plans, p)
		return nil
	}
	for _, b := range req.Binds {
		p, err := parseBind(b)
		if err != nil {
			return nil, err
		}
		if err := add(p); err != nil {
			return nil, err
		}
	}
	for _, m := range req.Mounts {
		if m.Type == "tmpfs" {
			if spec.Tmpfs == nil {
				spec.Tmpfs = map[string]string{}
			}
			spec.Tmpfs[path.Clean(m.Target)] = ""
			continue
		}
		if m.Type != "volume" {
			return nil, oops.Invalid("mounts of type %q are not offered: use a volume", m.Type)
		}
		if m.Source != "" {
			if err := volume.ValidName(m.Source); err != nil {
				return nil, err
			}
		}
		p, err := cleanPlan(mountPlan{volume: m.Source, path: m.Target, readOnly: m.ReadOnly, noCopy: m.NoCopy})
		if err != nil {
			return nil, err
		}
		if err := add(p); err != nil {
			return nil, err
		}
	}
	auto := slices.Clone(req.Volumes)
	if !spec.NoAutoVolume {
		auto = append(auto, imageVolumes...)
	}
	slices.Sort(auto)
	for _, v := range auto {
		p, err := cleanPlan(mountPlan{path: v})
		if err != nil {
			return nil, err
		}
		if _, tmpfs := spec.Tmpfs[p.path]; tmpfs {
			continue
		}
		if err := add(p); err != nil {
			return nil, err
		}
	}
	distinct := map[string]bool{}
	n := 0
	for _, p := range plans {
		if p.volume == "" || !distinct[p.volume] {
			n++
		}
		distinct[p.volume] = true
	}
	if n > maxVolumes {
		return nil, oops.Invalid("%d volumes are asked for, a container may have at most %d", n, maxVolumes)
	}
	// Outer mounts come first, so that inner ones lie on top.
	slices.SortStableFunc(plans, func(x, y mountPlan) int { return strings.Count(x.path, "/") - strings.Count(y.path, "/") })
	return plans, nil
}

// takeVolumes turns plans into mounts of container id: existing volumes are attached, missing ones are
// put as being made. What old mounts at the same place is taken over from it; old may be nil. What a container has whose place this one is to take is mounted, and
// stays that one's until it is removed. It returns the engine ids of the volumes that are new.
func takeVolumes(tx *store.Tx, id string, plans []mountPlan, old *Container) (mounts []store.Mount, fresh []string, err error) {
	byName := map[string]string{}
	for _, p := range plans {
		vid, ok := byName[p.volume]
		if p.volume == "" || !ok {
			v, mine := inherited(tx, old, p)
			switch have, exists := tx.VolumeByName(p.volume); {
			case mine:
			case p.volume != "" && exists:
				if have.Phase != store.Ready {
					return nil, nil, oops.Conflict("volume %s is being made or removed: try again", p.volume)
				}
				if err := volume.Steady(have); err != nil {
					return nil, nil, err
				}
				if have.Container != "" && have.Container != id && expects(tx.View, id, have) {
					byName[p.volume] = have.ID
					mounts = append(mounts, store.Mount{VolumeID: have.ID, Destination: p.path, ReadOnly: p.readOnly, Mode: p.mode, NoCopy: p.noCopy})
					continue
				}
				if have.Container != "" && have.Container != id {
					return nil, nil, oops.Conflict("volume %s is attached to container %s: a volume belongs to one container until that is removed",
						p.volume, shortID(have.Container))
				}
				v = *have
			default:
				v = volume.NewRow(p.volume, 10, p.volume == "", nil)
				if p.source != "" {
					v.Labels, v.Spec.Filling = map[string]string{"autoremove": "true"}, &store.Filling{Source: p.source}
				}
				fresh = append(fresh, v.ID)
			}
			v.Container = id
			if err := tx.PutVolume(v); err != nil {
				return nil, nil, err
			}
			vid = v.ID
			if p.volume != "" {
				byName[p.volume] = vid
			}
		}
		mounts = append(mounts, store.Mount{VolumeID: vid, Destination: p.path, ReadOnly: p.readOnly, Mode: p.mode, NoCopy: p.noCopy})
	}
	return mounts, fresh, nil
}
