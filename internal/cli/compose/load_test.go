package compose

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"

	"github.com/hypercloud/hyper/internal/cli/clouds"
	"github.com/hypercloud/hyper/internal/cli/session"
)

// loaded reads a file named compose.yaml in a directory named shop, with others beside it.
func loaded(t *testing.T, file string, others map[string]string, services ...string) (*types.Project, error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "shop")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range others {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "compose.yaml"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	t.Setenv("COMPOSE_FILE", "")
	t.Setenv(envName, "")
	s, err := session.New(context.Background(), session.Config{Server: clouds.Server{Host: "unix:///nosuch"}, Directory: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	p := &project{session: s, files: list{"compose.yaml"}}
	whole, err := p.load(t.Context())
	if err != nil {
		return nil, err
	}
	return selected(whole, nil, services)
}

// warnings gathers what is warned of.
func warnings(t *testing.T) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	out := logrus.StandardLogger().Out
	logrus.SetOutput(&b)
	t.Cleanup(func() { logrus.SetOutput(out) })
	return &b
}

// Hyper's keys mean the same in all places, and become labels of containers and options of volumes.
func TestKeys(t *testing.T) {
	for name, file := range map[string]string{
		"as such": `
services:
  web: {image: nginx, size: m1, fip: shopip, noauto_volume: true, security_groups: [front, ssh], volumes: ["db:/data"]}
volumes:
  db: {size: 20, snapshot: nightly}`,
		"below x-hyper": `
services:
  web: {image: nginx, x-hyper: {size: m1, fip: shopip, noauto_volume: true, security_groups: [front, ssh]}, volumes: ["db:/data"]}
volumes:
  db: {x-hyper: {size: 20, snapshot: nightly}}`,
		"some here and some there": `
services:
  web: {image: nginx, size: m1, fip: shopip, x-hyper: {size: m1, noauto_volume: "true", security_groups: [front, ssh]}, volumes: ["db:/data"]}
volumes:
  db: {size: "20", driver_opts: {snapshot: nightly}}`,
		"in what is extended, and merged": `
x-all: &all {size: m1}
services:
  web: {<<: *all, extends: {file: base.yaml, service: base}, fip: "${ADDRESS:-shopip}", volumes: ["db:/data"]}
volumes:
  db: {driver_opts: {size: 20, snapshot: nightly}}`,
		"of version 2": `
version: '2'
services:
  web: {image: nginx, size: m1, fip: shopip, noauto_volume: true, security_groups: [front, ssh], volumes: ["db:/data"]}
volumes:
  db: {driver_opts: {size: 20, snapshot: nightly}}`,
	} {
		t.Run(name, func(t *testing.T) {
			base := "services:\n  base: {image: nginx, noauto_volume: true, security_groups: [front, ssh]}\n"
			project, err := loaded(t, file, map[string]string{"base.yaml": base})
			if err != nil {
				t.Fatal(err)
			}
			web := project.Services["web"]
			want := types.Labels{labelSize: "m1", labelNoAuto: "true", labelGroup + "front": "yes", labelGroup + "ssh": "yes"}
			if !maps.Equal(web.Labels, want) || web.CustomLabels[labelFIP] != "shopip" {
				t.Errorf("labels are %v and %v", web.Labels, web.CustomLabels)
			}
			if db := project.Volumes["db"]; db.DriverOpts["size"] != "20" || db.DriverOpts["snapshot"] != "nightly" {
				t.Errorf("the volume's options are %v", db.DriverOpts)
			}
		})
	}
}

func TestBadFiles(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"unknown size":          {"services: {web: {image: nginx, size: xl}}", `service web: there is no size "xl": choose of s1 to s4, m1 to m3 and l1 to l3`},
		"size is no text":       {"services: {web: {image: nginx, size: [s1]}}", "services.web.size must be a string"},
		"unknown key":           {"services: {web: {image: nginx, sise: s1}}", "Unsupported config option for web service: 'sise'"},
		"unknown key below":     {"services: {web: {image: nginx, x-hyper: {sise: s1}}}", `service web: x-hyper has no key "sise": there are fip, noauto_volume, security_groups, size`},
		"two sizes":             {"services: {web: {image: nginx, size: s1, x-hyper: {size: s2}}}", "service web: size is s1, and s2 below x-hyper: leave one of them out"},
		"volume's size":         {"services: {web: {image: nginx}}\nvolumes: {db: {size: 15}}", `volume db: size is "15": it is a number of GB, 10 or more in steps of 10`},
		"size of external":      {"services: {web: {image: nginx}}\nvolumes: {db: {external: true, x-hyper: {size: 20}}}", "volume db: it is external, so its size and its content are not the project's to say"},
		"a slip":                {"services: {web: {image: nginx, link: [db]}}", "Unsupported config option for web service: 'link' (did you mean 'links'?)"},
		"noauto is no boolean":  {"services: {web: {image: nginx, noauto_volume: sometimes}}", `service web: noauto_volume is "sometimes": it is true or false`},
		"one address for two":   {"services: {a: {image: nginx, fip: shopip}, b: {image: nginx, fip: shopip}}", "the services a and b ask for the same floating IP, shopip"},
		"a path of this side":   {"services: {web: {image: nginx, volumes: ['/site:/srv']}}", "service web: /site is a path of this machine, where the container does not run: fill a volume with it ('hyper volume init /site:VOLUME') and mount that at /srv"},
		"a circle":              {"services: {a: {image: nginx, depends_on: [b]}, b: {image: nginx, depends_on: [a]}}", "Cycle detected in path a->b->a"},
		"what cannot be filled": {"services: {web: {image: '${'}}", `Invalid interpolation format for "image" option in service "web": "${"`},

		"2: build":           {"version: '2'\nservices: {web: {build: .}}", "Unsupported config option for web service: 'build'"},
		"2: a slip":          {"version: '2'\nservices: {web: {image: nginx, link: [db]}}", "Unsupported config option for web service: 'link' (did you mean 'links'?)"},
		"2: all at once":     {"version: '2'\nservices: {a: {build: ., volume: [/x]}, 'b c': {image: nginx}, d: {image: nginx, ports: 80}}", "Unsupported config option for a service: 'build'\nUnsupported config option for a service: 'volume' (did you mean 'volumes'?)\nInvalid service name 'b c' - only [a-zA-Z0-9\\._\\-] characters are allowed\nService 'd' configuration key 'ports' contains an invalid type, it should be an array."},
		"2: twice the same":  {"version: '2'\nservices: {web: {image: nginx, links: [db, db]}}", "Service 'web' configuration key 'links' value [db db] has non-unique elements"},
		"2: boolean":         {"version: '2'\nservices: {web: {image: nginx, environment: {A: true}}}", "Service 'web' configuration key 'environment' contains true, which is an invalid type, it should be a string, number, or a null"},
		"2: env_file":        {"version: '2'\nservices: {web: {image: nginx, env_file: a.env}}", "Service 'web' configuration key 'env_file' contains an invalid type, it should be an array."},
		"2: today's key":     {"version: '2'\nservices: {web: {image: nginx, healthcheck: {test: 'true'}}}", "Unsupported config option for web service: 'healthcheck'"},
		"2: extends links":   {"version: '2'\nservices: {a: {image: nginx, links: [c]}, b: {extends: {service: a}}, c: {image: nginx}}", "Cannot extend service 'a' in compose.yaml: services with 'links' cannot be extended"},
		"2: extends nothing": {"version: '2'\nservices: {b: {image: nginx, extends: {service: a}}}", "Failed to find service a to extend"},
		"2: a path":          {"version: '2'\nservices: {web: {image: nginx, volumes: ['/site:/srv']}}", "service web: /site is a path of this machine, where the container does not run: fill a volume with it ('hyper volume init /site:VOLUME') and mount that at /srv"},
		"2: a circle":        {"version: '2'\nservices: {a: {image: nginx, links: [b]}, b: {image: nginx, links: [a]}}", "Cycle detected in path a->b->a"},
		"2: no such section": {"version: '2'\nsecrets: {}\nservices: {web: {image: nginx}}", "Unsupported config option: 'secrets'"},
		"1: no image":        {"web: {image: nginx}\ndb: {command: 'true'}", "Service 'db' has neither an image nor a build path specified. Exactly one must be provided."},
		"1: depends_on":      {"web: {image: nginx, depends_on: [db]}\ndb: {image: mysql}", "Unsupported config option for web service: 'depends_on'"},
	} {
		t.Run(name, func(t *testing.T) {
			warnings(t)
			_, err := loaded(t, c.file, nil)
			if err == nil || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("error is %v\nwant %s", err, c.want)
			}
		})
	}
}

// What a file of version 2 says, in today's words.
func TestVersion2(t *testing.T) {
	warned := warnings(t)
	t.Setenv("FROM_SHELL", "here")
	project, err := loaded(t, `
version: '2'
services:
  web:
    command: run --fast "and loose"
    links: [db:mysql]
    external_links: [other:o]
    ports: ["8080:80", 443]
    expose: [9000]
    environment: {A: 1, B: null, FROM_SHELL: null}
    env_file: [a.env]
    restart: no
    volumes: [/auto, "named:/named:ro", "declared:/declared", "https://example.org/shop.git:release:/src"]
    mem_limit: 64m
    networks: [front]
  db:
    image: mysql
networks: {front: {}}
volumes: {declared: {}}
`, map[string]string{"a.env": "A=2\nC=3\n"})
	if err != nil {
		t.Fatal(err)
	}
	web := project.Services["web"]
	if web.Image != "shop_web" || !slices.Equal(web.Command, []string{"run", "--fast", "and loose"}) || web.NetworkMode != "bridge" || web.Restart != "no" {
		t.Errorf("web is %+v", web)
	}
	if !slices.Equal(web.Links, []string{"db:mysql"}) || !slices.Equal(web.ExternalLinks, []string{"other:o"}) || web.DependsOn["db"].Restart {
		t.Errorf("links are %v, %v; it depends on %v", web.Links, web.ExternalLinks, web.DependsOn)
	}
	env := map[string]string{}
	for k, v := range web.Environment {
		if v != nil {
			env[k] = *v
		}
	}
	if !maps.Equal(env, map[string]string{"A": "1", "C": "3", "FROM_SHELL": "here"}) {
		t.Errorf("the environment is %v", env)
	}
	if len(web.Ports) != 2 || web.Ports[0].Published != "8080" || web.Ports[1].Target != 443 || !slices.Equal(web.Expose, []string{"9000"}) {
		t.Errorf("ports are %v, exposed %v", web.Ports, web.Expose)
	}
	if web.Labels[labelSources] != "https://example.org/shop.git:release:/src" || len(web.Volumes) != 3 || !web.Volumes[1].ReadOnly {
		t.Errorf("volumes are %+v, from addresses %q", web.Volumes, web.Labels[labelSources])
	}
	if project.Volumes["declared"].Name != "declared" || project.Volumes["named"].Name != "named" {
		t.Errorf("volumes are %v", project.Volumes)
	}
	for _, key := range []string{"mem_limit", "networks"} {
		if !strings.Contains(warned.String(), "service web: '"+key+"' is ignored in a file of version 2") {
			t.Errorf("nothing is said of %s: %s", key, warned)
		}
	}
}

// A file without sections has services at its top; ports of it are ignored, as the original did.
func TestVersion1(t *testing.T) {
	warned := warnings(t)
	project, err := loaded(t, "web:\n  image: nginx\n  ports: ['80:80']\n  volumes: ['data:/data']\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	if web := project.Services["web"]; len(web.Ports) != 0 || web.NetworkMode != "bridge" || len(web.Volumes) != 1 || project.Volumes["data"].Name != "data" {
		t.Errorf("web is %+v, volumes %v", web, project.Volumes)
	}
	if !strings.Contains(warned.String(), "service web: 'ports' is ignored in a file of version 1") {
		t.Errorf("warned of %s", warned)
	}
}

// Today's files are the library's, whatever version they claim.
func TestTodaysFiles(t *testing.T) {
	warnings(t)
	for _, version := range []string{"", "version: '3.8'\n", "version: '2.1'\n"} {
		project, err := loaded(t, version+"services:\n  web: {image: nginx, build: ., profiles: [x]}\n  db: {image: 'mysql:${TAG:-8}'}\n", nil)
		if err != nil {
			t.Fatal(err)
		}
		if db := project.Services["db"]; len(project.Services) != 1 || db.Image != "mysql:8" || db.NetworkMode != "" || project.Networks["default"].Name != "shop_default" {
			t.Errorf("%q: %+v in %v", version, project.Services, project.Networks)
		}
	}
	if _, err := loaded(t, "services: {web: {image: nginx, profiles: [x]}}", nil, "web"); err != nil {
		t.Errorf("one that is named: %v", err)
	}
	if _, err := loaded(t, "services: {web: {image: nginx}}", nil, "db"); err == nil || err.Error() != "No such service: db" {
		t.Errorf("error is %v", err)
	}
}

func TestNames(t *testing.T) {
	files := [][]byte{[]byte("name: From-File")}
	t.Chdir(t.TempDir())
	if err := os.Mkdir("My_App", 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir("My_App")
	t.Setenv(envName, "")
	for _, c := range []struct {
		flag, env string
		files     [][]byte
		want      string
	}{
		{"Blue-Green", "other", files, "bluegreen"}, {"", "Other", files, "other"}, {"", "", files, "fromfile"}, {"", "", nil, "myapp"},
	} {
		t.Setenv(envName, c.env)
		p := &project{name: c.flag}
		if got, err := p.nameOf(c.files); err != nil || got != c.want {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
}
