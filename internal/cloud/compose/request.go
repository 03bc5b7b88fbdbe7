package compose

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-connections/nat"

	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// The platform's labels that a service's own keys stand for (api 19).
const (
	labelSize   = "sh_hyper_instancetype"
	labelNoAuto = "sh_hyper_noauto_volume"
)

// request is what container number n of a service is made of. Errors: ErrInvalidArgument, in words that name the service.
func request(project, service string, def store.ProjectService, n int, links []string) (container.CreateRequest, error) {
	req := container.CreateRequest{
		Name: containerName(project, service, def, n), Image: imageOf(project, service, def),
		Cmd: def.Command, Entrypoint: def.Entrypoint, Env: def.Environment, WorkingDir: def.WorkingDir,
		Hostname: def.Hostname, Domainname: def.Domainname, Labels: labels(project, service, def, n),
		Tty: def.Tty, OpenStdin: def.OpenStdin, ExposedPorts: def.Expose,
		Links: append(slices.Clone(links), def.ExternalLinks...), StopSignal: def.StopSignal,
	}
	if len(def.Entrypoint) == 0 {
		req.Entrypoint = nil
	}
	if def.Size != "" {
		if _, ok := container.SizeOf(def.Size); !ok {
			return req, oops.Invalid("service %s: there is no size %q: choose of s1 to s4, m1 to m3 and l1 to l3", service, def.Size)
		}
	}
	for _, v := range def.Volumes {
		if strings.HasPrefix(v, "/") && !strings.Contains(v, ":") {
			req.Volumes = append(req.Volumes, v)
		} else {
			req.Binds = append(req.Binds, v)
		}
	}
	var err error
	if req.Restart, err = restart(service, def.Restart); err != nil {
		return req, err
	}
	req.Ports, err = ports(service, def.Ports)
	return req, err
}

func labels(project, service string, def store.ProjectService, n int) map[string]string {
	out := maps.Clone(def.Labels)
	if out == nil {
		out = map[string]string{}
	}
	maps.DeleteFunc(out, func(k, _ string) bool { return strings.HasPrefix(k, labelPrefix) })
	out[labelProject] = project
	out[labelService] = service
	out[labelNumber] = strconv.Itoa(n)
	out[labelOneOff] = "False"
	out[labelHash] = hash(service, def)
	out[labelVersion] = formatVersion
	if def.Size != "" {
		out[labelSize] = def.Size
	}
	if def.NoAutoVolume {
		out[labelNoAuto] = "true"
	}
	for _, g := range def.SecurityGroups {
		out[container.LabelGroup+g] = "yes"
	}
	return out
}

// hash changes when a container of the service would be another. What only says when it starts, and the floating IP, which can move,
// are no part of it.
func hash(service string, def store.ProjectService) string {
	def.DependsOn, def.FIP = nil, ""
	text, err := json.Marshal(struct {
		Service string
		Of      store.ProjectService
	}{service, def})
	if err != nil {
		return "" // strings, lists and maps of strings: it cannot fail
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// ours reports whether a hash is of this package's making. The original's client puts others into the containers that it makes.
func ours(h string) bool { return len(h) == sha256.Size*2 }

// restart reads no, always, unless-stopped or on-failure[:N].
func restart(service, text string) (store.RestartPolicy, error) {
	name, count, counted := strings.Cut(text, ":")
	p := store.RestartPolicy{Name: name}
	if !slices.Contains([]string{"", "no", "always", "unless-stopped", "on-failure"}, name) {
		return p, oops.Invalid("service %s: invalid restart policy %s", service, text)
	}
	if !counted {
		return p, nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || name != "on-failure" {
		return p, oops.Invalid("service %s: invalid restart policy %s: only on-failure has a number of tries", service, text)
	}
	p.MaxRetries = n
	return p, nil
}

func ports(service string, specs []string) ([]container.PortRequest, error) {
	_, bindings, err := nat.ParsePortSpecs(specs)
	if err != nil {
		return nil, oops.Invalid("service %s: %v", service, err)
	}
	var out []container.PortRequest
	for _, private := range slices.SortedFunc(maps.Keys(bindings), func(x, y nat.Port) int { return strings.Compare(string(x), string(y)) }) {
		for _, b := range bindings[private] {
			out = append(out, container.PortRequest{Private: string(private), Public: b.HostPort})
		}
	}
	return out, nil
}
