package container

import (
	"context"
	"fmt"
	"path"

	"github.com/docker/cli/opts"
	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/fill"
	"github.com/hypercloud/hyper/internal/cli/session"
	dockerclient "github.com/moby/moby/client"
	"github.com/spf13/pflag"
)

// sources are the volumes that were made for the sources among the -v of a new container.
type sources struct {
	s    *session.Session
	made []string
}

// sourcesAmong finds the sources among the -v: binds are the flag's own list, targets the paths in the container by the places in it, and fills has
// the sources in their order.
func sourcesAmong(f *pflag.FlagSet) (binds []string, targets map[int]string, fills []fill.Fill, err error) {
	binds = f.Lookup("volume").Value.(*opts.ListOpts).GetSlice() // The flag's own, not a copy.
	targets = map[int]string{}
	for i, bind := range binds {
		source, target, ok := fill.Split(bind)
		if !ok {
			continue
		}
		if !path.IsAbs(target) {
			return nil, nil, nil, fmt.Errorf("Invalid volume specification: '%s' (after a source comes an absolute path, and nothing more)", bind)
		}
		if err := fill.Check(source); err != nil {
			return nil, nil, nil, err
		}
		fills = append(fills, fill.Fill{Source: source})
		targets[i] = target
	}
	return binds, targets, fills, nil
}

// bring makes a volume for each source, fills it, and puts its name into the source's place. After an error none is left.
func (v *sources) bring(ctx context.Context, f *pflag.FlagSet) (err error) {
	binds, targets, fills, err := sourcesAmong(f)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			v.discard(ctx)
		}
	}()
	for i := range fills {
		name, err := v.s.Hyper.VolumeCreate(ctx, types.VolumeCreate{Driver: "hyper", Labels: map[string]string{types.LabelAutoRemove: "true"}})
		if err != nil {
			return err
		}
		fills[i].Volume = name
		v.made = append(v.made, name)
	}
	if len(fills) == 0 {
		return nil
	}
	if err := fill.Initialize(ctx, v.s, fills); err != nil {
		return err
	}
	n := 0
	for i := range binds {
		if target, ok := targets[i]; ok {
			binds[i] = v.made[n] + ":" + target
			n++
		}
	}
	return nil
}

// discard removes the volumes again. They are removed also when the user does not want to wait any longer.
func (v *sources) discard(ctx context.Context) {
	for _, name := range v.made {
		if _, err := v.s.Docker().VolumeRemove(context.WithoutCancel(ctx), name, dockerclient.VolumeRemoveOptions{Force: true}); err != nil {
			fmt.Fprintf(v.s.Err(), "WARNING: volume %s is left: %v\n", name, err)
		}
	}
	v.made = nil
}
