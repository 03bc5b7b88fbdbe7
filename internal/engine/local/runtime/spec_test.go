package runtime

import (
	"encoding/json"
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/engine"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The file systems of a container, as a person would want to read them.
func TestMountsGolden(t *testing.T) {
	got, err := mounts(engine.RunSpec{
		ShmSize: 1 << 20, Tmpfs: map[string]string{"/run": "", "/cache": "exec,size=10m"},
		Mounts: []engine.Mount{
			{Source: "/host/volumes/b", Destination: "/var/lib/mysql/log", IDMap: true},
			{Source: "/host/volumes/a", Destination: "/var/lib/mysql", IDMap: true, ReadOnly: true},
			{Source: "/host/hosts", Destination: "/etc/hosts"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/mounts.json"
	raw = append(raw, '\n')
	if *update {
		if err := os.WriteFile(golden, raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(want) != string(raw) {
		t.Errorf("%v: the mounts are\n%s", err, raw)
	}
}

func TestCapabilities(t *testing.T) {
	for _, c := range []struct {
		name      string
		add, drop []string
		has, not  []string
		refused   bool
	}{
		{name: "default", has: defaultCapabilities},
		{name: "drop one", drop: []string{"net_raw"}, has: []string{"CAP_CHOWN"}, not: []string{"CAP_NET_RAW"}},
		{name: "drop all but one", drop: []string{"ALL"}, add: []string{"CAP_KILL"}, has: []string{"CAP_KILL"}, not: []string{"CAP_CHOWN"}},
		{name: "add one", add: []string{"sys_ptrace"}, has: []string{"CAP_SYS_PTRACE", "CAP_CHOWN"}},
		{name: "add one of the default", add: []string{"CHOWN"}, has: []string{"CAP_CHOWN"}},
		{name: "add what mounts", add: []string{"SYS_ADMIN"}, refused: true},
		{name: "add what loads modules", add: []string{"CAP_SYS_MODULE"}, refused: true},
		{name: "add what touches hardware", add: []string{"sys_rawio"}, refused: true},
		{name: "add what sets the clock", add: []string{"SYS_TIME"}, refused: true},
		{name: "add all", add: []string{"ALL"}, refused: true},
		{name: "add nonsense", add: []string{"FLY"}, refused: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := capabilities(c.add, c.drop)
			if c.refused {
				if !errdefs.IsInvalidArgument(err) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range c.has {
				if !slices.Contains(got.Bounding, h) {
					t.Errorf("%s is missing", h)
				}
			}
			for _, n := range c.not {
				if slices.Contains(got.Bounding, n) {
					t.Errorf("%s is there", n)
				}
			}
			if len(got.Ambient)+len(got.Inheritable) > 0 {
				t.Error("capabilities would be inherited by what is not root")
			}
		})
	}
}

func TestResources(t *testing.T) {
	r := resources(engine.Limits{CPUs: 2, Memory: 512 << 20})
	if *r.CPU.Quota != 200000 || *r.CPU.Period != 100000 || *r.Memory.Limit != 512<<20 || *r.Pids.Limit != limitProcesses {
		t.Errorf("got %+v", r)
	}
	if swapBounded() && *r.Memory.Swap != *r.Memory.Limit {
		t.Error("swap may be used on top of memory")
	}
	if r := resources(engine.Limits{Pids: 5}); *r.Pids.Limit != 5 || r.CPU != nil || r.Memory != nil {
		t.Errorf("got %+v", r)
	}
	if len(r.Devices) != 1 || r.Devices[0].Allow {
		t.Errorf("devices %+v", r.Devices)
	}
}

func TestErrorsOfRunc(t *testing.T) {
	spec := engine.RunSpec{Mounts: []engine.Mount{{Source: "/", Destination: "/data"}}}
	spec.WorkingDir = "/proc/self/fd/7"
	const root = "/var/lib/hyper/run/containerd/io.containerd.runtime.v2.task/0123456789abcdef0123456789abcdef/3ed19015/rootfs"
	const create = "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: "
	for _, c := range []struct{ name, text, want string }{
		{"not found", create + `exec: "x": executable file not found in $PATH: unknown`, `exec: "x": executable file not found in $PATH`},
		{"mount", create + `error mounting "/" to rootfs at "/data": mount src=/, dst=/data: not a directory: unknown`, "a volume cannot be mounted at /data: the image has a file there"},
		{"kernel's", create + `error mounting "/" to rootfs at "/data": check proc-safety of /data mount: "/proc/x" cannot be mounted because it is inside /proc: unknown`, "a volume cannot be mounted at /data: that belongs to the kernel"},
		{"kernel's by a link", create + `error mounting "/" to rootfs at "/data": "` + root + `/proc" cannot be mounted because it is not of type proc: unknown`, "a volume cannot be mounted at /data: that belongs to the kernel"},
		{"no place", create + `error mounting "proc" to rootfs at "/proc": "` + root + `/proc" is none: unknown`, `the container's file systems cannot be mounted: "proc" to rootfs at "/proc": "/proc" is none`},
		{"devices", create + `configuring container /dev: error setting up ptmx: unlinkat ` + root + `/dev/ptmx: is a directory: unknown`, "the container's devices cannot be made: error setting up ptmx: unlinkat /dev/ptmx: is a directory"},
		{"terminal", create + "verify ptmx handle: ptmx handle is not on a real devpts mount: super magic is 0xef53: unknown", "the container's devices cannot be made: ptmx handle is not on a real devpts mount: super magic is 0xef53"},
		{"directory of the machine", create + "current working directory is outside of container mount namespace root -- possible container breakout detected: unknown", `the working directory "/proc/self/fd/7" is not in the container`},
		{"full", "failed to create shim task: mkdir /x: no space left on device: unknown", "the container cannot be started: the machine's disk is full"},
	} {
		err := startError(spec, textError(c.text))
		if theirs := c.name != "not found" && c.name != "full"; theirs && !errdefs.IsInvalidArgument(err) {
			t.Errorf("%s: it is said to be the machine's fault", c.name)
		}
		if got := err.Error(); got != c.want {
			t.Errorf("%s: %s", c.name, got)
		}
	}
	const text = "OCI runtime exec failed: exec failed: unable to start container process: current working directory is outside of container mount namespace root -- possible container breakout detected"
	if err := execError(textError(text)); !errdefs.IsInvalidArgument(err) || err.Error() != "exec failed: the working directory is not in the container" {
		t.Error(err)
	}
}

type textError string

func (e textError) Error() string { return string(e) }
