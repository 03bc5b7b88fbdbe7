package server_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// annsProject has one service; its image is pulled already.
const annsProject = `{"ServiceConfigs":{"M":{"web":{"image":"` + annsImage + `","environment":["A=1","B"],"external_links":null}}},
	"VolumeConfigs":null,"NetworkConfigs":{"default":{"Driver":"bridge","DriverOpts":null,"External":false}},"auths":{}}`

func TestComposeStream(t *testing.T) {
	tn := newTown(t)
	code, out := tn.ask("ann", "POST", "/v1.23/compose/up?project=Anns-Project", annsProject)
	same(t, "up", fmt.Sprint(code, " ", out), `200 {"status":"Project [annsproject]: Starting project "}
{"status":"[0/1] [web]: Starting "}
{"status":"[1/1] [web]: Started "}
{"status":"Project [annsproject]: Project started "}
`)
	_, out = tn.ask("ann", "GET", "/v1.23/containers/annsproject-web-1/json", "")
	var c struct{ Config struct{ Env []string } }
	if err := json.Unmarshal([]byte(out), &c); err != nil || strings.Join(c.Config.Env, " ") != "A=1" && !strings.HasSuffix(strings.Join(c.Config.Env, " "), " A=1") {
		t.Errorf("the environment is %q, %v", c.Config.Env, err)
	}
	// What fails after the first line is told in the stream, for the client to fail by.
	broken := strings.Replace(annsProject, annsImage, "no-such-image", 1)
	code, out = tn.ask("ann", "POST", "/v1.23/compose/up?project=other", broken)
	lines := bufio.NewScanner(strings.NewReader(out))
	var last struct {
		ErrorDetail struct{ Message string }
		Error       string
	}
	for lines.Scan() {
		if err := json.Unmarshal(lines.Bytes(), &last); err != nil {
			t.Errorf("%s: %v", lines.Text(), err)
		}
	}
	if code != http.StatusOK || last.Error != "Error: image library/no-such-image not found" || last.ErrorDetail.Message != last.Error {
		t.Errorf("%d %s", code, out)
	}
}

func TestComposeRefusals(t *testing.T) {
	tn := newTown(t)
	for name, tc := range map[string]struct{ call, body, want string }{
		"no body":         {"up?project=x", "", "400 project x has no services: nothing would be made\n"},
		"no project":      {"up", annsProject, "400 the project name \"\" has no letter or digit in it: name the project by -p\n"},
		"a strange type":  {"up?project=x", `{"ServiceConfigs":{"M":{"web":{"ports":"80"}}}}`, "400 invalid JSON"},
		"a named service": {"up?project=x&services=web}{db", annsProject, "404 No such service: db\n"},
		"both flags":      {"up?project=x&forcerecreate=true&norecreate=true", annsProject, "400 no-recreate and force-recreate cannot be combined\n"},
		"rmi":             {"down?project=x&rmi=some", "", "400 rmi with some is not valid: use all or local\n"},
		"seconds":         {"stop?project=x&seconds=soon", "", "400 seconds must be a number, not \"soon\"\n"},
		"a volume option": {"up?project=x", `{"ServiceConfigs":{"M":{"web":{"image":"x"}}},"VolumeConfigs":{"v":{"DriverOpts":{"path":"/etc"}}}}`, "400 volume v has no option \"path\""},
		"an external one": {"up?project=x", `{"ServiceConfigs":{"M":{"web":{"image":"x"}}},"VolumeConfigs":{"v":{"External":{"External":true,"Name":"v"}}}}`, "404 No such volume: v"},
		"a host path":     {"create?project=x", `{"ServiceConfigs":{"M":{"web":{"image":"` + annsImage + `","volumes":["/etc:/x"]}}}}`, "400 Invalid volume specification"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out := tn.ask("ann", "POST", "/v1.23/compose/"+strings.ReplaceAll(tc.call, "}{", "%7D%7B"), tc.body)
			if got := fmt.Sprint(code, " ", out); !strings.HasPrefix(got, tc.want) {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

// Bob can do nothing to Ann's project, and hears of it what he would hear if it were not there.
func TestComposeIsOfOneAccount(t *testing.T) {
	tn := newTown(t)
	if code, out := tn.ask("ann", "POST", "/v1.44/compose/up?project=annsproject", annsProject); code != http.StatusOK {
		t.Fatalf("%d %s", code, out)
	}
	_, before := tn.ask("ann", "GET", "/v1.44/containers/annsproject-web-1/json", "")
	for _, route := range tn.server.Routes() {
		verb, ok := strings.CutPrefix(route.Pattern, "/compose/")
		if !ok {
			continue
		}
		answers := func(who, project string) string {
			body := ""
			if verb == "up" || verb == "create" {
				body = `{"ServiceConfigs":{"M":{"web":{"image":"` + annsImage + `","fip":"` + tn.fip + `"}}}}`
			}
			code, out := tn.ask(who, "POST", "/v1.44/compose/"+verb+"?rmvol=true&rmi=all&rmorphans=true&project="+project, body)
			return fmt.Sprint(code, " ", strings.ReplaceAll(out, project, "PROJECT"))
		}
		if anns, none := answers("", "annsproject"), answers("", "notsproject"); anns != none || !strings.HasPrefix(anns, "401 ") {
			t.Errorf("%s without credentials: %s; of what is not there: %s", verb, anns, none)
		}
		if anns, none := answers("bob", "annsproject"), answers("bob", "notsproject"); anns != none {
			t.Errorf("%s as Bob: %s; of what is not there: %s", verb, anns, none)
		}
	}
	if _, after := tn.ask("ann", "GET", "/v1.44/containers/annsproject-web-1/json", ""); after != before {
		t.Errorf("Ann's container was\n%s, is\n%s", before, after)
	}
	// Bob's own of the same name is his.
	tn.post("bob", "/v1.44/images/create?fromImage="+annsImage+"&tag=latest", "")
	tn.post("bob", "/v1.44/compose/up?project=annsproject", annsProject)
	tn.post("bob", "/v1.44/compose/down?project=annsproject&rmvol=true&rmi=all", "")
	if _, after := tn.ask("ann", "GET", "/v1.44/containers/annsproject-web-1/json", ""); after != before {
		t.Error("Bob's down reaches Ann's container")
	}
}

// post makes a POST as who that has to go well to its end.
func (tn *town) post(who, target, body string) {
	tn.Helper()
	if code, out := tn.ask(who, "POST", target, body); code/100 != 2 || strings.Contains(out, "errorDetail") {
		tn.Fatalf("%s: %d %s", target, code, out)
	}
}
