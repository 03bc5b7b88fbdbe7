package container

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/moby/moby/api/types/container"
)

// The layouts are those of the specification (walkthrough 2.2, cli 3.3), to the last blank.
const (
	mysqlLayout = `
CONTAINER ID        IMAGE               COMMAND                  CREATED             STATUS              PORTS               NAMES               PUBLIC IP
7be0c19d4f3a        mysql               "docker-entrypoint.sh"   12 seconds ago      Up 4 seconds                            mysqldb             
`
	twoLayout = `
CONTAINER ID        IMAGE               COMMAND                  CREATED             STATUS              PORTS                NAMES               PUBLIC IP
7be0c19d4f3a        nginx               "nginx -g 'daemon off"   3 minutes ago       Up 3 minutes        0.0.0.0:80->80/tcp   shop                203.0.113.24
c2d90fa61b37        redis:3             "docker-entrypoint.sh"   About an hour ago   Up About an hour                         cache               
`
	emptyLayout = `
CONTAINER ID        IMAGE               COMMAND             CREATED             STATUS              PORTS               NAMES               PUBLIC IP
`
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func TestPsLayout(t *testing.T) {
	mysql := container.Summary{
		ID: "7be0c19d4f3a5e2288b1460d9a7c3f51e6d2840b9f17ac35528e0d61b4937fa0", Names: []string{"/mysqldb"}, Image: "mysql",
		Command: "docker-entrypoint.sh mysqld", Created: now.Add(-12 * time.Second).Unix(), Status: "Up 4 seconds",
		Ports: []container.PortSummary{{PrivatePort: 3306, Type: "tcp"}}, Labels: map[string]string{"sh.hyper.fip": ""},
	}
	nginx := container.Summary{
		ID: mysql.ID, Names: []string{"/shop"}, Image: "nginx", Command: "nginx -g 'daemon off;'",
		Created: now.Add(-3 * time.Minute).Unix(), Status: "Up 3 minutes",
		Ports:  []container.PortSummary{{IP: netip.MustParseAddr("0.0.0.0"), PrivatePort: 80, PublicPort: 80, Type: "tcp"}},
		Labels: map[string]string{"sh.hyper.fip": "203.0.113.24"},
	}
	redis := container.Summary{
		ID: "c2d90fa61b37aaaa", Names: []string{"/cache", "/web/redis"}, Image: "redis:3", Command: "docker-entrypoint.sh redis-server",
		Created: now.Add(-time.Hour).Unix(), Status: "Up About an hour",
	}
	for name, c := range map[string]struct {
		containers []container.Summary
		want       string
	}{
		"one container of the walkthrough": {[]container.Summary{mysql}, mysqlLayout},
		"a published port and an address":  {[]container.Summary{nginx, redis}, twoLayout},
		"nothing but the header":           {nil, emptyLayout},
	} {
		t.Run(name, func(t *testing.T) {
			got := render(t, "", false, false, c.containers...)
			if want := c.want[1:]; got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

func TestPsFormats(t *testing.T) {
	c := container.Summary{
		ID: "7be0c19d4f3a5e2288b1460d9a7c3f51", Names: []string{"/shop"}, Image: "nginx", Command: "nginx -g 'daemon off;'",
		Created: now.Add(-3 * time.Minute).Unix(), Status: "Up 3 minutes", SizeRw: 2e6, SizeRootFs: 183e6,
		Labels: map[string]string{"a": "1", "team.web": "blue", "sh.hyper.fip": "203.0.113.24"},
	}
	for name, tc := range map[string]struct {
		format        string
		quiet, noTrim bool
		want          string
	}{
		"quiet":               {quiet: true, want: "7be0c19d4f3a\n"},
		"quiet and whole":     {quiet: true, noTrim: true, want: "7be0c19d4f3a5e2288b1460d9a7c3f51\n"},
		"template":            {format: "{{.Names}} {{.PublicIP}}", want: "shop 203.0.113.24\n"},
		"size in a template":  {format: "{{.Size}}", want: "2 MB (virtual 183 MB)\n"},
		"label":               {format: `{{.Label "a"}}`, want: "1\n"},
		"table with template": {format: `table {{.Names}}\t{{.Label "team.web"}}`, want: "NAMES               WEB\nshop                blue\n"},
		"whole command":       {format: "{{.Command}}", noTrim: true, want: "\"nginx -g 'daemon off;'\"\n"},
		"labels":              {format: "{{.Labels}}", want: "a=1,sh.hyper.fip=203.0.113.24,team.web=blue\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := render(t, tc.format, tc.quiet, tc.noTrim, c); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func render(t *testing.T, format string, quiet, noTrunc bool, containers ...container.Summary) string {
	t.Helper()
	var rows []psRow
	for _, c := range containers {
		rows = append(rows, psRowOf(c, strings.Contains(format, ".Size"), noTrunc, now))
	}
	var b strings.Builder
	if err := listing.Write(&b, psListing(false), format, quiet, rows); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPublishedPorts(t *testing.T) {
	port := func(public, private uint16, proto string) container.PortSummary {
		return container.PortSummary{IP: netip.MustParseAddr("0.0.0.0"), PrivatePort: private, PublicPort: public, Type: proto}
	}
	for name, c := range map[string]struct {
		ports []container.PortSummary
		want  string
	}{
		"none":                       {nil, ""},
		"exposed only":               {[]container.PortSummary{port(0, 3306, "tcp")}, ""},
		"one":                        {[]container.PortSummary{port(8080, 80, "tcp")}, "0.0.0.0:8080->80/tcp"},
		"equal ones collapse":        {[]container.PortSummary{port(82, 82, "tcp"), port(80, 80, "tcp"), port(81, 81, "tcp")}, "0.0.0.0:80-82->80-82/tcp"},
		"unequal ones do not":        {[]container.PortSummary{port(9801, 81, "tcp"), port(9800, 80, "tcp")}, "0.0.0.0:9800->80/tcp, 0.0.0.0:9801->81/tcp"},
		"a gap ends a range":         {[]container.PortSummary{port(80, 80, "tcp"), port(82, 82, "tcp")}, "0.0.0.0:80->80/tcp, 0.0.0.0:82->82/tcp"},
		"each protocol of its own":   {[]container.PortSummary{port(53, 53, "udp"), port(53, 53, "tcp"), port(54, 54, "tcp")}, "0.0.0.0:53-54->53-54/tcp, 0.0.0.0:53->53/udp"},
		"one port under two numbers": {[]container.PortSummary{port(9200, 80, "tcp"), port(9100, 80, "tcp")}, "0.0.0.0:9100->80/tcp, 0.0.0.0:9200->80/tcp"},
		"no address":                 {[]container.PortSummary{{PrivatePort: 80, PublicPort: 80, Type: "tcp"}}, "0.0.0.0:80->80/tcp"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := publishedPorts(c.ports); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
