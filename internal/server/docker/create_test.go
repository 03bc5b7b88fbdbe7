package docker

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hypercloud/hyper/internal/account"
	cloud "github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

func request(t *testing.T, body string) *createRequest {
	t.Helper()
	var in createRequest
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		t.Fatal(err)
	}
	in.complete()
	return &in
}

// Every setting that Hyper does not honour is refused with a sentence or told of in a warning.
func TestWhatIsNotHonoured(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		status     int    // of the refusal; 0: none
		says       string // in the refusal, or in the warnings; "": no warning
	}{
		{"nothing", `{"Image":"x"}`, 0, ""},
		{"what docker run sends unasked", `{"Image":"x","HostConfig":{"MemorySwappiness":-1,"OomKillDisable":false,"PidsLimit":0,"NetworkMode":"default",
			"LogConfig":{"Type":"","Config":{}},"Devices":[],"MaskedPaths":null,"Ulimits":[],"CpuShares":0},"NetworkingConfig":{"EndpointsConfig":{"default":{"MacAddress":""}}}}`, 0, ""},
		{"devices", `{"HostConfig":{"Devices":[{"PathOnHost":"/dev/sda"}]}}`, 403, "--device"},
		{"GPUs", `{"HostConfig":{"DeviceRequests":[{"Count":-1}]}}`, 403, "--gpus"},
		{"control group", `{"HostConfig":{"CgroupParent":"/x"}}`, 403, "--cgroup-parent"},
		{"control groups of the machine", `{"HostConfig":{"CgroupnsMode":"host"}}`, 403, "--cgroupns"},
		{"processes of the machine", `{"HostConfig":{"PidMode":"host"}}`, 403, "--pid"},
		{"processes of another container", `{"HostConfig":{"PidMode":"container:x"}}`, 403, "--pid"},
		{"IPC of the machine", `{"HostConfig":{"IpcMode":"host"}}`, 403, "--ipc"},
		{"host name of the machine", `{"HostConfig":{"UTSMode":"host"}}`, 403, "--uts"},
		{"root of the machine", `{"HostConfig":{"UsernsMode":"host"}}`, 403, "--userns"},
		{"network of the machine", `{"HostConfig":{"NetworkMode":"host"}}`, 403, "--network host"},
		{"another container's network", `{"HostConfig":{"NetworkMode":"container:x"}}`, 403, "--network container:x"},
		{"an endpoint in the machine's network", `{"NetworkingConfig":{"EndpointsConfig":{"host":null}}}`, 403, "--network host"},
		{"network disabled", `{"NetworkDisabled":true}`, 403, "private network"},
		{"an IPv6 address", `{"NetworkingConfig":{"EndpointsConfig":{"mine":{"IPAMConfig":{"IPv6Address":"fd00::9"}}}}}`, 400, "network mine: networks here are IPv4"},
		{"unconfined", `{"HostConfig":{"SecurityOpt":["seccomp=unconfined"]}}`, 403, "cannot be loosened"},
		{"open /proc", `{"HostConfig":{"MaskedPaths":[]}}`, 403, "systempaths"},
		{"volume driver", `{"HostConfig":{"VolumeDriver":"nfs"}}`, 400, "nfs"},
		{"volume driver of a mount", `{"HostConfig":{"Mounts":[{"Type":"volume","VolumeOptions":{"DriverConfig":{"Name":"local","Options":{"device":"/etc"}}}}]}}`, 501, "driver options"},
		{"part of a volume", `{"HostConfig":{"Mounts":[{"Type":"volume","VolumeOptions":{"Subpath":"x"}}]}}`, 501, "part of a volume"},
		{"runtime", `{"HostConfig":{"Runtime":"runsc"}}`, 400, "runtime name: runsc"},
		{"isolation", `{"HostConfig":{"Isolation":"hyperv"}}`, 400, "isolation"},
		{"memory", `{"HostConfig":{"Memory":5}}`, 0, "setting of memory is ignored"},
		{"CPUs", `{"HostConfig":{"NanoCpus":5}}`, 0, "setting of CPU time is ignored"},
		{"ulimits", `{"HostConfig":{"Ulimits":[{"Name":"nofile","Soft":1,"Hard":1}]}}`, 0, "setting of ulimits is ignored"},
		{"block I/O", `{"HostConfig":{"BlkioDeviceReadBps":[{"Path":"/dev/sda","Rate":1}]}}`, 0, "setting of block I/O is ignored"},
		{"process limit", `{"HostConfig":{"PidsLimit":5}}`, 0, "number of processes"},
		{"kernel memory", `{"HostConfig":{"KernelMemory":5}}`, 0, "kernel memory"},
		{"log driver", `{"HostConfig":{"LogConfig":{"Type":"syslog"}}}`, 0, "log driver syslog is ignored"},
		{"DNS", `{"HostConfig":{"Dns":["1.1.1.1"]}}`, 0, "DNS servers are ignored"},
		{"search domains", `{"HostConfig":{"DnsSearch":["example.org"],"DnsOptions":["rotate"]}}`, 0, ""},
		{"no new privileges", `{"HostConfig":{"SecurityOpt":["no-new-privileges:true"]}}`, 0, ""},
		{"a profile", `{"HostConfig":{"SecurityOpt":["label=type:x"]}}`, 0, "Security options are ignored"},
		{"address of a port", `{"HostConfig":{"PortBindings":{"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"80"}]}}}`, 0, "Addresses of published ports are ignored"},
		{"any address of a port", `{"HostConfig":{"PortBindings":{"80/tcp":[{"HostIp":"0.0.0.0"}],"81/tcp":[{"HostIp":"::"}]}}}`, 0, ""},
		{"MAC address", `{"MacAddress":"02:00:00:00:00:01"}`, 0, "MAC address is ignored"},
		{"aliases", `{"NetworkingConfig":{"EndpointsConfig":{"bridge":{"Aliases":["a"]}}}}`, 0, "aliases are ignored"},
		{"annotations", `{"HostConfig":{"Annotations":{"a":"b"}}}`, 0, "Annotations are ignored"},
		{"umask", `{"HostConfig":{"Umask":18}}`, 0, "umask is ignored"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := request(t, tc.body)
			err := in.refuse()
			if tc.status != 0 {
				if err == nil || rest.HTTPStatus(err) != tc.status || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("%v, want a refusal by %d about %s", err, tc.status, tc.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(in.warnings(), " ")
			if !strings.Contains(got, tc.says) || tc.says == "" && got != "" {
				t.Errorf("warnings %q", got)
			}
		})
	}
}

func TestDomainRequest(t *testing.T) {
	for _, tc := range []struct {
		name, body string
		check      func(cloud.CreateRequest) bool
	}{
		{"command as a string", `{"Cmd":"ls -l"}`, func(r cloud.CreateRequest) bool { return len(r.Cmd) == 1 && r.Cmd[0] == "ls -l" }},
		{"no entrypoint given", `{"Entrypoint":null}`, func(r cloud.CreateRequest) bool { return r.Entrypoint == nil }},
		{"entrypoint taken away", `{"Entrypoint":[]}`, func(r cloud.CreateRequest) bool { return r.Entrypoint != nil && len(r.Entrypoint) == 0 }},
		{"names of any case", `{"image":"x","hostconfig":{"binds":["a:/a"]}}`, func(r cloud.CreateRequest) bool { return r.Image == "x" && r.Binds[0] == "a:/a" }},
		{"port without a public side", `{"HostConfig":{"PortBindings":{"80/tcp":[]}}}`, func(r cloud.CreateRequest) bool {
			return len(r.Ports) == 1 && r.Ports[0] == cloud.PortRequest{Private: "80/tcp"}
		}},
		{"exposed range", `{"ExposedPorts":{"8000-8010/tcp":{}}}`, func(r cloud.CreateRequest) bool { return r.ExposedPorts[0] == "8000-8010/tcp" }},
		{"tmpfs mount", `{"HostConfig":{"Mounts":[{"Type":"tmpfs","Target":"/t","TmpfsOptions":{"SizeBytes":64,"Mode":1023}}]}}`, func(r cloud.CreateRequest) bool {
			return len(r.Mounts) == 0 && r.Tmpfs["/t"] == "size=64,mode=777"
		}},
		{"volume mount", `{"HostConfig":{"Mounts":[{"Type":"volume","Source":"v","Target":"/v","ReadOnly":true,"VolumeOptions":{"NoCopy":true}}]}}`, func(r cloud.CreateRequest) bool {
			return r.Mounts[0] == cloud.MountRequest{Type: "volume", Source: "v", Target: "/v", ReadOnly: true, NoCopy: true}
		}},
		{"networks", `{"HostConfig":{"NetworkMode":"mine","Links":["a:b"]},"NetworkingConfig":{"EndpointsConfig":{
			"yours":null,"mine":{"Links":["c:d"],"Aliases":["x"],"GwPriority":2,"IPAMConfig":{"IPv4Address":"10.0.0.9"}}}}}`, func(r cloud.CreateRequest) bool {
			return r.NetworkMode == "mine" && slices.Equal(r.Links, []string{"a:b"}) && reflect.DeepEqual(r.Networks, []network.EndpointRequest{
				{Network: "mine", Aliases: []string{"x"}, Links: []string{"c:d"}, Address: "10.0.0.9", Priority: 2}, {Network: "yours"}})
		}},
		{"settings of resolv.conf", `{"HostConfig":{"DnsSearch":["example.org"],"DnsOptions":["rotate"]}}`, func(r cloud.CreateRequest) bool {
			return slices.Equal(r.DNSSearch, []string{"example.org"}) && slices.Equal(r.DNSOptions, []string{"rotate"})
		}},
		{"no new privileges", `{"HostConfig":{"SecurityOpt":["no-new-privileges:true"]}}`, func(r cloud.CreateRequest) bool { return r.NoNewPrivileges }},
		{"new privileges", `{"HostConfig":{"SecurityOpt":["no-new-privileges:false"]}}`, func(r cloud.CreateRequest) bool { return !r.NoNewPrivileges }},
		{"privileged is the rules' to refuse", `{"HostConfig":{"Privileged":true}}`, func(r cloud.CreateRequest) bool { return r.Privileged }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := request(t, tc.body).domain(""); !tc.check(got) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// someContainers have one of each image.
type someContainers struct{ Containers }

func (someContainers) Get(_ account.Ref, ref string) (*cloud.Container, error) {
	if ref == "gone" {
		return nil, oops.NotFound("No such container: gone")
	}
	return &cloud.Container{Name: ref, Spec: cloud.Spec{Image: ref}}, nil
}

func TestCheckPlatform(t *testing.T) {
	for p, ok := range map[string]bool{"": true, "linux": true, "windows": false, "linux/s390x": false, "linux/mips": false} {
		if err := checkPlatform(p); (err == nil) != ok {
			t.Errorf("%q: %v", p, err)
		}
	}
}
