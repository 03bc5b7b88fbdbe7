package compose

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/moby/api/types/container"

	hyper "github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/cli/fip"
	"github.com/hypercloud/hyper/internal/cli/prices"
)

// anyFIP stands where a floating IP is asked for and any will do.
const anyFIP = "auto"

// checkFIPs refuses two services that ask for the same address by the same words.
func checkFIPs(project *types.Project) error {
	by := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(project.Services)) {
		asked := project.Services[name].CustomLabels[labelFIP]
		if asked == "" || asked == anyFIP {
			continue
		}
		if other, taken := by[asked]; taken {
			return fmt.Errorf("the services %s and %s ask for the same floating IP, %s", other, name, asked)
		}
		by[asked] = name
	}
	return nil
}

// move is an address that a container gets which is there already.
type move struct {
	fip       string
	container container.Summary
}

// addresses is how the services' wishes are met.
type addresses struct {
	of    map[string]string // by the service
	moves []move
	short int // so many have to be allocated, for those of lacking
	lacks []string
}

// meet finds addresses for the services: those that they name, and for those that take any the one that their container has, or else one that
// is free. Nothing is changed by it.
func meet(services types.Services, fips []hyper.FloatingIP, there map[string]container.Summary) (addresses, error) {
	out := addresses{of: map[string]string{}}
	taken := map[string]string{} // by the address, the service
	var any []string
	for _, name := range slices.Sorted(maps.Keys(services)) {
		asked := services[name].CustomLabels[labelFIP]
		c, exists := there[name]
		switch asked {
		case "":
			continue
		case anyFIP:
			if has := c.Labels[labelAddress]; has != "" {
				out.of[name], taken[has] = has, name
			} else {
				any = append(any, name)
			}
			continue
		}
		f, err := find(fips, asked)
		if err != nil {
			return out, fmt.Errorf("service %s: %w", name, err)
		}
		if other := taken[f.Address]; other != "" {
			return out, fmt.Errorf("the services %s and %s ask for the same floating IP, %s", other, name, f.Address)
		}
		switch {
		case f.Container == "":
			if exists {
				out.moves = append(out.moves, move{f.Address, c})
			}
		case !exists || f.Container != c.ID:
			return out, fmt.Errorf("service %s asks for the floating IP %s, which container %.12s has: take it off by 'hyper fip detach %.12s'", name, f.Address, f.Container, f.Container)
		}
		out.of[name], taken[f.Address] = f.Address, name
	}
	var free []string
	for _, f := range fips {
		if f.Free() && taken[f.Address] == "" {
			free = append(free, f.Address)
		}
	}
	for _, name := range any {
		if len(free) == 0 {
			out.lacks = append(out.lacks, name)
			continue
		}
		out.give(name, free[0], there)
		free = free[1:]
	}
	out.short = len(out.lacks)
	return out, nil
}

func (a *addresses) give(service, address string, there map[string]container.Summary) {
	a.of[service] = address
	if c, exists := there[service]; exists {
		a.moves = append(a.moves, move{address, c})
	}
}

func find(fips []hyper.FloatingIP, asked string) (hyper.FloatingIP, error) {
	for _, f := range fips {
		if f.Address == asked || f.Name == asked {
			return f, nil
		}
	}
	return hyper.FloatingIP{}, fmt.Errorf("No such floating IP: %s", asked)
}

// errDeclined ends a command whose user would not have addresses allocated.
var errDeclined = errors.New("nothing was made: a service asks for a floating IP, none is free, and none was allocated")

// takeFIPs sees to it that the services can have the floating IPs that they ask for, and that containers which are there get them. Without yes
// the user is asked before any is allocated.
func (p *project) takeFIPs(ctx context.Context, project *types.Project, e *engine, yes bool) error {
	if !slices.ContainsFunc(slices.Collect(maps.Values(project.Services)), func(s types.ServiceConfig) bool { return s.CustomLabels[labelFIP] != "" }) {
		return nil
	}
	fips, err := p.session.Hyper.FIPList(ctx, nil)
	if err != nil {
		return err
	}
	there, err := p.first(ctx, project.Name)
	if err != nil {
		return err
	}
	plan, err := meet(project.Services, fips, there)
	if err != nil {
		return err
	}
	if plan.short > 0 {
		if !yes {
			prices.FloatingIP(ctx, p.session.Hyper, p.session.Err())
			agreed, err := fip.Confirm(ctx, p.session.Cli.In(), p.session.Out())
			if err != nil {
				return err
			}
			if !agreed {
				return errDeclined
			}
		}
		fresh, err := p.session.Hyper.FIPAllocate(ctx, plan.short)
		if err != nil {
			return err
		}
		for i, name := range plan.lacks {
			plan.give(name, fresh[i], there)
		}
	}
	for name, address := range plan.of {
		service := project.Services[name]
		service.CustomLabels = maps.Clone(service.CustomLabels)
		service.CustomLabels[labelFIP] = address
		project.Services[name] = service
	}
	return p.carryOut(ctx, plan.moves, e)
}

// carryOut gives addresses to containers that are there. Who does not run yet gets his when he does.
func (p *project) carryOut(ctx context.Context, moves []move, e *engine) error {
	e.give = p.session.Hyper.FIPAttach
	for _, m := range moves {
		if m.container.Labels[labelAddress] != "" {
			if _, err := p.session.Hyper.FIPDetach(ctx, m.container.ID); err != nil {
				return err
			}
		}
		if m.container.State != container.StateRunning {
			e.attach[m.container.ID] = m.fip
			continue
		}
		if err := p.session.Hyper.FIPAttach(ctx, m.fip, m.container.ID); err != nil {
			return err
		}
	}
	return nil
}
