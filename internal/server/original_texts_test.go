package server_test

import (
	"net/http"
	"strings"
	"testing"
)

// The texts that programs of the original's time look for (api 21.2). Below 1.24 they come as they are.
func TestTextsOfTheOriginal(t *testing.T) {
	keys, _ := recordings(t)
	p := newReplay(t, keys)
	p.must("POST", "/v1.23/containers/create?name=linked", `{"Image":"busybox","HostConfig":{"Links":["db:db"]}}`, "")
	p.must("POST", "/v1.23/containers/db/stop", "", "")
	p.must("POST", "/v1.23/volumes/create", `{"Name":"taken"}`, "")
	for name, tc := range map[string]struct {
		call, body string
		status     int
		text       string // the whole of it, or with ... a part
	}{
		"create, unknown image":      {"POST /containers/create", `{"Image":"test456"}`, 404, "No such image: test456:latest"},
		"create, unknown id":         {"POST /containers/create", `{"Image":"sha256:` + nobody + `"}`, 404, "No such image: sha256:" + nobody},
		"rm unknown":                 {"DELETE /containers/unknown", "", 404, "...No such container..."},
		"rm of a running one":        {"DELETE /containers/web", "", 409, "Conflict, You cannot remove a running container..."},
		"a link to unknown":          {"POST /containers/create", `{"Image":"busybox","HostConfig":{"Links":["nobody:x"]}}`, 404, "...No such container..."},
		"a bad name":                 {"POST /containers/web/rename?name=new:invalid", "", 400, "...new:invalid is invalid, should be..."},
		"exec without a command":     {"POST /containers/web/exec", `{"Cmd":[]}`, 400, "...No exec command specified..."},
		"a bad status":               {"GET /containers/json?filters={%22status%22:{%22foo%22:true}}", "", 400, "...Unrecognised filter value for status..."},
		"a volume filter":            {"GET /volumes?filters={%22dangling%22:{%22maybe%22:true}}", "", 400, "...Invalid filter..."},
		"an unknown volume filter":   {"GET /volumes?filters={%22foo%22:{%22bar%22:true}}", "", 400, "...filter..."},
		"a volume's name":            {"POST /volumes/create", `{"Name":"taken","Driver":"hyper"}`, 409, `A volume named "taken" already exists. Choose a different volume name.`},
		"rmi in use":                 {"DELETE /images/busybox", "", 409, "...is using it..."},
		"rmi blank":                  {"DELETE /images/%20", "", 400, "...Invalid empty image name..."},
		"a bad mode":                 {"POST /containers/create", `{"Image":"busybox","HostConfig":{"Binds":["vol:/x:shared"]}}`, 400, "...Invalid volume specification..."},
		"a link to a stopped one":    {"POST /containers/linked/start?checkpoint=", "", 409, "...Cannot link to a non running container..."},
		"pull of scratch":            {"POST /images/create?fromImage=scratch&tag=latest", "", 400, "...'scratch' is a reserved name..."},
		"pull of what is not there":  {"POST /images/create?fromImage=nothere&tag=latest", "", 404, "...Error: image library/nothere not found..."},
		"a group":                    {"PUT /containers/web", `{"AddSecurityGroups":{"none":"yes"}}`, 404, "No such security group: none"},
		"detach of none":             {"POST /fips/disassociate?container=db", "", 409, "...no floating IP..."},
		"release of what is in use":  {"POST /fips/release?ip=203.0.113.7", "", 409, "...in use..."},
		"release of what is none":    {"POST /fips/release?ip=nothing!", "", 400, "...neither an IP address..."},
		"stats of unknown":           {"GET /containers/unknown/stats", "", 404, "...No such container..."},
		"resize of an unknown exec":  {"POST /exec/unknown/resize?h=x&w=y", "", 404, "...No such exec instance..."},
		"a version that is too new":  {"GET /v1.99/info", "", 400, "...too new..."},
		"a checkpoint":               {"POST /containers/web/start?checkpoint=one", "", 501, "...checkpoint..."},
		"kill of one that has ended": {"POST /containers/db/kill?signal=KILL", "", 409, "...is not running..."},
	} {
		t.Run(name, func(t *testing.T) {
			method, target, _ := strings.Cut(tc.call, " ")
			if !strings.HasPrefix(target, "/v1") {
				target = "/v1.23" + target
			}
			status, body := p.ask("ann", method, target, tc.body)
			got, want := strings.TrimSpace(body), tc.text
			match := got == want
			if strings.Contains(want, "...") {
				match = strings.Contains(got, strings.Trim(want, "."))
			}
			if status != tc.status || !match || strings.Contains(got, "unauthorized") {
				t.Errorf("%d %s, want %d %s", status, got, tc.status, want)
			}
		})
	}
	if status, body := p.ask("ann", "POST", "/v1.23/containers/web/exec", ""); status != 500 || !strings.HasPrefix(body, "The server encountered an internal error or misconfiguration") {
		t.Errorf("exec of the wrong type: %d %s", status, body)
	}
}

// A body of null, a doubled slash, no version, an empty checkpoint, a limit of nothing: all of it is said by clients that mean nothing by it (api 4).
func TestOddRequestsOfTheOriginal(t *testing.T) {
	keys, _ := recordings(t)
	p := newReplay(t, keys)
	for _, tc := range []struct {
		call string
		want int
	}{
		{"GET /v1.23/info", 200}, {"GET /v1.23/version", 200}, {"GET /v1.23/volumes", 200}, {"GET /v1.23/snapshots", 200}, {"GET /v1.23/fips", 200},
		{"GET /v1.23/images/json", 200}, {"GET /v1.23/containers/json?all=1&limit=0", 200}, {"GET /v1.23/containers/web/stats?stream=false", 200},
		{"GET /v1.23/containers//web/json", 200}, {"GET /containers/web/json", 200}, {"GET /info", 200}, {"GET /containers//web/json", 200},
		{"POST /v1.23/fips/allocate?count=1", 201}, {"POST /v1.23/fips/disassociate?container=web", 200},
		{"POST /v1.23/fips/associate?ip=203.0.113.7&container=web", 204}, {"POST /v1.23/containers/db/stop", 204}, {"POST /v1.23/containers/db/stop", 304},
		{"POST /v1.23/containers/db/start?checkpoint=", 204}, {"POST /v1.23/containers/db/start", 304}, {"POST /v1.23/containers/db/restart?t=1", 204},
		{"POST /v1.23/containers/db/kill?signal=URG", 204}, {"POST /v1.23/containers/db/kill?signal=PIPE", 204}, {"POST /v1.23/containers/db/resize?h=1&w=1", 200},
		{"DELETE /v1.23/containers/db?force=1&v=1", 200}, {"DELETE /v1.23/volumes/data2", 204},
	} {
		t.Run(tc.call, func(t *testing.T) {
			method, target, _ := strings.Cut(tc.call, " ")
			r := recorded{Case: tc.call, Method: method, Target: target, Body: []byte("null\n"), Framing: "content-length",
				Headers: [][2]string{{"Host", "127.0.0.1:6443"}, {"Content-Type", "application/json"}}}
			resp, body, _ := p.send(r, p.key)
			if resp.StatusCode != tc.want {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
			if s, ok := shapeOf(method, withoutVersion(target)); ok && resp.StatusCode < 300 && strings.HasPrefix(target, "/v1") {
				if err := s.matches(resp, body); err != nil {
					t.Error(err)
				}
			}
		})
	}
	r := recorded{Method: "GET", Target: "/events/ws?filters=x", Headers: [][2]string{{"Host", "h"}, {"Content-Type", "application/json"}}}
	resp, body, _ := p.send(r, p.key)
	if resp.StatusCode != 400 || !strings.HasPrefix(string(body), "invalid filters: ") {
		t.Errorf("a bad filter for the event socket: %d %s", resp.StatusCode, body)
	}
}

// A container with two labels has exactly four (api 6.3).
func TestLabelsOfTheOriginal(t *testing.T) {
	keys, _ := recordings(t)
	p := newReplay(t, keys)
	p.must("POST", "/v1.23/containers/create?name=labelled", `{"Image":"busybox","Labels":{"a":"1","b":"2","sh_hyper_instancetype":"s1"}}`, "")
	var labels map[string]string
	_, body := p.ask("ann", "GET", "/v1.23/containers/labelled/json", "")
	if err := jsonAs(func(v *origContainer) error { labels = v.Config.Labels; return nil })([]byte(body)); err != nil {
		t.Fatal(err)
	}
	same(t, "labels", labels, map[string]string{"a": "1", "b": "2", "sh_hyper_instancetype": "s1", "sh.hyper.fip": ""})
}

// Only who signs and asks for 1.23 gets its share of CPU in hundredths of a percent; what Docker's clients of that version get adds up.
func TestStatsAreForWhoAsks(t *testing.T) {
	keys, _ := recordings(t)
	p := newReplay(t, keys)
	stats := func(target string, signed bool) (out origStats) {
		var body []byte
		if signed {
			r := recorded{Method: "GET", Target: target, Headers: [][2]string{{"Host", "h"}, {"Content-Type", "application/json"}}}
			_, body, _ = p.send(r, p.key)
		} else {
			_, text := p.ask("ann", "GET", target, "")
			body = []byte(text)
		}
		if err := jsonAs(func(v *origStats) error { out = *v; return nil })(body); err != nil {
			t.Fatal(err)
		}
		return out
	}
	p.engine.Burn(500_000_000) // of each second
	if got := stats("/v1.23/containers/web/stats?stream=0", true); got.CPU.Usage.Total < 4500 || got.CPU.Usage.Total > 5100 || got.Previous.Usage.Total != 0 || got.CPU.Usage.PerCPU[0] != got.CPU.Usage.Total {
		t.Errorf("the original's client sees %+v", got.CPU)
	}
	for _, got := range []origStats{stats("/v1.23/containers/web/stats?stream=0", false), stats("/v1.44/containers/web/stats?stream=0", true)} {
		if got.CPU.Usage.Total < 100_000_000 || got.Previous.Usage.Total == 0 {
			t.Errorf("others see %+v, before %+v", got.CPU, got.Previous)
		}
	}
	if status, _ := p.ask("bob", "GET", "/v1.23/containers/web/stats?stream=0", ""); status != http.StatusNotFound {
		t.Errorf("Bob: %d", status)
	}
}
