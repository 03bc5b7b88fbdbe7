package compose

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// extension is the key below which Hyper's keys may stand, for programs that know only their own.
const extension = "x-hyper"

// The platform's labels that a service's keys stand for (api 19).
const (
	labelSize   = "sh_hyper_instancetype"
	labelNoAuto = "sh_hyper_noauto_volume"
	labelGroup  = "sh_hyper_sg_"
	labelFIP    = "sh_hyper_fip"
)

// sizes are those that a container can have.
var sizes = []string{"s1", "s2", "s3", "s4", "m1", "m2", "m3", "l1", "l2", "l3"}

// takeKeys moves Hyper's keys of services and volumes below x-hyper, where the library keeps what it does not know.
func takeKeys(model map[string]any) error {
	for section, keys := range map[string]map[string]any{"services": schemaKeys["service"], "volumes": schemaKeys["volume"]} {
		items, _ := model[section].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(items)) {
			item, ok := items[name].(map[string]any)
			if !ok {
				continue
			}
			if err := takeKeysOf(item, keys, strings.TrimSuffix(section, "s")+" "+name); err != nil {
				return err
			}
		}
	}
	return nil
}

func takeKeysOf(item, keys map[string]any, what string) error {
	below, ok := item[extension].(map[string]any)
	if item[extension] != nil && !ok {
		return fmt.Errorf("%s: %s must be a mapping with keys of Hyper's: %s", what, extension, names(keys))
	}
	for key := range below {
		if keys[key] == nil && !strings.HasPrefix(key, "x-") {
			return fmt.Errorf("%s: %s has no key %q: there are %s", what, extension, key, names(keys))
		}
	}
	for key := range keys {
		value, ok := item[key]
		if !ok {
			continue
		}
		delete(item, key)
		if other, twice := below[key]; twice && fmt.Sprint(other) != fmt.Sprint(value) {
			return fmt.Errorf("%s: %s is %v, and %v below %s: leave one of them out", what, key, value, other, extension)
		}
		if below == nil {
			below = map[string]any{}
		}
		below[key] = value
	}
	if below != nil {
		item[extension] = below
	}
	return nil
}

func names(keys map[string]any) string {
	return strings.Join(slices.Sorted(maps.Keys(keys)), ", ")
}

// applyKeys gives the containers of services the labels that Hyper's keys stand for, and volumes their options; it refuses what no container
// of an account can have.
func applyKeys(project *types.Project) error {
	for _, all := range []types.Services{project.Services, project.DisabledServices} {
		for _, name := range slices.Sorted(maps.Keys(all)) {
			service := all[name]
			if err := applyService(&service); err != nil {
				return fmt.Errorf("service %s: %w", name, err)
			}
			all[name] = service
		}
	}
	for _, name := range slices.Sorted(maps.Keys(project.Volumes)) {
		volume := project.Volumes[name]
		if err := applyVolume(&volume); err != nil {
			return fmt.Errorf("volume %s: %w", name, err)
		}
		project.Volumes[name] = volume
	}
	return checkFIPs(project)
}

func applyService(service *types.ServiceConfig) error {
	keys, _ := service.Extensions[extension].(map[string]any)
	service.Labels = maps.Clone(service.Labels)
	if service.Labels == nil {
		service.Labels = types.Labels{}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if err := applyKey(service, key, keys[key]); err != nil {
			return err
		}
	}
	// The address moves with the service and not with one container of it: it is no part of what a container is compared by.
	if asked, ok := service.Labels[labelFIP]; ok {
		delete(service.Labels, labelFIP)
		service.CustomLabels = service.CustomLabels.Add(labelFIP, asked)
	}
	return checkService(service)
}

func applyKey(service *types.ServiceConfig, key string, value any) error {
	switch key {
	case "size":
		size, ok := value.(string)
		if !ok || !slices.Contains(sizes, size) {
			return fmt.Errorf("there is no size %q: choose of s1 to s4, m1 to m3 and l1 to l3", fmt.Sprint(value))
		}
		service.Labels[labelSize] = size
	case "fip":
		fip, ok := value.(string)
		if !ok || fip == "" {
			return fmt.Errorf("fip is %q: it is the address or the name of a floating IP, or %s", fmt.Sprint(value), anyFIP)
		}
		service.Labels[labelFIP] = fip
	case "x-sources":
		service.Labels[labelSources] = fmt.Sprint(value)
	case "noauto_volume":
		none, err := strconv.ParseBool(fmt.Sprint(value))
		if err != nil {
			return fmt.Errorf("noauto_volume is %q: it is true or false", fmt.Sprint(value))
		}
		if none {
			service.Labels[labelNoAuto] = "true"
		}
	case "security_groups":
		groups, ok := value.([]any)
		if !ok {
			return fmt.Errorf("security_groups is %q: it is a list of groups' names", fmt.Sprint(value))
		}
		for _, g := range groups {
			service.Labels[labelGroup+fmt.Sprint(g)] = "yes"
		}
	}
	return nil
}

// checkService refuses what the server could only refuse after images have been pulled and other services made.
func checkService(service *types.ServiceConfig) error {
	for _, v := range service.Volumes {
		if v.Type == types.VolumeTypeBind {
			return fmt.Errorf("%s is a path of this machine, where the container does not run: "+
				"fill a volume with it ('hyper volume init %s:VOLUME') and mount that at %s", v.Source, v.Source, v.Target)
		}
	}
	return nil
}

func applyVolume(volume *types.VolumeConfig) error {
	keys, _ := volume.Extensions[extension].(map[string]any)
	if len(keys) == 0 {
		return nil
	}
	if volume.External {
		return fmt.Errorf("it is external, so its size and its content are not the project's to say")
	}
	options := maps.Clone(volume.DriverOpts)
	if options == nil {
		options = types.Options{}
	}
	for key, value := range keys {
		text := fmt.Sprint(value)
		if key == "size" {
			if n, err := strconv.Atoi(text); err != nil || n < 10 || n%10 != 0 {
				return fmt.Errorf("size is %q: it is a number of GB, 10 or more in steps of 10", text)
			}
		}
		if other, ok := options[key]; ok && other != text {
			return fmt.Errorf("%s is %s, and %s in driver_opts: leave one of them out", key, text, other)
		}
		options[key] = text
	}
	volume.DriverOpts = options
	return nil
}
