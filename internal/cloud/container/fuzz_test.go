package container

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/engine"
	"github.com/hypercloud/hyper/internal/store"
)

// invalid sees that an error is the user's fault, and says something.
func invalid(t *testing.T, err error) {
	t.Helper()
	if !errdefs.IsInvalidArgument(err) && !errdefs.IsPermissionDenied(err) && !errdefs.IsNotImplemented(err) || strings.TrimSpace(err.Error()) == "" {
		t.Errorf("%q is not for the user", err)
	}
}

// A port is what it is written as; a range holds its ends, and nothing outside of what ports can be.
func FuzzPort(f *testing.F) {
	for _, seed := range [][2]string{
		{"80", ""}, {"80/tcp", "8080"}, {"80/UDP", "8000-8010"}, {"0", "0"}, {"65536", "65535"}, {"80-90/sctp", "9-8"}, {"-1", "-1"}, {"80/", "80-"}, {"/tcp", "-80"}, {"+80", "+80"}, {"1-2-3", "1-2-3"}, {"80/tcp/udp", " 80"}, {"٣", "1e2"}, {"080", "00"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, private, public string) {
		if p, err := parsePort(private); err != nil {
			invalid(t, err)
		} else {
			again, err := parsePort(fmt.Sprintf("%d/%s", p.Number, p.Proto))
			if err != nil || again != p || p.Number == 0 || !slices.Contains([]string{"tcp", "udp", "sctp"}, p.Proto) {
				t.Errorf("%q is %v, and again %v (%v)", private, p, again, err)
			}
			n, err := parsePublic(public, p.Number)
			if err != nil {
				invalid(t, err)
			} else if again, err := parsePublic(fmt.Sprint(n), p.Number); n == 0 || err != nil || again != n {
				t.Errorf("%q is %d, and again %d (%v)", public, n, again, err)
			}
		}
		s, err := parseExposed(private)
		if err != nil {
			invalid(t, err)
			return
		}
		again, err := parseExposed(fmt.Sprintf("%d-%d/%s", s.first, s.last, s.proto))
		if err != nil || again != s || s.first == 0 || s.last < s.first || !s.has(store.Port{Number: s.last, Proto: s.proto}) {
			t.Errorf("%q is %v, and again %v (%v)", private, s, again, err)
		}
	})
}

// A volume is mounted at a clean absolute path that is not the kernel's, and what it is named by is a name or an address, and never a path of the server's.
func FuzzBind(f *testing.F) {
	for _, seed := range []string{
		"/data", "v1:/data", "v1:/data:ro", "v1:/data:ro,nocopy", "/etc:/etc", "../x:/y", "~/x:/y", "v1:data", "v1:/proc/x", "v1:/x/../proc", "v1:/", ":/x", "v1:", "::", "https://h/f:/x", "http://h.git:b:/x", "git://h/r:/x",
		"https://h//f", "v1:/a:rw:z", "v1://x//y/", "v1:/\x00", "v1:/x\n", "https://:/x", "http://:", "git://", "C:\\x:/y", "v1:/dev/shm", "v1:/sys",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parseBind(text)
		if err != nil {
			invalid(t, err)
			return
		}
		if !path.IsAbs(p.path) || path.Clean(p.path) != p.path || p.path == "/" || p.path == "/proc" || strings.HasPrefix(p.path, "/proc/") || p.path == "/sys" || strings.HasPrefix(p.path, "/sys/") || p.path == "/dev" {
			t.Errorf("%q is mounted at %q", text, p.path)
		}
		if p.volume != "" && (strings.ContainsAny(p.volume, "/\\:~ \x00\n") || p.volume[0] == '.' || p.source != "") {
			t.Errorf("%q mounts the volume %q", text, p.volume)
		}
		if strings.ContainsRune(p.path, 0) {
			t.Errorf("%q has a zero byte in its path", text)
		}
		again := p.path
		switch {
		case p.source != "":
			again = p.source + ":" + p.path
		case p.volume != "":
			again = p.volume + ":" + p.path
			if p.mode != "" {
				again += ":" + p.mode
			}
		}
		if q, err := parseBind(again); err != nil || q != p {
			t.Errorf("%q is %+v, and %q is %+v (%v)", text, p, again, q, err)
		}
	})
}

// A link's alias is fit for a line of /etc/hosts and for the name of a variable.
func FuzzLink(f *testing.F) {
	for _, seed := range []string{"db", "db:mysql", "/db:/web/mysql", "db:", ":x", "db:a b", "db:a\n1.2.3.4 evil", "db:a:b", "//", "db:/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		target, alias, err := parseLink(text)
		if err != nil {
			invalid(t, err)
			return
		}
		if target == "" || alias == "" || strings.ContainsAny(alias, " \t\r\n\x00=/:#") {
			t.Errorf("%q links %q as %q", text, target, alias)
		}
		if tt, aa, err := parseLink(target + ":" + alias); err != nil || tt != target || aa != alias {
			t.Errorf("%q links %q as %q, and again %q as %q (%v)", text, target, alias, tt, aa, err)
		}
	})
}

// Names of containers, and host names, stand in files and in names of files.
func FuzzName(f *testing.F) {
	for _, seed := range []string{"web", "a", "", "..", "a/b", "a\n", "-a", strings.Repeat("x", 48), strings.Repeat("x", 49), "é", "a\x00"} {
		f.Add(seed, "")
	}
	f.Add("h", "example.com")
	f.Add("h.", ".")
	f.Fuzz(func(t *testing.T, name, domain string) {
		if err := ValidName(name); err != nil {
			invalid(t, err)
		} else if len(name) == 0 || len(name) > 48 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != "" || strings.ContainsAny(name[:1], "_.-") {
			t.Errorf("%q is taken", name)
		}
		if err := checkHostname(name, domain); err != nil {
			invalid(t, err)
		} else if len(name)+len(domain) > maxHostname || strings.ContainsAny(name+domain, " \t\r\n\x00/#") {
			t.Errorf("the host name %q in %q is taken", name, domain)
		}
	})
}

// Whatever a request and an image say together: what comes of it obeys the rules, and nobody speaks for the platform but by its labels.
func FuzzResolve(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"Image":"a","Cmd":["x"]}`, `{}`},
		{`{"Cmd":["x"],"Labels":{"sh_hyper_instancetype":"m1","sh_hyper_sg_a":"yes","sh.hyper.fip":"1.2.3.4","k":"v"}}`, `{"Labels":{"sh_hyper_container_protection":"true","sh.hyper.x":"y","k":"w"}}`},
		{`{"Ports":[{"Private":"80/tcp","Public":"1-9"},{"Private":"80"}],"PublishAll":true,"ExposedPorts":["1-40/udp"]}`, `{"Cmd":["x"],"ExposedPorts":{"80/tcp":{}}}`},
		{`{"Cmd":["x"],"Restart":{"Name":"on-failure","MaxRetries":3},"AutoRemove":true}`, `{}`},
		{`{"Cmd":["x"],"Healthcheck":{"Test":["CMD","x"],"Interval":1000000,"Retries":-1}}`, `{}`},
		{`{"Cmd":["x"],"Healthcheck":{"Test":["NONE"]}}`, `{}`},
		{`{"Cmd":["x"],"Env":["A=1","A","=","B=\u0000"]}`, `{"Env":["A=2","A=3"]}`},
		{`{"Cmd":["x"],"Binds":["v1:/a","v1:/b","/c"],"Mounts":[{"Type":"volume","Target":"/d"},{"Type":"tmpfs","Target":"../x"}],"Volumes":["/a"]}`, `{"Volumes":{"/e":{},"/x":{}}}`},
		{`{"Entrypoint":[""],"StopSignal":"SIGKILL","WorkingDir":"x"}`, `{"Cmd":["y"]}`},
		{`{"Cmd":["x"],"Restart":{"Name":"always","MaxRetries":-2147483648}}`, `{}`},
		{`{"Cmd":["x"],"DNSSearch":["a\nb"],"DNSOptions":["ndots:1"]}`, `{}`},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, request, config []byte) {
		var req CreateRequest
		img := &store.Image{}
		if json.Unmarshal(request, &req) != nil || json.Unmarshal(config, &img.Config.Config) != nil || json.Unmarshal(config, &img.Docker) != nil {
			return
		}
		spec, plans, err := resolve(&req, img)
		if err != nil {
			invalid(t, err)
			return
		}
		for k := range spec.Labels {
			if platformLabel(k) && req.Labels[k] == "" {
				t.Errorf("the image has set %s", k)
			}
		}
		for label, set := range map[string]bool{labelProtection: spec.Protection, labelNoAuto: spec.NoAutoVolume, LabelFIP: spec.FIP.Asked != ""} {
			if set && req.Labels[label] == "" {
				t.Errorf("%s is in force, and was not asked for", label)
			}
		}
		if _, ok := sizes[spec.Size]; !ok {
			t.Errorf("the size %q", spec.Size)
		}
		if len(spec.Args) == 0 || spec.Args[0] == "" {
			t.Error("there is no command")
		}
		public := map[string]bool{}
		for _, p := range spec.Published {
			key := fmt.Sprint(p.Public, p.Proto)
			if p.Number == 0 || p.Public == 0 || public[key] || !slices.Contains(spec.Exposed, p.Port) {
				t.Errorf("published: %+v", p)
			}
			public[key] = true
		}
		if len(spec.Published) > maxPublished || !slices.Equal(spec.Exposed, sortPorts(slices.Clone(spec.Exposed))) {
			t.Errorf("%d ports are published; exposed: %v", len(spec.Published), spec.Exposed)
		}
		seen, volumes := map[string]bool{}, map[string]bool{}
		n := 0
		for _, p := range plans {
			if seen[p.path] {
				t.Errorf("two mounts at %s", p.path)
			}
			if seen[p.path] = true; p.volume == "" || !volumes[p.volume] {
				n++
			}
			volumes[p.volume] = true
		}
		if n > maxVolumes {
			t.Errorf("%d volumes", n)
		}
		switch r := spec.Restart; {
		case !slices.Contains([]string{"no", "always", "unless-stopped", "on-failure"}, r.Name), r.MaxRetries < 0, r.MaxRetries > 0 && r.Name != "on-failure", r.Name != "no" && spec.AutoRemove:
			t.Errorf("the restart policy %+v", r)
		}
		if h := spec.Healthcheck; h != nil {
			for _, d := range []time.Duration{h.Interval, h.Timeout, h.StartPeriod, h.StartInterval} {
				if d != 0 && d < time.Millisecond || h.Retries < 0 || len(h.Test) < 2 {
					t.Errorf("the health check %+v", h)
				}
			}
		}
		for _, kv := range spec.Env {
			if k, _, set := strings.Cut(kv, "="); k == "" || strings.ContainsRune(kv, 0) || !set && !slices.Contains(img.Config.Config.Env, kv) {
				t.Errorf("the variable %q", kv)
			}
		}
		for _, dir := range append(slices.Clone(spec.DNSSearch), spec.Hostname, spec.Domainname) {
			if strings.ContainsAny(dir, "\n\x00 ") {
				t.Errorf("%q goes into a file", dir)
			}
		}
		text, err := json.Marshal(spec)
		if err != nil || len(text) > maxSpec {
			t.Errorf("%d bytes, %v", len(text), err)
		}
		var again Spec
		if err := json.Unmarshal(text, &again); err != nil {
			t.Errorf("what is stored cannot be read again: %v", err)
		}
	})
}

// Instructions change a config, or are refused, within bounds.
func FuzzChanges(f *testing.F) {
	for _, seed := range []string{
		"CMD x", `CMD ["a","b"]`, "ENV A=1 B=$A", "ENV A=${A//a/b}", "EXPOSE 80 90-99/udp", "LABEL a=b", "USER x", "VOLUME /a /b", `VOLUME ["/a"]`, "WORKDIR ../x", "ONBUILD RUN x", "HEALTHCHECK --interval=1s CMD x", "HEALTHCHECK NONE",
		"SHELL [\"a\"]", "STOPSIGNAL 9", "RUN x", "CMD <<X\ny\nX", "# escape=`\nENV A=`", "ENTRYPOINT", "ENV A", "ENV A=$A$A\nENV A=$A$A", "ENV A=${B:-${C:+x}}", "EXPOSE $P", "LABEL $A=x", "FROM x", "\\\n", "ENV A=${A#*}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := ocispec.ImageConfig{Env: []string{"PATH=/bin", "A=" + strings.Repeat("a", 100)}}
		var d engine.DockerConfig
		if err := applyChanges(&c, &d, []string{text}); err != nil {
			invalid(t, err)
			return
		}
		if c.WorkingDir != "" && (!path.IsAbs(c.WorkingDir) || path.Clean(c.WorkingDir) != c.WorkingDir) {
			t.Errorf("the directory %q", c.WorkingDir)
		}
		for p := range c.ExposedPorts {
			if _, err := parsePort(p); err != nil {
				t.Errorf("the port %q: %v", p, err)
			}
		}
		size := 0
		for _, kv := range c.Env {
			size += len(kv)
		}
		for k, v := range c.Labels {
			size += len(k) + len(v)
		}
		if size > maxChanges+2*maxExpansion {
			t.Errorf("it has become %d bytes", size)
		}
	})
}

// A filter picks containers or is refused.
func FuzzFilter(f *testing.F) {
	for _, seed := range [][2]string{{"name", "^w"}, {"name", "("}, {"id", "1"}, {"label", "a=b"}, {"status", "running"}, {"status", "x"}, {"exited", "0"}, {"exited", "x"}, {"publish", "1-65535"}, {"expose", "x"}, {"health", "none"}, {"is-task", "x"}, {"x", "y"}, {"volume", "/a"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		s := &Service{}
		if key == "ancestor" || key == "since" || key == "before" || key == "network" {
			return // these look into the store at once
		}
		m, err := s.matcher(nil, account.Ref{}, key, value)
		if err != nil {
			invalid(t, err)
			return
		}
		if key == "label" || key == "volume" || key == "health" {
			return
		}
		_ = m(s, nil, account.Ref{}, &Container{Name: "web", Spec: Spec{Exposed: []store.Port{{Number: 80, Proto: "tcp"}}}})
	})
}
