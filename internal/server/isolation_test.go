package server_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/account"
	"github.com/hypercloud/hyper/internal/cloud/accounts"
	"github.com/hypercloud/hyper/internal/cloud/budget"
	"github.com/hypercloud/hyper/internal/cloud/build"
	"github.com/hypercloud/hyper/internal/cloud/compose"
	"github.com/hypercloud/hyper/internal/cloud/container"
	"github.com/hypercloud/hyper/internal/cloud/event"
	"github.com/hypercloud/hyper/internal/cloud/fip"
	"github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/cloud/network"
	"github.com/hypercloud/hyper/internal/cloud/secgroup"
	"github.com/hypercloud/hyper/internal/cloud/snapshot"
	"github.com/hypercloud/hyper/internal/cloud/system"
	"github.com/hypercloud/hyper/internal/cloud/usage"
	"github.com/hypercloud/hyper/internal/cloud/volume"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/fetch"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server"
	"github.com/hypercloud/hyper/internal/server/auth"
	"github.com/hypercloud/hyper/internal/server/docker"
	"github.com/hypercloud/hyper/internal/store"
)

// town is a server with the real rules, on an engine without a machine, and two accounts: a token is the name of its account.
type town struct {
	*testing.T
	engine   *fake.Engine
	store    *store.Store
	server   *server.Server
	office   *server.Server // the same, where everybody is the operator: see operator
	accounts map[string]account.Ref
	secrets  map[string]string // of Ann's keys
	now      atomic.Int64      // Unix seconds; 0: the clock's
	// what Ann has
	container, exec, image, network, snapshot, fip string
	access, serial                                 string // of her credential and certificate
}

// The names are as long as those of nobody, so that an answer that repeats a name has the same length for both.
const (
	annsContainer = "anns-container"
	annsVolume    = "anns-volume"
	annsImage     = "anns-image"
	annsToken     = "anns-token"
	annsNetwork   = "anns-network"
	annsSnapshot  = "anns-snapshot"
	annsGroup     = "anns-group"
	annsPeers     = "anns-peers" // a group that a rule names
)

func newTown(t *testing.T) *town {
	t.Helper()
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	st, err := store.Open(filepath.Join(dir, "hyper.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	tn := &town{T: t, store: st, accounts: map[string]account.Ref{}}
	rules, err := accounts.New(accounts.Config{Store: st, Dir: filepath.Join(dir, "tls"), Log: log, Belongings: noBelongings{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ann", "bob"} {
		acc, _, err := rules.Create(t.Context(), name, nil)
		if err != nil {
			t.Fatal(err)
		}
		tn.accounts[name] = acc.Ref
	}
	eng, bus := fake.New(), event.NewBus()
	tn.engine = eng
	budgets := budget.New(budget.Config{Store: st, Events: bus, Mail: noMail{}, Log: log})
	eng.Serve("docker.io/library/"+annsImage+":latest", fake.MakeImage(annsImage, time.Now(), "base"))
	images := image.New(image.Config{Store: st, Engine: eng, Events: bus, Log: log, Fetch: emptyArchives{}, Spending: budgets})
	volumes := volume.New(volume.Config{Store: st, Engine: eng, Events: bus, Log: log, Fetch: emptyArchives{}, Spending: budgets})
	nets := network.New(network.Config{Store: st, Engine: eng, Events: bus, Log: log})
	fips := fip.New(fip.Config{Store: st, Network: nets, Pool: fip.MustPool("198.18.0.0/24"), Events: bus, Log: log, Spending: budgets})
	containers := container.New(container.Config{
		Store: st, Engine: eng, Images: images, Volumes: volumes, Network: nets, FIPs: fips, Events: bus, Log: log, DataRoot: dir, Spending: budgets,
	})
	t.Cleanup(func() { containers.Close(); images.Close() })
	if err := containers.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	config := server.Config{
		Containers: containers, Images: images, Volumes: volumes, Networks: nets, FIPs: fips, Snapshots: snapshot.New(snapshot.Config{Store: st, Engine: eng, Events: bus, Log: log, Spending: budgets}),
		SecGroups: secgroup.New(secgroup.Config{Store: st, Network: nets, Events: bus, Log: log}), Accounts: rules, Events: bus, Logins: anyLogin{},
		Builds:  build.New(build.Config{Store: st, Containers: containers, Images: images, Log: log, Spending: budgets}),
		Compose: compose.New(compose.Config{Store: st, Containers: containers, Images: images, Volumes: volumes, FIPs: fips, Log: log, Spending: budgets}),
		Usage:   usage.New(usage.Config{Store: st, Log: log}), Budgets: budgets,
		System: system.New(system.Config{Store: st, Engine: eng, ID: "town", Root: dir}),
		Auth:   auth.Any{Socket: &auth.Peers{}, TLS: auth.NewRemote(auth.RemoteConfig{Entries: tn, Log: log, Now: tn.clock, SpoolDir: dir})},
		Build:  docker.Build{Version: "0.1.0"}, Log: log,
	}
	tn.server = server.New(config)
	config.Auth = byName{rules}
	tn.office = server.New(config)
	tn.furnish()
	return tn
}

// noMail is of a server that nobody is behind.
type noMail struct{}

// Post implements budget.Mail.
func (noMail) Post(string, string, string) {}

// emptyArchives are at every URL.
type emptyArchives struct{}

func (emptyArchives) Get(context.Context, string) (*fetch.File, error) {
	return &fetch.File{ReadCloser: io.NopCloser(strings.NewReader(" ")), Size: 1, Type: "application/x-tar", Status: http.StatusOK}, nil
}

// Secret implements auth.Entries.
func (tn *town) Secret(access string) (account.Ref, string, error) {
	if secret, ok := tn.secrets[access]; ok {
		return tn.accounts["ann"], secret, nil
	}
	return account.Ref{}, "", oops.NotFound("no such key")
}

func (tn *town) clock() time.Time {
	if at := tn.now.Load(); at != 0 {
		return time.Unix(at, 0)
	}
	return time.Now()
}

// Token implements auth.Entries.
func (tn *town) Token(text string) (account.Ref, error) {
	if a, ok := tn.accounts[text]; ok {
		return a, nil
	}
	return account.Ref{}, oops.NotFound("no such token")
}

// Certificate implements auth.Entries.
func (tn *town) Certificate(*x509.Certificate) (account.Ref, error) {
	return account.Ref{}, oops.NotFound("no certificates here")
}

// ask makes a call as who; "" is nobody.
func (tn *town) ask(who, method, target, body string) (int, string) {
	tn.Helper()
	ctx, cancel := context.WithTimeout(tn.Context(), 5*time.Second)
	defer cancel()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(ctx, method, "https://town:6443"+target, in)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+who)
	}
	w := httptest.NewRecorder()
	tn.server.Handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// must makes a call as Ann that has to go well, and returns the value of a field of the answer.
func (tn *town) must(method, target, body, field string) string {
	tn.Helper()
	code, out := tn.ask("ann", method, target, body)
	if code/100 != 2 {
		tn.Fatalf("%s %s: %d %s", method, target, code, out)
	}
	_, value, _ := strings.Cut(out, `"`+field+`":"`)
	value, _, _ = strings.Cut(value, `"`)
	return value
}

// bobs makes a call as Bob that has to be answered so.
func (tn *town) bobs(method, target, body string, want int) {
	tn.Helper()
	if code, out := tn.ask("bob", method, "/v1.44"+target, body); code != want {
		tn.Errorf("%s %s as Bob: %d %s, want %d", method, target, code, out, want)
	}
}

// furnish gives Ann one of everything.
func (tn *town) furnish() {
	tn.must("POST", "/v1.44/images/create?fromImage="+annsImage+"&tag=latest", "", "")
	tn.image = tn.must("GET", "/v1.44/images/"+annsImage+"/json", "", "Id")
	tn.must("POST", "/v1.44/volumes/create", `{"Name":"`+annsVolume+`"}`, "")
	tn.container = tn.must("POST", "/v1.44/containers/create?name="+annsContainer,
		`{"Image":"`+annsImage+`","HostConfig":{"Binds":["`+annsVolume+`:/data"]}}`, "Id")
	tn.must("POST", "/v1.44/containers/"+annsContainer+"/start", "", "")
	tn.network = tn.must("POST", "/v1.44/networks/create", `{"Name":"`+annsNetwork+`"}`, "Id")
	tn.must("POST", "/v1.44/networks/"+annsNetwork+"/connect", `{"Container":"`+annsContainer+`","EndpointConfig":{"Aliases":["anns-alias"]}}`, "")
	tn.snapshot = tn.must("POST", "/v1.44/snapshots/create?volume="+annsVolume+"&name="+annsSnapshot+"&force=true", "", "Id")
	tn.must("POST", "/v1.44/sg/"+annsGroup, "description: anns-description\nrules: []\n", "")
	tn.must("POST", "/v1.44/sg/"+annsPeers, "rules: []", "")
	tn.exec = tn.must("POST", "/v1.44/containers/"+annsContainer+"/exec", `{"Cmd":["true"]}`, "Id")
	code, out := tn.ask("ann", "POST", "/v1.44/fips/allocate?count=1", "")
	if code != http.StatusCreated {
		tn.Fatalf("allocating a floating IP: %d %s", code, out)
	}
	tn.access = tn.must("POST", "/v1.44/credentials", `{"Name":"anns-credential"}`, "Access")
	tn.must("POST", "/v1.44/tokens", `{"Name":"`+annsToken+`"}`, "")
	tn.serial = tn.must("POST", "/v1.44/certificates", `{"Name":"anns-certificate"}`, "Serial")
	if tn.access == "" || tn.serial == "" {
		tn.Fatal("the answers do not name the credential and the certificate that were made")
	}
	tn.fip = strings.Trim(strings.TrimSpace(out), `[]"`)
	tn.must("POST", "/v1.44/fips/attach?ip="+tn.fip+"&container="+annsContainer, "", "")
}

// pair is something of Ann's, and something that nobody has, of the same form and length.
type pair struct{ what, anns, nobodys string }

const nobody = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

// subjects are what can stand in a pattern's place.
func (tn *town) subjects(pattern string) []pair {
	ids := func(name, id string) []pair {
		prefix, hex := "", id
		if h, ok := strings.CutPrefix(id, "sha256:"); ok {
			prefix, hex = "sha256:", h
		}
		return []pair{
			{"by name", name, "not" + name[3:]}, {"by id", id, prefix + nobody[:len(hex)]}, {"by short id", hex[:12], nobody[:12]},
		}
	}
	switch {
	case strings.HasPrefix(pattern, "/containers/{"):
		return ids(annsContainer, tn.container)
	case strings.HasPrefix(pattern, "/images/{"):
		return ids(annsImage, tn.image)
	case strings.HasPrefix(pattern, "/distribution/{"): // a name is its registry's, whoever has the image
		return ids(annsImage, tn.image)[1:]
	case strings.HasPrefix(pattern, "/volumes/{"):
		return []pair{{"by name", annsVolume, "nots-volume"}}
	case strings.HasPrefix(pattern, "/networks/{"):
		return ids(annsNetwork, tn.network)
	case strings.HasPrefix(pattern, "/snapshots/{"):
		return ids(annsSnapshot, tn.snapshot)
	case strings.HasPrefix(pattern, "/sg/{"):
		return []pair{{"by name", annsGroup, "nots-group"}}
	case strings.HasPrefix(pattern, "/credentials/{"):
		return []pair{{"by key", tn.access, strings.Repeat("A", len(tn.access))}}
	case strings.HasPrefix(pattern, "/tokens/{"):
		return []pair{{"by name", annsToken, "nots-token"}}
	case strings.HasPrefix(pattern, "/certificates/{"):
		return []pair{{"by serial", tn.serial, nobody[:len(tn.serial)]}}
	case strings.HasPrefix(pattern, "/accounts/{"):
		return []pair{{"by name", "ann", "xyz"}}
	case strings.HasPrefix(pattern, "/exec/{"):
		return []pair{{"by id", tn.exec, nobody}}
	case strings.Contains(pattern, "{"):
		return []pair{{"by name", "something-of-anns", "something-of-none"}}
	}
	return nil
}

// query is what else must be said for a call to get as far as looking for its object.
func query(pattern string) string {
	switch {
	case strings.HasSuffix(pattern, "/rename"):
		return "?name=renamed"
	case strings.HasSuffix(pattern, "/resize"):
		return "?h=10&w=10"
	case strings.HasSuffix(pattern, "/logs"):
		return "?stdout=1"
	case strings.HasSuffix(pattern, "/tag"):
		return "?repo=tagged"
	}
	return ""
}

func bodyOf(method, pattern string) string {
	switch {
	case method == http.MethodGet || method == http.MethodHead || method == http.MethodDelete:
		return ""
	case strings.HasSuffix(pattern, "/{name...}/exec"):
		return `{"Cmd":["true"]}`
	case method == http.MethodPost && pattern == "/sg/{name}": // Bob may make one of this name, but not with her peers
		return "rules: [{direction: ingress, remote_group_name: " + annsPeers + "}]"
	case strings.HasSuffix(pattern, "/connect"), strings.HasSuffix(pattern, "/disconnect"):
		return `{"Container":"anyone"}`
	}
	return "{}"
}

// TestAccountsCannotSeeEachOther goes through all calls that the server has: nobody learns anything without credentials, and with
// Bob's, what is Ann's is answered for exactly as what does not exist.
func TestAccountsCannotSeeEachOther(t *testing.T) {
	tn := newTown(t)
	seen := 0
	for _, route := range tn.server.Routes() {
		if route.Open != nil {
			continue
		}
		key := route.Method + " " + route.Pattern
		subjects := tn.subjects(route.Pattern)
		if len(subjects) == 0 {
			if code, out := tn.ask("", route.Method, "/v1.44"+route.Pattern, bodyOf(route.Method, route.Pattern)); code != http.StatusUnauthorized {
				t.Errorf("%s without credentials: %d %s", key, code, out)
			}
			continue
		}
		for _, s := range subjects {
			seen++
			answers := func(who, name string) string {
				target := "/v1.44" + fill(route.Pattern, name) + query(route.Pattern)
				code, out := tn.ask(who, route.Method, target, bodyOf(route.Method, route.Pattern))
				return fmt.Sprint(code, " ", strings.ReplaceAll(out, name, "NAME"))
			}
			if anns, none := answers("", s.anns), answers("", s.nobodys); anns != none || !strings.HasPrefix(anns, "401 ") {
				t.Errorf("%s %s without credentials: %s; of what is not there: %s", key, s.what, anns, none)
			}
			if anns, none := answers("bob", s.anns), answers("bob", s.nobodys); anns != none || strings.HasPrefix(anns, "2") {
				t.Errorf("%s %s as Bob: %s; of what is not there: %s", key, s.what, anns, none)
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d calls of objects were looked at", seen)
	}
	// All that is Ann's is still there, and is hers.
	for _, target := range []string{
		"/containers/" + annsContainer + "/json", "/containers/" + tn.container[:12] + "/json", "/images/" + annsImage + "/json",
		"/images/" + tn.image + "/json", "/volumes/" + annsVolume, "/exec/" + tn.exec + "/json",
		"/snapshots/" + annsSnapshot, "/sg/" + annsGroup, "/networks/" + annsNetwork, "/networks/" + tn.network[:12],
	} {
		if code, out := tn.ask("ann", "GET", "/v1.44"+target, ""); code != http.StatusOK {
			t.Errorf("GET %s as Ann: %d %s", target, code, out)
		}
	}
}

// fill puts a name into a pattern's first place, and a word into its others.
func fill(pattern, name string) string {
	var out []string
	for _, s := range strings.Split(pattern, "/") {
		if strings.HasPrefix(s, "{") {
			s, name = name, "another"
		}
		out = append(out, s)
	}
	return strings.Join(out, "/")
}

// TestNoAnswerTellsOfAnother asks everything that lists, counts and creates: Bob's answers hold nothing of Ann's, and he can build
// upon nothing of hers.
func TestNoAnswerTellsOfAnother(t *testing.T) {
	tn := newTown(t)
	hers := []string{"anns-", tn.container[:12], strings.TrimPrefix(tn.image, "sha256:")[:12], tn.exec[:12], tn.network[:12], tn.snapshot[:12], tn.fip, tn.access, tn.serial, tn.accounts["ann"].ID()}
	until := fmt.Sprint("?since=1&until=", time.Now().Unix()+1)
	for _, target := range []string{
		"/containers/json?all=1&size=1", "/images/json?all=1", "/volumes", "/snapshots", "/sg", "/fips", "/info", "/system/df", "/networks", "/networks/bridge", "/events" + until,
		"/credentials", "/tokens", "/certificates", "/quotas", "/usage", "/usage/entries", "/bill", "/budget",
	} {
		code, out := tn.ask("bob", "GET", "/v1.44"+target, "")
		if code != http.StatusOK {
			t.Errorf("GET %s: %d %s", target, code, out)
		}
		for _, h := range hers {
			if strings.Contains(out, h) {
				t.Errorf("GET %s tells Bob of %s:\n%s", target, h, out)
			}
		}
		_, anns := tn.ask("ann", "GET", "/v1.44"+target, "")
		if anns == out {
			t.Errorf("GET %s tells Ann no more than Bob:\n%s", target, out)
		}
	}
	for what, target := range map[string]string{
		"detach her container's": "/fips/detach?container=" + annsContainer, "release hers": "/fips/release?ip=" + tn.fip,
		"attach hers": "/fips/attach?ip=" + tn.fip + "&container=" + annsContainer, "name hers": "/fips/name?ip=" + tn.fip + "&name=mine",
	} {
		code, out := tn.ask("bob", "POST", "/v1.44"+target, "")
		absent := strings.NewReplacer(tn.fip, "203.0.113.7", annsContainer, "nots-container")
		none, said := tn.ask("bob", "POST", "/v1.44"+absent.Replace(target), "")
		if code != none || absent.Replace(out) != said || code/100 == 2 {
			t.Errorf("%s: %d %s; of one that is not there: %d %s", what, code, out, none, said)
		}
	}
	for what, body := range map[string]string{
		"her image by name": `{"Image":"anns-image"}`, "her image by id": `{"Image":"` + tn.image + `"}`,
	} {
		if code, out := tn.ask("bob", "POST", "/v1.44/containers/create", body); code != http.StatusNotFound {
			t.Errorf("%s: %d %s", what, code, out)
		}
	}
	for what, call := range map[string][3]string{
		"commit hers": {"POST", "/commit?container=" + annsContainer, ""}, "save hers": {"GET", "/images/get?names=" + annsImage, ""},
		"save hers by id": {"GET", "/images/get?names=" + tn.image[7:19], ""},
	} {
		absent := strings.NewReplacer(annsContainer, "nots-container", annsImage, "nots-image", tn.image[7:19], nobody[:12])
		code, out := tn.ask("bob", call[0], "/v1.44"+call[1], call[2])
		none, said := tn.ask("bob", call[0], "/v1.44"+absent.Replace(call[1]), call[2])
		if code != http.StatusNotFound || code != none || absent.Replace(out) != said {
			t.Errorf("%s: %d %s; of what is not there: %d %s", what, code, out, none, said)
		}
	}
	// A digest of a layer of hers opens nothing.
	layer := fake.MakeImage(annsImage, time.Now(), "base").DiffIDs[0]
	if code, out := tn.ask("bob", "POST", "/v1.44/images/diff", `{"layers":[["`+layer+`"]]}`); code != http.StatusOK || strings.TrimSpace(out) != `{"existLayers":[]}` {
		t.Errorf("her layers: %d %s", code, out)
	}
	if code, out := tn.ask("ann", "POST", "/v1.44/images/diff", `{"layers":[["`+layer+`"]]}`); code != http.StatusOK || !strings.Contains(out, layer) {
		t.Errorf("her layers, asked by her: %d %s", code, out)
	}
	// Bob's own, of the same names: pulled by him, created by him, and linked to hers, which are not there for him.
	if code, out := tn.ask("bob", "POST", "/v1.44/images/create?fromImage="+annsImage+"&tag=latest", ""); code != http.StatusOK {
		t.Fatalf("Bob's own pull: %d %s", code, out)
	}
	for what, host := range map[string]string{
		"a link to hers": `"Links":["` + annsContainer + `:x"]`, "volumes from hers": `"VolumesFrom":["` + tn.container + `"]`,
		"her group":               `"NetworkMode":"bridge"},"Labels":{"sh_hyper_sg_` + annsGroup + `":"yes"`,
		"her container's network": `"NetworkMode":"container:` + tn.container + `"`,
		"her network":             `"NetworkMode":"` + annsNetwork + `"`, "her network by id": `"NetworkMode":"` + tn.network + `"`,
	} {
		body := `{"Image":"` + annsImage + `","HostConfig":{` + host + `}}`
		if code, out := tn.ask("bob", "POST", "/v1.44/containers/create", body); code/100 == 2 {
			t.Errorf("%s: %d %s", what, code, out)
		}
	}
	tn.bobs("POST", "/sg/"+annsGroup, "rules: []", http.StatusCreated)
	tn.bobs("DELETE", "/sg/"+annsGroup, "", http.StatusNoContent)
	tn.bobs("POST", "/networks/create", `{"Name":"`+annsNetwork+`"}`, http.StatusCreated)
	for _, verb := range []string{"connect", "disconnect"} {
		target := "/v1.44/networks/" + annsNetwork + "/" + verb
		code, out := tn.ask("bob", "POST", target, `{"Container":"`+annsContainer+`"}`)
		none, said := tn.ask("bob", "POST", target, `{"Container":"nots-container"}`)
		if code != http.StatusNotFound || code != none || strings.ReplaceAll(out, annsContainer, "nots-container") != said {
			t.Errorf("%s hers: %d %s; of one that is not there: %d %s", verb, code, out, none, said)
		}
	}
	tn.bobs("DELETE", "/networks/"+annsNetwork, "", http.StatusNoContent)
	body := `{"Image":"` + annsImage + `","HostConfig":{"Binds":["` + annsVolume + `:/data"]}}`
	if code, out := tn.ask("bob", "POST", "/v1.44/containers/create?name="+annsContainer, body); code != http.StatusCreated {
		t.Errorf("Bob's own of the same names: %d %s", code, out)
	}
	if code, _ := tn.ask("bob", "DELETE", "/v1.44/containers/"+annsContainer+"?force=1&v=1", ""); code != http.StatusNoContent {
		t.Errorf("removing Bob's own: %d", code)
	}
	if code, out := tn.ask("ann", "GET", "/v1.44/containers/"+annsContainer+"/json", ""); code != http.StatusOK || !strings.Contains(out, tn.container) {
		t.Errorf("Ann's container afterwards: %d %s", code, out)
	}
}

// anyLogin is a registry that lets everybody in.
type anyLogin struct{}

// Login implements docker.Logins.
func (anyLogin) Login(context.Context, account.Ref, string, string, string, string) error { return nil }
