package server_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"

	"github.com/hypercloud/hyper/test/document"
)

// What becomes of a field of a request.
const (
	honoured = "honoured"
	refused  = "refused"
	warned   = "ignored, with a warning"
)

// field is what was decided about a field of the request that makes a container.
type field struct {
	value string // JSON, of which the decision is true
	is    string
	why   string // in docs/compatibility.md
	with  string // what else the request has to have: JSON
}

// Requests that fields of certain parts need.
const (
	aVolume  = `{"HostConfig":{"Mounts":[{"Type":"volume","Source":"fields","Target":"/m"}]}}`
	aTmpfs   = `{"HostConfig":{"Mounts":[{"Type":"tmpfs","Target":"/m"}]}}`
	aBind    = `{"HostConfig":{"Mounts":[{"Type":"bind","Source":"/etc","Target":"/m"}]}}`
	anImage  = `{"HostConfig":{"Mounts":[{"Type":"image","Source":"anns-image","Target":"/m"}]}}`
	aCluster = `{"HostConfig":{"Mounts":[{"Type":"cluster","Source":"x","Target":"/m"}]}}`
	aCheck   = `{"Healthcheck":{"Test":["CMD","true"]}}`
	aNetwork = `{"HostConfig":{"NetworkMode":"fields-network"}}`
)

const (
	bySize    = "the size decides"
	notHere   = "the machine's"
	toldBack  = "only a server can tell it"
	ofWindows = "of Windows"
	noBinds   = "the machine's files cannot be mounted"
)

// fields are the decisions. {} stands for the elements of a map, [] for those of a list.
var fields = map[string]field{
	"Hostname":                  {value: `"web"`, is: honoured},
	"Domainname":                {value: `"example.org"`, is: honoured},
	"User":                      {value: `"1000:1000"`, is: honoured},
	"AttachStdin":               {value: `true`, is: honoured},
	"AttachStdout":              {value: `true`, is: honoured},
	"AttachStderr":              {value: `true`, is: honoured},
	"ExposedPorts":              {value: `{"80/tcp":{}}`, is: honoured, why: "ports that are exposed only are not listed by `ps`"},
	"Tty":                       {value: `true`, is: honoured},
	"OpenStdin":                 {value: `true`, is: honoured},
	"StdinOnce":                 {value: `true`, is: honoured},
	"Env":                       {value: `["A=1"]`, is: honoured},
	"Cmd":                       {value: `["true"]`, is: honoured},
	"Healthcheck.Test":          {value: `["CMD","true"]`, is: honoured},
	"Healthcheck.Interval":      {value: `5000000000`, is: honoured, with: aCheck},
	"Healthcheck.Timeout":       {value: `5000000000`, is: honoured, with: aCheck},
	"Healthcheck.StartPeriod":   {value: `5000000000`, is: honoured, with: aCheck},
	"Healthcheck.StartInterval": {value: `5000000000`, is: honoured, with: aCheck},
	"Healthcheck.Retries":       {value: `5`, is: honoured, with: aCheck},
	"ArgsEscaped":               {value: `true`, is: warned, why: ofWindows},
	"Image":                     {value: `"anns-image:latest"`, is: honoured},
	"Volumes":                   {value: `{"/data":{}}`, is: honoured},
	"WorkingDir":                {value: `"/srv"`, is: honoured},
	"Entrypoint":                {value: `["env"]`, is: honoured},
	"NetworkDisabled":           {value: `true`, is: refused, why: "`--network none` does this"},
	"OnBuild":                   {value: `["RUN true"]`, is: warned, why: "of images"},
	"Labels":                    {value: `{"k":"v"}`, is: honoured, why: "those that begin `sh_hyper_` tell the platform something"},
	"StopSignal":                {value: `"SIGUSR1"`, is: honoured},
	"StopTimeout":               {value: `5`, is: honoured},
	"Shell":                     {value: `["/bin/sh","-c"]`, is: warned, why: "of images"},

	"HostConfig.Binds":                           {value: `["fields:/m"]`, is: honoured, why: "volumes; what begins with `/` would be the machine's, and is refused"},
	"HostConfig.ContainerIDFile":                 {value: `"/tmp/id"`, is: honoured, why: "the client's, shown by `inspect`"},
	"HostConfig.LogConfig.Type":                  {value: `"syslog"`, is: warned, why: "output is kept by `json-file`"},
	"HostConfig.LogConfig.Config":                {value: `{"max-size":"1m"}`, is: warned, why: "the platform bounds what is kept"},
	"HostConfig.NetworkMode":                     {value: `"fields-network"`, is: honoured, why: "`host` and `container:...` are refused"},
	"HostConfig.PortBindings":                    {value: `{"80/tcp":[{"HostPort":"8080"}]}`, is: honoured, why: "on the floating IP; an address of the machine is answered by a warning"},
	"HostConfig.RestartPolicy.Name":              {value: `"always"`, is: honoured},
	"HostConfig.RestartPolicy.MaximumRetryCount": {value: `3`, is: honoured, with: `{"HostConfig":{"RestartPolicy":{"Name":"on-failure"}}}`},
	"HostConfig.AutoRemove":                      {value: `true`, is: honoured},
	"HostConfig.VolumeDriver":                    {value: `"nfs"`, is: refused, why: "there are `hyper` and, for the same, `local`"},
	"HostConfig.VolumesFrom":                     {value: `["anns-container"]`, is: honoured},
	"HostConfig.ConsoleSize":                     {value: `[24,80]`, is: honoured},
	"HostConfig.Annotations":                     {value: `{"a":"b"}`, is: warned, why: "labels do this"},
	"HostConfig.CapAdd":                          {value: `["SYS_PTRACE"]`, is: honoured, why: "those with which a tenant could reach beyond the container are refused"},
	"HostConfig.CapDrop":                         {value: `["CHOWN"]`, is: honoured},
	"HostConfig.CgroupnsMode":                    {value: `"host"`, is: refused, why: "`private` is what a container has"},
	"HostConfig.Dns":                             {value: `["192.0.2.1"]`, is: warned, why: "the account's resolver is used"},
	"HostConfig.DnsOptions":                      {value: `["ndots:2"]`, is: honoured},
	"HostConfig.DnsSearch":                       {value: `["example.org"]`, is: honoured},
	"HostConfig.ExtraHosts":                      {value: `["db:10.0.0.1"]`, is: honoured},
	"HostConfig.GroupAdd":                        {value: `["4000"]`, is: honoured},
	"HostConfig.IpcMode":                         {value: `"host"`, is: refused, why: "`private` is what a container has; `shareable` is answered by a warning"},
	"HostConfig.Cgroup":                          {value: `"container:x"`, is: refused, why: notHere},
	"HostConfig.Links":                           {value: `["anns-container:db"]`, is: honoured},
	"HostConfig.OomScoreAdj":                     {value: `100`, is: warned, why: notHere},
	"HostConfig.PidMode":                         {value: `"host"`, is: refused, why: "`private` is what a container has"},
	"HostConfig.Privileged":                      {value: `true`, is: refused, why: "root inside a container is never root on the machine"},
	"HostConfig.PublishAllPorts":                 {value: `true`, is: honoured, why: "under their own numbers"},
	"HostConfig.ReadonlyRootfs":                  {value: `true`, is: honoured},
	"HostConfig.SecurityOpt":                     {value: `["no-new-privileges"]`, is: honoured, why: "this one; what would loosen the confinement is refused, others are answered by a warning"},
	"HostConfig.StorageOpt":                      {value: `{"size":"1G"}`, is: warned, why: "a root disk has 10 GB"},
	"HostConfig.Tmpfs":                           {value: `{"/t":""}`, is: honoured},
	"HostConfig.UTSMode":                         {value: `"host"`, is: refused, why: notHere},
	"HostConfig.UsernsMode":                      {value: `"host"`, is: refused, why: "root inside a container is never root on the machine"},
	"HostConfig.ShmSize":                         {value: `1048576`, is: honoured},
	"HostConfig.Sysctls":                         {value: `{"net.ipv4.ip_unprivileged_port_start":"80"}`, is: honoured, why: "those of the container's own namespaces"},
	"HostConfig.Runtime":                         {value: `"runsc"`, is: refused, why: "the operator's choice"},
	"HostConfig.Umask":                           {value: `18`, is: warned, why: "the runtime's applies"},
	"HostConfig.Isolation":                       {value: `"hyperv"`, is: refused, why: ofWindows},
	"HostConfig.CpuShares":                       {value: `512`, is: warned, why: bySize},
	"HostConfig.Memory":                          {value: `67108864`, is: warned, why: bySize},
	"HostConfig.NanoCpus":                        {value: `500000000`, is: warned, why: bySize},
	"HostConfig.CgroupParent":                    {value: `"/x"`, is: refused, why: notHere},
	"HostConfig.BlkioWeight":                     {value: `500`, is: warned, why: bySize},
	"HostConfig.BlkioWeightDevice":               {value: `[{"Path":"/dev/sda","Weight":500}]`, is: warned, why: bySize},
	"HostConfig.BlkioDeviceReadBps":              {value: `[{"Path":"/dev/sda","Rate":500}]`, is: warned, why: bySize},
	"HostConfig.BlkioDeviceWriteBps":             {value: `[{"Path":"/dev/sda","Rate":500}]`, is: warned, why: bySize},
	"HostConfig.BlkioDeviceReadIOps":             {value: `[{"Path":"/dev/sda","Rate":500}]`, is: warned, why: bySize},
	"HostConfig.BlkioDeviceWriteIOps":            {value: `[{"Path":"/dev/sda","Rate":500}]`, is: warned, why: bySize},
	"HostConfig.CpuPeriod":                       {value: `100000`, is: warned, why: bySize},
	"HostConfig.CpuQuota":                        {value: `50000`, is: warned, why: bySize},
	"HostConfig.CpuRealtimePeriod":               {value: `100000`, is: warned, why: bySize},
	"HostConfig.CpuRealtimeRuntime":              {value: `50000`, is: warned, why: bySize},
	"HostConfig.CpusetCpus":                      {value: `"0"`, is: warned, why: bySize},
	"HostConfig.CpusetMems":                      {value: `"0"`, is: warned, why: bySize},
	"HostConfig.Devices":                         {value: `[{"PathOnHost":"/dev/null","PathInContainer":"/dev/x"}]`, is: refused, why: notHere},
	"HostConfig.DeviceCgroupRules":               {value: `["c 1:3 mr"]`, is: refused, why: notHere},
	"HostConfig.DeviceRequests":                  {value: `[{"Count":-1,"Capabilities":[["gpu"]]}]`, is: refused, why: notHere},
	"HostConfig.MemoryReservation":               {value: `67108864`, is: warned, why: bySize},
	"HostConfig.MemorySwap":                      {value: `67108864`, is: warned, why: bySize},
	"HostConfig.MemorySwappiness":                {value: `50`, is: warned, why: bySize},
	"HostConfig.OomKillDisable":                  {value: `true`, is: warned, why: bySize},
	"HostConfig.PidsLimit":                       {value: `50`, is: warned, why: bySize},
	"HostConfig.Ulimits":                         {value: `[{"Name":"nofile","Soft":100,"Hard":100}]`, is: warned, why: bySize},
	"HostConfig.CpuCount":                        {value: `1`, is: warned, why: ofWindows},
	"HostConfig.CpuPercent":                      {value: `50`, is: warned, why: ofWindows},
	"HostConfig.IOMaximumIOps":                   {value: `500`, is: warned, why: ofWindows},
	"HostConfig.IOMaximumBandwidth":              {value: `500`, is: warned, why: ofWindows},
	"HostConfig.MaskedPaths":                     {value: `["/proc/x"]`, is: warned, why: "the platform's apply; an empty list is refused"},
	"HostConfig.ReadonlyPaths":                   {value: `["/proc/x"]`, is: warned, why: "the platform's apply; an empty list is refused"},
	"HostConfig.Init":                            {value: `true`, is: honoured},

	"HostConfig.Mounts[].Type":                               {value: `"volume"`, is: honoured, why: "`volume` and `tmpfs`; others are refused", with: `{"HostConfig":{"Mounts":[{"Source":"fields","Target":"/m"}]}}`},
	"HostConfig.Mounts[].Source":                             {value: `"other-fields"`, is: honoured, with: aVolume},
	"HostConfig.Mounts[].Target":                             {value: `"/other"`, is: honoured, with: aVolume},
	"HostConfig.Mounts[].ReadOnly":                           {value: `true`, is: honoured, with: aVolume},
	"HostConfig.Mounts[].Consistency":                        {value: `"cached"`, is: warned, why: "volumes are always consistent", with: aVolume},
	"HostConfig.Mounts[].BindOptions.Propagation":            {value: `"rshared"`, is: refused, why: noBinds, with: aBind},
	"HostConfig.Mounts[].BindOptions.NonRecursive":           {value: `true`, is: refused, why: noBinds, with: aVolume},
	"HostConfig.Mounts[].BindOptions.CreateMountpoint":       {value: `true`, is: refused, why: noBinds, with: aVolume},
	"HostConfig.Mounts[].BindOptions.ReadOnlyNonRecursive":   {value: `true`, is: refused, why: noBinds, with: aVolume},
	"HostConfig.Mounts[].BindOptions.ReadOnlyForceRecursive": {value: `true`, is: refused, why: noBinds, with: aVolume},
	"HostConfig.Mounts[].VolumeOptions.NoCopy":               {value: `true`, is: honoured, with: aVolume},
	"HostConfig.Mounts[].VolumeOptions.Labels":               {value: `{"k":"v"}`, is: warned, why: "`volume create` gives them", with: aVolume},
	"HostConfig.Mounts[].VolumeOptions.Subpath":              {value: `"sub"`, is: refused, why: "not offered", with: aVolume},
	"HostConfig.Mounts[].VolumeOptions.DriverConfig.Name":    {value: `"nfs"`, is: refused, why: "there are `hyper` and, for the same, `local`", with: aVolume},
	"HostConfig.Mounts[].VolumeOptions.DriverConfig.Options": {value: `{"device":"/etc"}`, is: refused, why: "`volume create` takes size and snapshot", with: aVolume},
	"HostConfig.Mounts[].ImageOptions.Subpath":               {value: `"sub"`, is: refused, why: "images cannot be mounted", with: anImage},
	"HostConfig.Mounts[].TmpfsOptions.SizeBytes":             {value: `1048576`, is: honoured, with: aTmpfs},
	"HostConfig.Mounts[].TmpfsOptions.Mode":                  {value: `448`, is: honoured, with: aTmpfs},
	"HostConfig.Mounts[].TmpfsOptions.Options":               {value: `[["noexec"]]`, is: honoured, with: aTmpfs},
	"HostConfig.Mounts[].ClusterOptions":                     {value: `{}`, is: refused, why: "there are no cluster volumes", with: aCluster},

	endpointFields + "IPAMConfig.IPv4Address":  {value: `"10.9.0.9"`, is: honoured, with: aNetwork},
	endpointFields + "IPAMConfig.IPv6Address":  {value: `"fd00::9"`, is: refused, why: "networks are IPv4", with: aNetwork},
	endpointFields + "IPAMConfig.LinkLocalIPs": {value: `["169.254.9.9"]`, is: refused, why: "not offered", with: aNetwork},
	endpointFields + "Links":                   {value: `["anns-container:db"]`, is: honoured, with: aNetwork},
	endpointFields + "Aliases":                 {value: `["store"]`, is: honoured, why: "but in `bridge`, where a warning tells so", with: aNetwork},
	endpointFields + "DriverOpts":              {value: `{"k":"v"}`, is: warned, why: "kept, and without a meaning", with: aNetwork},
	endpointFields + "GwPriority":              {value: `5`, is: honoured, with: aNetwork},
	endpointFields + "NetworkID":               {value: `"abc"`, is: warned, why: toldBack, with: aNetwork},
	endpointFields + "EndpointID":              {value: `"abc"`, is: warned, why: toldBack, with: aNetwork},
	endpointFields + "Gateway":                 {value: `"10.9.0.1"`, is: warned, why: toldBack, with: aNetwork},
	endpointFields + "IPAddress":               {value: `"10.9.0.9"`, is: warned, why: "IPAMConfig asks for an address", with: aNetwork},
	endpointFields + "MacAddress":              {value: `"02:42:0a:09:00:09"`, is: warned, why: "it follows from the address", with: aNetwork},
	endpointFields + "IPPrefixLen":             {value: `24`, is: warned, why: toldBack, with: aNetwork},
	endpointFields + "IPv6Gateway":             {value: `"fd00::1"`, is: warned, why: toldBack, with: aNetwork},
	endpointFields + "GlobalIPv6Address":       {value: `"fd00::9"`, is: warned, why: toldBack, with: aNetwork},
	endpointFields + "GlobalIPv6PrefixLen":     {value: `64`, is: warned, why: toldBack, with: aNetwork},
	endpointFields + "DNSNames":                {value: `["web"]`, is: warned, why: toldBack, with: aNetwork},
}

const endpointFields = "NetworkingConfig.EndpointsConfig{}."

// TestDocumentedFields sends each field that Docker's API has for making a container, and sees that it becomes of it what was decided: what
// is honoured is in the container, what is not is refused or told of. A field that nothing was decided about fails the test.
func TestDocumentedFields(t *testing.T) {
	tn := newTown(t)
	tn.must("POST", "/v1.56/networks/create", `{"Name":"fields-network","IPAM":{"Config":[{"Subnet":"10.9.0.0/24"}]}}`, "")
	var paths []string
	for _, part := range []struct {
		prefix string
		of     any
	}{{"", container.Config{}}, {"HostConfig.", container.HostConfig{}}, {"NetworkingConfig.", network.NetworkingConfig{}}} {
		paths = append(paths, leaves(t, part.prefix, reflect.TypeOf(part.of))...)
	}
	doc := "| field | is | |\n|---|---|---|\n"
	for _, path := range paths {
		f := fields[path]
		doc += fmt.Sprintf("| `%s` | %s | %s |\n", path, f.is, f.why)
		t.Run(path, func(t *testing.T) {
			bare := tn.created(t, f.with)
			full := tn.created(t, f.with, place(path, f.value))
			is := honoured
			switch {
			case full.status >= 400 && full.status != http.StatusInternalServerError:
				is = refused
			case full.status != http.StatusCreated:
				t.Fatalf("%d %s", full.status, full.said)
			case len(full.warnings) > len(bare.warnings):
				is = warned
			case full.container == bare.container:
				is = "ignored without a word"
			}
			if is != f.is {
				t.Errorf("it is %s, and should be %s: %s %v", is, f.is, full.said, full.warnings)
			}
			if is == refused && len(full.said) < 20 {
				t.Errorf("it is refused by %q, which tells nothing", full.said)
			}
		})
	}
	for _, path := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(paths, path) {
			t.Errorf("the API has no field %s", path)
		}
	}
	if err := document.Check("../../docs/compatibility.md", "fields", doc, *update); err != nil {
		t.Error(err)
	}
}

// leaves are the paths of a struct's fields, as JSON has them: down to those about which something was decided.
func leaves(t *testing.T, prefix string, s reflect.Type) (paths []string) {
	for i := range s.NumField() {
		f := s.Field(i)
		if f.Anonymous {
			paths = append(paths, leaves(t, prefix, f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		path, inner := prefix+name, f.Type
		if _, decided := fields[path]; decided {
			paths = append(paths, path)
			continue
		}
		for down := true; down; {
			switch inner.Kind() {
			case reflect.Pointer:
				inner = inner.Elem()
			case reflect.Slice:
				path, inner = path+"[]", inner.Elem()
			case reflect.Map:
				path, inner = path+"{}", inner.Elem()
			default:
				down = false
			}
		}
		if inner.Kind() != reflect.Struct {
			t.Errorf("the API has a field %s, and nothing was decided about it: honour it, refuse it or tell of it, and add it to the table", prefix+name)
			continue
		}
		paths = append(paths, leaves(t, path+".", inner)...)
	}
	return paths
}

// place is a request that has a value at a path.
func place(path, value string) string {
	steps := strings.Split(path, ".")
	for _, step := range slices.Backward(steps) {
		name, list := strings.CutSuffix(step, "[]")
		name, object := strings.CutSuffix(name, "{}")
		switch {
		case list:
			value = "[" + value + "]"
		case object:
			value = `{"fields-network":` + value + "}"
		}
		value = `{"` + name + `":` + value + "}"
	}
	return value
}

// outcome is what became of a request.
type outcome struct {
	status    int
	said      string
	warnings  []string
	container string // as inspect shows it, without what is another one in each
}

var eachOnesOwn = regexp.MustCompile(`[0-9a-f]{12,64}|\d{4}-\d\d-\d\dT[^"]*|"(10|172)\.[0-9.]+"|02:42:[0-9a-f:]+`)

// created makes a container by parts of a request, looks at it and removes it.
func (tn *town) created(t *testing.T, parts ...string) (o outcome) {
	t.Helper()
	request := map[string]any{"Image": annsImage}
	for _, p := range parts {
		if p == "" {
			continue
		}
		var v map[string]any
		if err := json.Unmarshal([]byte(p), &v); err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		merge(request, v)
	}
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	o.status, o.said = tn.ask("ann", "POST", "/v1.56/containers/create?name=fields", string(body))
	if o.status != http.StatusCreated {
		return o
	}
	var answer container.CreateResponse
	if err := json.Unmarshal([]byte(o.said), &answer); err != nil {
		t.Fatal(err)
	}
	o.warnings = answer.Warnings
	code, seen := tn.ask("ann", "GET", "/v1.56/containers/fields/json", "")
	if code != http.StatusOK {
		t.Fatalf("%d %s", code, seen)
	}
	o.container = eachOnesOwn.ReplaceAllString(seen, "-")
	if code, out := tn.ask("ann", "DELETE", "/v1.56/containers/fields?v=1&force=1", ""); code/100 != 2 {
		t.Fatalf("%d %s", code, out)
	}
	return o
}

// merge lays one JSON object over another; lists have one element.
func merge(to, from map[string]any) {
	for k, v := range from {
		switch v := v.(type) {
		case map[string]any:
			if inner, ok := to[k].(map[string]any); ok {
				merge(inner, v)
				continue
			}
		case []any:
			if list, ok := to[k].([]any); ok && len(list) == 1 && len(v) == 1 {
				first, a := list[0].(map[string]any)
				second, b := v[0].(map[string]any)
				if a && b {
					merge(first, second)
					continue
				}
			}
		}
		to[k] = v
	}
}
