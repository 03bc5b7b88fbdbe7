package hyper

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/compose"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/store"
)

// composeRequest is the body of up and create (api 15), as the original's client makes it of a file. Networks are left unread: an
// account's containers are in one network. env_file and extends were resolved by the client.
type composeRequest struct {
	ServiceConfigs struct{ M map[string]*composeService }
	VolumeConfigs  map[string]*composeVolume
	Auths          map[string]struct{ Username, Password string } `json:"auths"`
}

type composeService struct {
	Image          string            `json:"image"`
	Command        wordList          `json:"command"`
	Entrypoint     wordList          `json:"entrypoint"`
	Environment    []string          `json:"environment"`
	Labels         map[string]string `json:"labels"`
	Links          []string          `json:"links"`
	ExternalLinks  []string          `json:"external_links"`
	DependsOn      []string          `json:"depends_on"`
	Expose         []string          `json:"expose"`
	Ports          []string          `json:"ports"`
	Volumes        []string          `json:"volumes"`
	Restart        string            `json:"restart"`
	StdinOpen      bool              `json:"stdin_open"`
	Tty            bool              `json:"tty"`
	WorkingDir     string            `json:"working_dir"`
	Hostname       string            `json:"hostname"`
	Domainname     string            `json:"domainname"`
	ContainerName  string            `json:"container_name"`
	StopSignal     string            `json:"stop_signal"`
	Size           string            `json:"size"`
	FIP            string            `json:"fip"`
	SecurityGroups []string          `json:"security_groups"`
	NoAutoVolume   bool              `json:"noauto_volume"`
}

type composeVolume struct {
	Driver     string
	DriverOpts map[string]string
	External   external
}

// external is true, false, or an object that may name the volume.
type external struct {
	External bool
	Name     string
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *external) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &e.External) == nil {
		return nil
	}
	type plain external
	return json.Unmarshal(b, (*plain)(e))
}

// wordList is a list, or a string that is one word.
type wordList []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *wordList) UnmarshalJSON(b []byte) error {
	var one string
	if string(b) != "null" && json.Unmarshal(b, &one) == nil {
		*l = wordList{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(l))
}

// composeDefine is Up or Create of a compose service.
type composeDefine = func(ctx context.Context, a account.Ref, project string, spec store.ProjectSpec, o compose.UpOptions, out func(compose.Message)) error

// spec puts the request in the words of the rules. A variable without a value is left out: only the client could have known it.
func (in *composeRequest) spec() (store.ProjectSpec, error) {
	out := store.ProjectSpec{Services: map[string]store.ProjectService{}, Volumes: map[string]store.ProjectVolume{}}
	for name, s := range in.ServiceConfigs.M {
		if s == nil {
			s = &composeService{}
		}
		out.Services[name] = store.ProjectService{
			Image: s.Image, Command: s.Command, Entrypoint: s.Entrypoint,
			Environment: slices.DeleteFunc(slices.Clone(s.Environment), func(kv string) bool { return !strings.Contains(kv, "=") }),
			Labels:      s.Labels, Links: s.Links, ExternalLinks: s.ExternalLinks, DependsOn: s.DependsOn, Expose: s.Expose, Ports: s.Ports,
			Volumes: s.Volumes, Restart: s.Restart, OpenStdin: s.StdinOpen, Tty: s.Tty, WorkingDir: s.WorkingDir,
			Hostname: s.Hostname, Domainname: s.Domainname, ContainerName: s.ContainerName, StopSignal: s.StopSignal,
			Size: s.Size, FIP: s.FIP, SecurityGroups: s.SecurityGroups, NoAutoVolume: s.NoAutoVolume,
		}
	}
	for _, name := range slices.Sorted(maps.Keys(in.VolumeConfigs)) {
		v := in.VolumeConfigs[name]
		if v == nil {
			v = &composeVolume{}
		}
		one, err := v.spec(name)
		if err != nil {
			return out, err
		}
		out.Volumes[name] = one
	}
	return out, nil
}

func (v *composeVolume) spec(name string) (store.ProjectVolume, error) {
	var out store.ProjectVolume
	if v.External.External || v.External.Name != "" {
		if v.External.Name != "" && v.External.Name != name {
			return out, oops.NotImplemented("volume %s is external under another name, %s, which is not offered: use that name for it in the file", name, v.External.Name)
		}
		out.External = true
		return out, nil
	}
	if v.Driver != "" && v.Driver != "hyper" && v.Driver != "local" {
		return out, oops.NotFound("there is no volume driver %q: leave the driver of volume %s out", v.Driver, name)
	}
	for key, value := range v.DriverOpts {
		switch {
		case value == "":
		case key == "size":
			gb, err := strconv.Atoi(value)
			if err != nil || gb <= 0 {
				return out, oops.Invalid("the size of volume %s is a number of GB, not %q", name, value)
			}
			out.SizeGB = gb
		case key == "snapshot":
			out.Snapshot = value
		default:
			return out, oops.Invalid("volume %s has no option %q: there are size, in GB, and snapshot", name, key)
		}
	}
	return out, nil
}

func (in *composeRequest) auths() compose.Auths {
	out := compose.Auths{}
	for server, auth := range in.Auths {
		out[server] = compose.Auth{Username: auth.Username, Password: auth.Password}
	}
	return out
}
