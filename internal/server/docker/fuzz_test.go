package docker

import (
	"encoding/base64"
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/api/types/volume"

	rules "github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/server/rest"
)

// ofGo is what no user should have to know.
var ofGo = regexp.MustCompile(`json:|Go struct|Go value|netip\.|strconv\.|unmarshal|interface \{`)

// sentence sees that an error is one for the user, and his fault.
func sentence(t *testing.T, raw []byte, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if s := rest.HTTPStatus(err); s != 400 && s != 403 && s != 501 && s != 404 {
		t.Errorf("%d: %v", s, err)
	}
	if text := err.Error(); ofGo.MatchString(text) && !ofGo.Match(raw) || strings.TrimSpace(text) == "" {
		t.Errorf("%q is no sentence", text)
	}
}

func readJSON(raw []byte, v any) error {
	r := httptest.NewRequest("POST", "/", strings.NewReader(string(raw)))
	r.Header.Set("Content-Type", "application/json")
	return rest.ReadJSON(httptest.NewRecorder(), r, v)
}

// Every way in which the machine or another tenant could be reached is refused, however it is spelled in JSON.
func FuzzCreateRequest(f *testing.F) {
	for _, seed := range []string{
		`{"Image":"a"}`, `{"Image":"a","Cmd":"x","Entrypoint":["y"],"ExposedPorts":{"80/tcp":{}}}`, `{"HostConfig":{"Binds":["/:/x"],"PidMode":"host"}}`, `{"hostconfig":{"pidmode":"host"}}`,
		`{"HostConfig":{"PidMode":"","PidMode":"host"}}`, `{"HostConfig":{"NetworkMode":"container:x"}}`, `{"NetworkingConfig":{"EndpointsConfig":{"host":{}}}}`, `{"HostConfig":{"Devices":[{}]}}`,
		`{"HostConfig":{"SecurityOpt":["seccomp=unconfined"]}}`, `{"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":"1-2"}],"x":null}}}`, `{"HostConfig":{"Mounts":[{"Type":"tmpfs","Target":"/x","TmpfsOptions":{"SizeBytes":-1,"Options":[["a"],[]]}}]}}`,
		`{"HostConfig":null,"NetworkingConfig":null}`, `{"HostConfig":{"UsernsMode":"host","IpcMode":"container:x","CgroupnsMode":"host","UTSMode":"host"}}`, `{"Healthcheck":{"Interval":-1}}`,
		`{"NetworkingConfig":{"EndpointsConfig":{"a":null,"b":{"IPAMConfig":{"IPv6Address":"::1"}}}}}`, `{"HostConfig":{"ConsoleSize":[99999999,1]}}`, `{"HostConfig":{"MaskedPaths":[]}}`, `{"StopTimeout":99999999999999999999}`,
		`{"HostConfig":{"Mounts":[{"Type":"volume","VolumeOptions":{"DriverConfig":{"Name":"x"}}}]}}`, `{"Config":{"Image":"x"}}`, `{"HostConfig":{"HostConfig":{"PidMode":"host"}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var in createRequest
		if err := readJSON(raw, &in); err != nil {
			sentence(t, raw, err)
			return
		}
		in.complete()
		_ = in.warnings()
		if err := in.refuse(); err != nil {
			sentence(t, raw, err)
			return
		}
		h := in.HostConfig
		for what, is := range map[string]bool{
			"the machine's processes": strings.HasPrefix(string(h.PidMode), "host") || strings.HasPrefix(string(h.PidMode), "container"), "another's IPC": h.IpcMode.IsHost() || h.IpcMode.IsContainer(),
			"the machine's name": h.UTSMode.IsHost(), "the machine's users": h.UsernsMode.IsHost(), "the machine's groups": h.CgroupnsMode.IsHost(),
			"a device": len(h.Devices)+len(h.DeviceRequests)+len(h.DeviceCgroupRules) > 0, "the machine's network": h.NetworkMode.IsHost() || h.NetworkMode.IsContainer(),
			"a control group": h.CgroupParent != "", "all of /proc": h.MaskedPaths != nil && len(h.MaskedPaths) == 0,
		} {
			if is {
				t.Errorf("it asks for %s, and is not refused", what)
			}
		}
		for name := range in.NetworkingConfig.EndpointsConfig {
			if name == "host" || strings.HasPrefix(name, "container:") {
				t.Errorf("it asks for the network %q, and is not refused", name)
			}
		}
		req := in.domain("x")
		if req.Privileged != h.Privileged {
			t.Error("what it asks for is lost on the way to the rules")
		}
	})
}

// The other bodies: whatever they hold, they are read or refused by a sentence.
func FuzzBodies(f *testing.F) {
	for kind, seeds := range [][]string{
		{`{"Cmd":["a"]}`, `{"Cmd":"a","Tty":1}`, `{"ConsoleSize":[1]}`, `{"Cmd":null,"Env":[""]}`},
		{`{"Detach":true,"Tty":"x"}`, `{"ConsoleSize":[1,2,3]}`},
		{`{"Name":"n","IPAM":{"Config":[{"Subnet":"10.0.0.0/24","Gateway":"x"}]}}`, `{"IPAM":{"Config":[{"Subnet":"10.0.0.0"}]}}`, `{"Driver":"host"}`, `{"Options":{"com.docker.network.bridge.enable_icc":"FALSE"}}`, `{"EnableIPv6":true}`, `{"IPAM":{"Config":[{"AuxiliaryAddresses":{"a":"b"}}]}}`},
		{`{"Container":"c","EndpointConfig":{"IPAMConfig":{"IPv4Address":"x"},"Aliases":["a"]}}`, `{"EndpointConfig":{"IPAMConfig":{"LinkLocalIPs":["a"]}}}`},
		{`{"Container":"c","Force":1}`},
		{`{"Name":"v","DriverOpts":{"size":"10"}}`, `{"DriverOpts":{"size":10}}`, `{"ClusterVolumeSpec":{}}`},
		{`{"RestartPolicy":{"Name":"always","MaximumRetryCount":-1}}`, `{"Memory":1}`, `{"PidsLimit":null}`},
		{`{"ExposedPorts":{"80/tcp":{},"x":{}}}`, `{"Env":"a"}`, `null`, `{"ExposedPorts":{"99999/tcp":{}}}`},
		{`{"username":"a","serveraddress":1}`},
	} {
		for _, seed := range seeds {
			f.Add(uint8(kind), []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, raw []byte) {
		var connect struct {
			Container      string
			EndpointConfig *endpointRequest
		}
		kinds := []any{
			&execRequest{}, &container.ExecStartRequest{}, &network.CreateRequest{}, &connect, &network.DisconnectRequest{}, &volume.CreateRequest{}, &container.UpdateConfig{}, new(*container.Config), &registry.AuthConfig{},
		}
		v := kinds[int(kind)%len(kinds)]
		if err := readJSON(raw, v); err != nil {
			sentence(t, raw, err)
			return
		}
		switch v := v.(type) {
		case *network.CreateRequest:
			if err := refuseNetworkKind(v); err != nil {
				sentence(t, raw, err)
				return
			}
			if v.EnableIPv6 != nil && *v.EnableIPv6 || v.Ingress || strings.EqualFold(v.Options[noTalk], "false") {
				t.Errorf("%s is not refused", raw)
			}
			if v.IPAM != nil {
				sentence(t, raw, takeIPAM(v.IPAM, &rules.CreateRequest{}))
			}
		case *container.UpdateConfig:
			if v.Memory > 0 && refuseResources(&v.Resources) == nil {
				t.Errorf("%s is not refused", raw)
			}
			sentence(t, raw, refuseResources(&v.Resources))
		default:
			if v == &connect {
				sentence(t, raw, connect.EndpointConfig.check())
				_ = connect.EndpointConfig.domain("n")
			}
		}
	})
}

// Credentials come through whole, in either alphabet, or are refused: they are never left out in silence.
func FuzzRegistryAuth(f *testing.F) {
	for _, seed := range []string{"", "e30", "e30=", "bnVsbA", "W10", "eyJ1c2VybmFtZSI6ImEiLCJwYXNzd29yZCI6ImIifQ==", "eyJhdXRoIjoiWVRwaSJ9", "%%", "====", "e30 x", "\x00"} {
		f.Add(seed, "user", "p:w")
	}
	f.Fuzz(func(t *testing.T, header, user, password string) {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set(registry.AuthHeader, header)
		if _, err := registryAuth(r); err != nil && (!errdefs.IsInvalidArgument(err) || !strings.HasPrefix(err.Error(), "the header X-Registry-Auth ")) {
			t.Errorf("%v", err)
		}
		if user == "" {
			return
		}
		raw, err := json.Marshal(registry.AuthConfig{Username: user, Password: password})
		if err != nil {
			t.Fatal(err)
		}
		var want registry.AuthConfig
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			r.Header.Set(registry.AuthHeader, enc.EncodeToString(raw))
			if got, err := registryAuth(r); err != nil || got.Username != want.Username || got.Password != want.Password {
				t.Errorf("%q:%q became %+v, %v", user, password, got, err)
			}
		}
	})
}

// What is no number of lines means all of them.
func FuzzTail(f *testing.F) {
	for _, seed := range []string{"", "all", "10", "-1", "99999999999999999999", "0x1", "1e3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n := tail(text); n < -1 {
			t.Errorf("%q is %d", text, n)
		}
	})
}
