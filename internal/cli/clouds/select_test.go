package clouds

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hypercloud/hyper/internal/signature"
)

const local = "unix:///run/hyper/hyper.sock"

// load is a configuration with that section "clouds".
func load(t *testing.T, section string) *File {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"clouds": `+section+`}`), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestSelect(t *testing.T) {
	const (
		original = `"tcp://*.hyper.sh:443": {"accesskey": "W", "secretkey": "w", "region": "eu-central-1"}`
		exact    = `"tcp://10.1.2.3:6443": {"accesskey": "E", "secretkey": "e", "region": "home-1", "names": ["home"]}`
		family1  = `"tcp://*.example.org:6443": {"accesskey": "F", "secretkey": "f"}`
		family2  = `"tcp://*.example.net:6443": {"accesskey": "G", "secretkey": "g", "names": ["net-1"]}`
	)
	for name, c := range map[string]struct {
		section, named                string
		wantHost, wantAccess, wantReg string
	}{
		"nothing named, nothing there":        {`{}`, "", local, "", "us-west-1"},
		"nothing named, the original's":       {`{` + original + `}`, "", "tcp://eu-central-1.hyper.sh:443", "W", "eu-central-1"},
		"nothing named, no default":           {`{` + exact + `}`, "", local, "", "us-west-1"},
		"nothing named, a default":            {`{` + original + `,"tcp://h:1": {"accesskey": "D", "default": true}}`, "", "tcp://h:1", "D", "us-west-1"},
		"nothing named, a default family":     {`{"tcp://*.h:1": {"accesskey": "D", "default": true, "region": "r1"}}`, "", "tcp://r1.h:1", "D", "r1"},
		"nothing named, the oldest clients'":  {`{"tcp://us-west-1.hyper.sh:443": {"accesskey": "L"}}`, "", "tcp://us-west-1.hyper.sh:443", "L", "us-west-1"},
		"an address with an entry":            {`{` + original + `,` + exact + `}`, "tcp://10.1.2.3:6443", "tcp://10.1.2.3:6443", "E", "home-1"},
		"an address with a slash":             {`{` + exact + `}`, "tcp://10.1.2.3:6443/", "tcp://10.1.2.3:6443/", "E", "home-1"},
		"an address with a path":              {`{` + exact + `}`, "tcp://10.1.2.3:6443/base", "tcp://10.1.2.3:6443/base", "spare", "us-west-1"},
		"an entry without a region":           {`{"tcp://h:1": {"accesskey": "N", "secretkey": "n"}}`, "tcp://h:1", "tcp://h:1", "N", "us-west-1"},
		"an address without an entry":         {`{` + original + `}`, "tcp://h:1", "tcp://h:1", "spare", "us-west-1"},
		"a socket has no keys":                {`{` + original + `}`, "unix:///s", "unix:///s", "", "us-west-1"},
		"an IPv6 address":                     {`{}`, "tcp://[::1]:6443", "tcp://[::1]:6443", "spare", "us-west-1"},
		"a name of the original service":      {`{` + original + `,` + exact + `}`, "us-west-1", "tcp://us-west-1.hyper.sh:443", "W", "us-west-1"},
		"that has an entry of its own":        {`{"tcp://r1.hyper.sh:443": {"accesskey": "X", "region": "other"}}`, "r1", "tcp://r1.hyper.sh:443", "X", "r1"},
		"a name without any entry":            {`{}`, "r1", "tcp://r1.hyper.sh:443", "spare", "r1"},
		"a name of an entry":                  {`{` + original + `,` + exact + `,` + family1 + `}`, "home", "tcp://10.1.2.3:6443", "E", "home-1"},
		"a name of the operator's family":     {`{` + original + `,` + family1 + `}`, "r1", "tcp://r1.example.org:6443", "F", "r1"},
		"a name that one of two families has": {`{` + family1 + `,` + family2 + `}`, "net-1", "tcp://net-1.example.net:6443", "G", "net-1"},
		"the section is null":                 {`null`, "r1", "tcp://r1.hyper.sh:443", "spare", "r1"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := load(t, c.section).Select(c.named, signature.Key{Access: "spare", Secret: "s"}, local)
			if err != nil || s.Host != c.wantHost || s.Key.Access != c.wantAccess || s.Region != c.wantReg {
				t.Errorf("got %+v, %v, want %s, key %q, region %s", s, err, c.wantHost, c.wantAccess, c.wantReg)
			}
		})
	}
	t.Run("two families", func(t *testing.T) {
		_, err := load(t, `{`+family1+`,`+family2+`}`).Select("r1", signature.Key{}, local)
		if err == nil || !strings.Contains(err.Error(), "tcp://*.example.net:6443 and tcp://*.example.org:6443: give its address") {
			t.Errorf("got %v", err)
		}
	})
}

func TestWhatIsNoServerIsRefused(t *testing.T) {
	for _, named := range []string{"127.0.0.1:6443", "a/b", "-r", "../x", "tcp://", "tcp://:6443", "http://h:1", "https://h:1", "ssh://h", "tcp://user:secret@h:1", "tcp://h:1?x=1"} {
		if s, err := load(t, `{}`).Select(named, signature.Key{}, local); err == nil {
			t.Errorf("%q is %+v", named, s)
		}
	}
}

func TestEndpoint(t *testing.T) {
	for host, want := range map[string][2]string{
		"tcp://h:6443":        {"h:6443", ""},
		"tcp://h":             {"h:443", ""},
		"tcp://[::1]:6443/a/": {"[::1]:6443", "/a"},
		"tcp://h/base/path/":  {"h:443", "/base/path"},
	} {
		address, base, err := Server{Host: host}.Endpoint()
		if err != nil || address != want[0] || base != want[1] {
			t.Errorf("%s is %s and %q, %v", host, address, base, err)
		}
	}
}
