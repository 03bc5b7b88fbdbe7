package compose

import (
	"context"
	"maps"
	"net/netip"
	"slices"

	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/cloud/fip"
	"github.com/hypercloud/hyper/internal/failpoint"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// fipLabels makes the label of a service by which a container asks for a floating IP the service's key, so that the address moves with the
// service and not with one container of it.
func fipLabels(spec store.ProjectSpec) (store.ProjectSpec, error) {
	spec.Services = maps.Clone(spec.Services)
	for _, name := range slices.Sorted(maps.Keys(spec.Services)) {
		def := spec.Services[name]
		asked, ok := def.Labels[container.LabelFIP]
		if !ok {
			continue
		}
		if def.FIP != "" && def.FIP != asked {
			return spec, oops.Invalid("service %s asks for the floating IP %s, and by its label %s for %s: leave one of them out", name, def.FIP, container.LabelFIP, asked)
		}
		def.FIP, def.Labels = asked, maps.Clone(def.Labels)
		delete(def.Labels, container.LabelFIP)
		spec.Services[name] = def
	}
	return spec, nil
}

// takeFIPs replaces auto in the definition by an address: the one that the service has, one of the account's that nobody uses, or a
// new one, as far as the quota allows. Services that the command is not for keep what they had.
func (r *run) takeFIPs(ctx context.Context, services []string) error {
	r.spec.Services = maps.Clone(r.spec.Services)
	for _, service := range slices.Sorted(maps.Keys(r.spec.Services)) {
		def := r.spec.Services[service]
		if def.FIP != fip.Any {
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
	free := fip.Free(view, r.claimed(view, service))
	if slices.ContainsFunc(free, func(addr netip.Addr) bool { return addr.String() == before }) {
		return before, nil
	}
	if len(free) > 0 {
		return free[0].String(), nil
	}
	got, err := r.FIPs.Allocate(ctx, r.a, 1)
	if err != nil {
		return "", err
	}
	return got[0].String(), nil
}

// claimed are the addresses, and names of addresses, that other services of this and of other projects ask for.
func (r *run) claimed(view *store.View, service string) map[string]bool {
	out := fip.Claims(view, r.project)
	for name, def := range r.spec.Services {
		if name != service && def.FIP != "" {
			out[def.FIP] = true
		}
	}
	return out
}

// attachFIP gives the service's address to its first container, which runs. Another address that the container had is taken from it.
func (r *run) attachFIP(ctx context.Context, service string, c *store.Container) error {
	ref := r.spec.Services[service].FIP
	if ref == "" || ref == fip.Any {
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
