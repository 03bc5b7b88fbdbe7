package container

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hypercloud/hyper/internal/store"
)

func testImage(change func(*store.Image)) *store.Image {
	img := &store.Image{}
	img.Config.Config.Entrypoint = []string{"docker-entrypoint.sh"}
	img.Config.Config.Cmd = []string{"mysqld"}
	img.Config.Config.Env = []string{"PATH=/bin", "A=image"}
	img.Config.Config.Volumes = map[string]struct{}{"/var/lib/mysql": {}}
	img.Config.Config.ExposedPorts = map[string]struct{}{"3306/tcp": {}}
	if change != nil {
		change(img)
	}
	return img
}

func TestResolveCommand(t *testing.T) {
	for _, tc := range []struct {
		name       string
		entrypoint []string
		cmd        []string
		want       string
	}{
		{"the image's", nil, nil, "docker-entrypoint.sh mysqld"},
		{"the user's command", nil, []string{"bash"}, "docker-entrypoint.sh bash"},
		{"the user's entrypoint drops the image's command", []string{"bash"}, nil, "bash"},
		{"an empty entrypoint drops the image's", []string{""}, []string{"ls"}, "ls"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec, _, err := resolve(&CreateRequest{Image: "mysql", Entrypoint: tc.entrypoint, Cmd: tc.cmd}, testImage(nil))
			if err != nil || strings.Join(spec.Args, " ") != tc.want {
				t.Errorf("%q, %v; want %q", spec.Args, err, tc.want)
			}
		})
	}
}

func TestResolveDefaults(t *testing.T) {
	spec, plans, err := resolve(&CreateRequest{Image: "mysql", Env: []string{"A=user", "B=1", "PATH"}}, testImage(nil))
	if err != nil {
		t.Fatal(err)
	}
	if spec.Size != "s4" || spec.Restart.Name != "no" {
		t.Errorf("size %q, restart %q", spec.Size, spec.Restart.Name)
	}
	if !slices.Equal(spec.Env, []string{"A=user", "B=1"}) {
		t.Errorf("env %q", spec.Env)
	}
	if len(plans) != 1 || plans[0].path != "/var/lib/mysql" || plans[0].volume != "" {
		t.Errorf("plans %+v", plans)
	}
	if len(spec.Published) != 0 || len(spec.Exposed) != 1 {
		t.Errorf("ports %v %v", spec.Published, spec.Exposed)
	}
}

func TestResolveRefuses(t *testing.T) {
	for _, tc := range []struct {
		name string
		req  CreateRequest
		text string
	}{
		{"privileged", CreateRequest{Privileged: true}, "privileged"},
		{"unknown size", CreateRequest{Labels: map[string]string{labelSize: "xxs"}}, `size "xxs" does not exist`},
		{"host path", CreateRequest{Binds: []string{"/etc:/x"}}, "Invalid volume specification"},
		{"bad mode", CreateRequest{Binds: []string{"vv:/x:shared"}}, "Invalid volume specification"},
		{"mount at /proc", CreateRequest{Binds: []string{"vv:/proc/sys"}}, "cannot be mounted at"},
		{"mount at /", CreateRequest{Binds: []string{"vv:/x/.."}}, "cannot be mounted at"},
		{"relative target", CreateRequest{Binds: []string{"vv:x"}}, "not absolute"},
		{"five volumes", CreateRequest{Volumes: []string{"/1", "/2", "/3", "/4"}}, "at most 4"},
		{"two volumes at one place", CreateRequest{Binds: []string{"aa:/x", "bb:/x"}}, "Duplicate mount point"},
		{"bad port", CreateRequest{Ports: []PortRequest{{Private: "0/tcp"}}}, "Invalid containerPort"},
		{"bad public port", CreateRequest{Ports: []PortRequest{{Private: "80", Public: "9-8"}}}, "Invalid hostPort"},
		{"bad protocol", CreateRequest{Ports: []PortRequest{{Private: "80/icmp"}}}, "Invalid proto"},
		{"33 ports", CreateRequest{ExposedPorts: []string{"8000-8031"}, PublishAll: true}, "more than 32 ports are published, a container may publish at most 32"},
		{"public port twice", CreateRequest{Ports: []PortRequest{{Private: "80", Public: "1"}, {Private: "81", Public: "1"}}}, "published twice"},
		{"restart policy", CreateRequest{Restart: store.RestartPolicy{Name: "sometimes"}}, "invalid restart policy"},
		{"retries of always", CreateRequest{Restart: store.RestartPolicy{Name: "always", MaxRetries: 3}}, "maximum restart count not valid"},
		{"rm and restart", CreateRequest{AutoRemove: true, Restart: store.RestartPolicy{Name: "always"}}, "Conflicting options"},
		{"hostname", CreateRequest{Hostname: "a\nb"}, "invalid hostname"},
		{"variable", CreateRequest{Env: []string{"=x"}}, "invalid environment variable"},
		{"working directory", CreateRequest{WorkingDir: "rel"}, "absolute path"},
		{"stop signal", CreateRequest{StopSignal: "SIGNOPE"}, "invalid signal"},
		{"bind of the machine", CreateRequest{Mounts: []MountRequest{{Type: "bind", Source: "/", Target: "/x"}}}, "not offered"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.req.Image = "mysql"
			if _, _, err := resolve(&tc.req, testImage(nil)); err == nil || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("error %v, want %q", err, tc.text)
			}
		})
	}
}

func TestPlanMounts(t *testing.T) {
	for _, tc := range []struct {
		name string
		req  CreateRequest
		want string
	}{
		{"a named volume replaces the image's", CreateRequest{Binds: []string{"data:/var/lib/mysql"}}, "data=/var/lib/mysql"},
		{"a bare path that the image has too is one volume", CreateRequest{Volumes: []string{"/var/lib/mysql/"}}, "=/var/lib/mysql"},
		{"no auto-volumes", CreateRequest{Labels: map[string]string{labelNoAuto: "true"}, Volumes: []string{"/d"}}, "=/d"},
		{"one volume at two places, read-only once", CreateRequest{Binds: []string{"vv:/a", "vv:/b:ro"}, Labels: map[string]string{labelNoAuto: "true"}}, "vv=/a vv=/b:ro"},
		{"outer mounts first", CreateRequest{Binds: []string{"ii:/a/b/c", "oo:/a"}, Labels: map[string]string{labelNoAuto: "true"}}, "oo=/a ii=/a/b/c"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.req.Image = "mysql"
			_, plans, err := resolve(&tc.req, testImage(nil))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range plans {
				s := p.volume + "=" + p.path
				if p.readOnly {
					s += ":ro"
				}
				got = append(got, s)
			}
			if strings.Join(got, " ") != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

func TestResolvePorts(t *testing.T) {
	for _, tc := range []struct {
		name  string
		req   CreateRequest
		image []string
		want  []store.PublishedPort
	}{
		{"the same number by default", CreateRequest{Ports: []PortRequest{{Private: "80/tcp"}}}, nil, []store.PublishedPort{{Port: store.Port{Number: 80, Proto: "tcp"}, Public: 80}}},
		{"first of a range", CreateRequest{Ports: []PortRequest{{Private: "80", Public: "9090-9092"}}}, nil, []store.PublishedPort{{Port: store.Port{Number: 80, Proto: "tcp"}, Public: 9090}}},
		{"publish all under their own numbers", CreateRequest{PublishAll: true}, []string{"53/udp"}, []store.PublishedPort{{Port: store.Port{Number: 53, Proto: "udp"}, Public: 53}}},
		{"one number for tcp and udp", CreateRequest{Ports: []PortRequest{{Private: "80", Public: "8000"}, {Private: "80/udp", Public: "8000"}}}, nil,
			[]store.PublishedPort{{Port: store.Port{Number: 80, Proto: "tcp"}, Public: 8000}, {Port: store.Port{Number: 80, Proto: "udp"}, Public: 8000}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec := Spec{PublishAll: tc.req.PublishAll}
			if err := resolvePorts(&tc.req, tc.image, &spec); err != nil || !slices.Equal(spec.Published, tc.want) {
				t.Errorf("%v %v, want %v", spec.Published, err, tc.want)
			}
		})
	}
}

func TestUsersAreThoseInside(t *testing.T) {
	w := newWorld(t)
	base := strconv.FormatUint(uint64(w.a.HostID()), 10)
	nobody := strconv.FormatUint(uint64(w.a.HostID())+65534, 10)
	p := Processes{Titles: []string{"UID", "PID", "STIME"}, Rows: [][]string{{base, base, "1"}, {nobody, "2", "1"}, {"0", "3", "1"}, {}}}
	p.inside(w.a)
	if got, want := fmt.Sprint(p.Rows), "[[root "+base+" 1] [65534 2 1] [0 3 1] []]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestFilterPS(t *testing.T) {
	out := "UID   PID  PPID CMD\nroot    1     0 init\nroot   42     1 sh -c sleep 5\n"
	p, err := filterPS(out, []int{42})
	if err != nil || len(p.Rows) != 1 || p.Rows[0][3] != "sh -c sleep 5" {
		t.Errorf("%v %v", p, err)
	}
	if _, err := filterPS("CMD\nx\n", nil); err == nil {
		t.Error("no PID column, and no error")
	}
}
