package compose

import (
	"context"
	"maps"
	"slices"

	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/store"
)

// takeFIPs replaces auto in the definition by an address: the one that the service has, one of the account's that nobody uses, or a
// new one, as far as the quota allows. Services that the command is not for keep what they had.
func (r *run) takeFIPs(ctx context.Context, services []string) error {
	r.spec.Services = maps.Clone(r.spec.Services)
	for _, service := range slices.Sorted(maps.Keys(r.spec.Services)) {
		def := r.spec.Services[service]
		if def.FIP != autoFIP {
			continue
		}
		def.FIP = r.before.Services[service].FIP
		if slices.Contains(services, service) {
			addr, err := r.anyFIP(ctx, service, def.FIP)
			if err != nil {
				return err
			}
			def.FIP = addr
		}
		r.spec.Services[service] = def
	}
	return nil
}

// anyFIP finds an address for a service whose address was before.
func (r *run) anyFIP(ctx context.Context, service, before string) (string, error) {
	view := r.view()
	current, _ := instances(view, r.project, service)
	for _, c := range current {
		if f, ok := view.FloatingIPOf(c.ID); ok {
			return f.Address.String(), nil
		}
	}
	claimed := r.claimed(view, service)
	var free []string
	for _, f := range view.FloatingIPs() {
		if f.Container == "" && !claimed[f.Address.String()] && !claimed[f.Name] {
			free = append(free, f.Address.String())
		}
	}
	if slices.Contains(free, before) {
		return before, nil
	}
	if len(free) > 0 {
		return free[0], nil
	}
	got, err := r.FIPs.Allocate(ctx, r.a, 1)
	if err != nil {
		return "", err
	}
	return got[0].String(), nil
}

// claimed are the addresses, and names of addresses, that other services of this and of other projects ask for.
func (r *run) claimed(view *store.View, service string) map[string]bool {
	out := map[string]bool{}
	for _, p := range view.Projects() {
		if p.Name == r.project {
			continue
		}
		for _, def := range p.Spec.Services {
			out[def.FIP] = true
		}
	}
	for name, def := range r.spec.Services {
		if name != service {
			out[def.FIP] = true
		}
	}
	delete(out, "")
	return out
}

// attachFIP gives the service's address to its first container, which runs. Another address that the container had is taken from it.
func (r *run) attachFIP(ctx context.Context, service string, c *store.Container) error {
	ref := r.spec.Services[service].FIP
	if ref == "" || ref == autoFIP {
		return nil
	}
	f, err := r.FIPs.Find(r.a, ref)
	if err != nil {
		return err
	}
	if f.Container == c.ID {
		return nil
	}
	failpoint.Hit("compose.up.before-fip")
	if _, has := r.view().FloatingIPOf(c.ID); has && f.Container == "" {
		if _, err := r.FIPs.Detach(ctx, r.a, c.ID); err != nil {
			return err
		}
	}
	return r.FIPs.Attach(ctx, r.a, ref, c.ID)
}
