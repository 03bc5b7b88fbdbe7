package compose

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/cloud/fip"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/projectname"
	"github.com/hypercloud/hyper/internal/store"
)

// Bounds of what is kept of an account's projects.
const (
	maxProjects = 64
	maxServices = 100
	maxSpec     = 128 << 10 // bytes of one definition
)

var servicePattern = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]*$`)

// check says everything that can be known to be wrong with a definition before the first step.
func (s *Service) check(a account.Ref, project string, spec store.ProjectSpec) error {
	switch n := len(spec.Services); {
	case n == 0:
		return oops.Invalid("project %s has no services: nothing would be made", project)
	case n > maxServices:
		return oops.Invalid("project %s has %d services, it may have at most %d", project, n, maxServices)
	}
	if text, err := json.Marshal(spec); err != nil || len(text) > maxSpec {
		return oops.Invalid("the definition of project %s is larger than %d KiB", project, maxSpec>>10)
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Services)) {
		if len(name) > projectname.Longest || !servicePattern.MatchString(name) {
			return oops.Invalid("Invalid service name '%s' - only [a-zA-Z0-9\\._\\-] characters are allowed", name)
		}
	}
	if err := checkOrder(spec); err != nil {
		return err
	}
	view := s.Store.View(a)
	names, fips := map[string]string{}, map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(spec.Services)) {
		def := spec.Services[name]
		if _, err := request(project, name, def, 1, nil); err != nil {
			return err
		}
		if err := found(view, name, def); err != nil {
			return err
		}
		cname := containerName(project, name, def, 1)
		if err := container.ValidName(cname); err != nil {
			return err
		}
		if other, taken := names[cname]; taken {
			return oops.Invalid("the services %s and %s name the same container, %s", other, name, cname)
		}
		names[cname] = name
		if c, ok := view.ContainerByName(cname); ok && (c.Spec.Labels[labelProject] != project || c.Spec.Labels[labelService] != name) {
			return oops.Conflict("service %s needs the container name %s, which another container has: rename or remove that one", name, cname)
		}
		addr, err := s.fipOf(a, def)
		if err != nil {
			return err
		}
		if other, taken := fips[addr]; taken && addr != "" {
			return oops.Invalid("the services %s and %s ask for the same floating IP, %s", other, name, addr)
		}
		fips[addr] = name
	}
	return s.checkVolumes(a, spec)
}

// fipOf is the address that a service asks for, or "" when it asks for none or any. Errors: ErrNotFound.
func (s *Service) fipOf(a account.Ref, def store.ProjectService) (string, error) {
	if def.FIP == "" || def.FIP == fip.Any {
		return "", nil
	}
	f, err := s.FIPs.Find(a, def.FIP)
	if err != nil {
		return "", err
	}
	return f.Address.String(), nil
}

// found refuses what a service names and the account has not, and volumes that cannot be.
func found(view *store.View, name string, def store.ProjectService) error {
	for _, g := range def.SecurityGroups {
		if _, ok := view.SecurityGroup(g); !ok {
			return oops.NotFound("No such security group: %s (service %s)", g, name)
		}
	}
	for _, v := range def.Volumes {
		if err := container.ValidBind(v); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) checkVolumes(a account.Ref, spec store.ProjectSpec) error {
	view := s.Store.View(a)
	for _, name := range slices.Sorted(maps.Keys(spec.Volumes)) {
		v := spec.Volumes[name]
		_, exists := view.VolumeByName(name)
		switch {
		case v.External && !exists:
			return oops.NotFound("No such volume: %s: the project declares it as external, so make it by 'hyper volume create --name %s'", name, name)
		case v.External || v.SizeGB == 0:
		default:
			if err := s.Volumes.ValidSize(v.SizeGB); err != nil {
				return err
			}
		}
	}
	return nil
}

// chosen are the services that a command is for: those named, or all. Errors: ErrNotFound.
func chosen(known map[string]bool, named []string) ([]string, error) {
	if len(named) == 0 {
		return slices.Sorted(maps.Keys(known)), nil
	}
	for _, name := range named {
		if !known[name] {
			return nil, oops.NotFound("No such service: %s", name)
		}
	}
	out := slices.Clone(named)
	slices.Sort(out)
	return slices.Compact(out), nil
}
