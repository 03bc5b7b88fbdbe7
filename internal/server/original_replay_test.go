package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hypercloud/hyper/internal/cloud/quota"
	"github.com/hypercloud/hyper/internal/engine/fake"
	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/signature"
	"github.com/hypercloud/hyper/internal/store"
)

// The ids that the recordings name, which are whatever the town gives.
const (
	recordedID      = "7c9b2f4e1d0a4b6f8e3d5c7a9b1f2e4d6c8a0b2d4f6e8a1c3b5d7f9e0a2c4b6d"
	recordedOther   = "1a2b3c4d5e6f"
	recordedSession = "ab2b32286a13cd798e89ddb80f3e4a1d"
	recordedExecID  = "e1e2e3e4e5e6e7e8e9e0f1f2f3f4f5f6f7f8f9f0a1a2a3a4a5a6a7a8a9a0b1b2"
)

// TestReplay makes the requests of every recorded command of the original client, in their order and signed anew, in a town where
// the command can go well, and decodes what is answered as that client does. What came of each is testdata/original.txt: "ok" is a
// command that would have ended as it should, anything else the words that its user would have read.
func TestReplay(t *testing.T) {
	keys, all := recordings(t)
	var names []string
	commands := map[string][]recorded{}
	for _, r := range all {
		name := r.Case[:strings.LastIndexByte(r.Case, '/')]
		if commands[name] == nil {
			names = append(names, name)
		}
		commands[name] = append(commands[name], r)
	}
	shared := newReplay(t, keys)
	var report strings.Builder
	groups, order := map[string][2]int{}, []string{}
	for _, name := range slices.Clone(names) {
		if less, changed := leaveOut(commands[name]); changed && strings.HasPrefix(name, "compose-") {
			names = append(names, name+" "+usualNames)
			commands[name+" "+usualNames] = less
		}
	}
	for _, name := range names {
		p := shared
		if slices.ContainsFunc(commands[name], func(r recorded) bool { return r.Method != http.MethodGet }) {
			p = newReplay(t, keys)
		}
		said := anyID.ReplaceAllString(p.run(name, commands[name]), "ID")
		fmt.Fprintf(&report, "%-42s %s\n", name, said)
		group, _, _ := strings.Cut(name, "-")
		n, known := groups[group]
		if !known {
			order = append(order, group)
		}
		if strings.HasPrefix(said, "ok") {
			n[0]++
		} else {
			n[1]++
		}
		groups[group] = n
	}
	ok := 0
	for _, g := range order {
		ok += groups[g][0]
		t.Logf("%s: %d ok, %d refused", g, groups[g][0], groups[g][1])
	}
	t.Logf("%d of %d commands end as they should", ok, len(names))
	golden(t, "original.txt", report.String())
}

var anyID = regexp.MustCompile(`[0-9a-f]{64}`)

// usualNames marks a compose command whose file gives no containers names of their own: the recorded requests that follow know them by the usual ones.
const usualNames = "(with the usual names)"

var ownNames = regexp.MustCompile(`"container_name":"[^"]*",?`)

// leaveOut takes own names of containers out of bodies.
func leaveOut(list []recorded) (out []recorded, changed bool) {
	out = slices.Clone(list)
	for i := range out {
		out[i].Body = ownNames.ReplaceAll(out[i].Body, nil)
		changed = changed || len(out[i].Body) != len(list[i].Body)
	}
	return out, changed
}

// replay is a town, reached as the original's client reaches it, and what one command has learned.
type replay struct {
	*town
	key     signature.Key
	addr    string
	id      string // of the container that the command is about
	exec    string
	open    []*stream
	volumes []string // that the command has made
	session string   // of its uploads
}

// recordedVolume is what the volumes are called in the recordings whose names the server chose, numbered as they were made.
var recordedVolume = regexp.MustCompile(`auto([0-9]{2})7c9b2f4e1d0a4b6f8e3d`)

// named puts the names of the volumes that were made in the places of the recorded ones.
func (p *replay) named(body []byte) []byte {
	return recordedVolume.ReplaceAllFunc(body, func(old []byte) []byte {
		if n, err := strconv.Atoi(string(old[4:6])); err == nil && n > 0 && n <= len(p.volumes) {
			return []byte(p.volumes[n-1])
		}
		return old
	})
}

// sendFiles sends the files that an initialisation asks for, as the client does: without a signature, and with the cookie after the address.
func (p *replay) sendFiles(name string, body []byte) {
	var told struct {
		Session, Cookie string
		Uploaders       map[string]string
	}
	if err := json.Unmarshal(body, &told); err != nil {
		p.Fatal(err)
	}
	p.session = told.Session
	for _, to := range told.Uploaders {
		u, err := url.Parse(to)
		if err != nil || u.RawQuery != "" || u.Host == "" {
			p.Errorf("%s: the files are wanted at %q, %v", name, to, err)
			continue
		}
		r := httptest.NewRequestWithContext(p.Context(), http.MethodPost, u.Path+"?cookie="+told.Cookie, strings.NewReader("the files"))
		w := httptest.NewRecorder()
		p.server.UploadHandler().ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			p.Errorf("%s: an upload is answered by %d %s", name, w.Code, w.Body)
		}
	}
}

// stream is a connection that was taken over.
type stream struct {
	conn net.Conn
	r    *bufio.Reader
	tty  bool
	what string
}

func newReplay(t *testing.T, keys []signature.Key) *replay {
	tn := newTown(t)
	p := &replay{town: tn, key: keys[0]}
	tn.secrets = map[string]string{p.key.Access: p.key.Secret}
	p.addr = tn.serveTLS()
	p.furnishAll()
	return p
}

// furnishAll gives Ann what the recorded commands name.
func (p *replay) furnishAll() {
	eng := p.engine
	eng.Says("out-line\n", "err-line\n")
	for ref, seed := range map[string]string{
		"docker.io/library/busybox:latest": "busybox", "docker.io/library/busybox:1.36": "busybox136", "docker.io/library/nginx:latest": "nginx",
		"docker.io/library/nginx:1.11": "nginx111", "docker.io/library/mysql:5.6": "mysql56", "docker.io/library/httpd:latest": "httpd",
		"docker.io/library/newimage:1.0": "newimage", "docker.io/me/private:v2": "private", "docker.io/me/web:v1": "meweb",
		"docker.io/library/redis:latest": "redis", "registry.example.com:5000/team/app:v3": "app",
		"docker.io/library/busybox@sha256:0b1edfbffd27c935a666e233a0042ed634205f6f754dbe20769a60369c614f85": "digest",
	} {
		eng.Serve(ref, fake.MakeImage(seed, time.Unix(1700000000, 0), seed))
	}
	for _, ref := range []string{"busybox&tag=latest", "busybox&tag=1.36", "nginx&tag=latest", "nginx&tag=1.11", "mysql&tag=5.6", "httpd&tag=latest", "me/web&tag=v1", "me/private&tag=v2"} {
		p.must("POST", "/v1.23/images/create?fromImage="+ref, "", "")
	}
	for _, c := range []struct{ name, more string }{{"db", ""}, {"redis_1", ""}, {"web-tty", `,"Tty":true,"OpenStdin":true`}, {"web", `,"OpenStdin":true`}} {
		p.id = p.must("POST", "/v1.23/containers/create?name="+c.name, `{"Image":"busybox"`+c.more+`}`, "Id")
		p.must("POST", "/v1.23/containers/"+c.name+"/start", "", "")
		eng.Say(p.accounts["ann"], p.id, "stdout", "out-line\n")
		eng.Say(p.accounts["ann"], p.id, "stderr", "err-line\n")
	}
	for _, name := range []string{"web", "ssh"} {
		p.must("POST", "/v1.23/sg/"+name, "name: "+name+"\nrules: []\n", "")
	}
	for _, v := range []string{"data2"} {
		p.must("POST", "/v1.23/volumes/create", `{"Name":"`+v+`"}`, "")
	}
	err := p.store.Update(p.Context(), p.accounts["ann"], func(tx *store.Tx) error {
		return errors.Join(
			quota.Limits{quota.FloatingIPs: 0, quota.Containers: 0}.Put(tx),
			tx.PutFloatingIP(store.FloatingIP{Address: netip.MustParseAddr("203.0.113.7"), Name: "first", Container: p.id}),
			tx.PutFloatingIP(store.FloatingIP{Address: netip.MustParseAddr("203.0.113.8")}),
			tx.PutFloatingIP(store.FloatingIP{Address: netip.MustParseAddr("203.0.113.20")}),
		)
	})
	if err != nil {
		p.Fatal(err)
	}
}

// snapshot gives Ann a snapshot of a volume, if she has none.
func (p *replay) snapshot() {
	p.must("POST", "/v1.44/volumes/create", `{"Name":"data"}`, "")
	if code, _ := p.ask("ann", "GET", "/v1.44/snapshots/snap1", ""); code != http.StatusOK {
		p.must("POST", "/v1.44/snapshots/create?volume=data&name=snap1", "", "")
	}
}

// preparations make a town fit for a command.
var preparations = map[string]func(p *replay){
	"volume-":        func(p *replay) { p.must("POST", "/v1.44/volumes/create", `{"Name":"data"}`, "") },
	"volume-create":  func(*replay) {},
	"volume-create-": func(*replay) {},
	"volume-create-snapshot": func(p *replay) {
		p.snapshot()
		p.must("DELETE", "/v1.23/volumes/data2", "", "")
	},
	"volume-create-snapshot-size": func(p *replay) { p.snapshot() },
	"snapshot-":                   func(p *replay) { p.snapshot() },
	"snapshot-create":             func(p *replay) { p.must("POST", "/v1.44/volumes/create", `{"Name":"data"}`, "") },
	"snapshot-create-":            func(p *replay) { p.must("POST", "/v1.44/volumes/create", `{"Name":"data"}`, "") },
	"sg-create":                   func(p *replay) { p.must("DELETE", "/v1.23/sg/web", "", "") },
	"update-sg":                   func(p *replay) { p.must("PUT", "/v1.23/containers/web", `{"AddSecurityGroups":{"ssh":"yes"}}`, "") },
	"rm":                          func(p *replay) { p.must("POST", "/v1.23/containers/web/stop", "", "") },
	"start":                       func(p *replay) { p.must("POST", "/v1.23/containers/web/stop", "", "") },
	"start-304":                   func(*replay) {},
	"error-":                      func(*replay) {},
	"create-full": func(p *replay) {
		p.must("DELETE", "/v1.23/containers/web?force=1", "", "")
		p.must("POST", "/v1.23/containers/create?name=nfs", `{"Image":"busybox"}`, "")
	},
	"fip-attach":      func(p *replay) { p.must("POST", "/v1.23/fips/detach?container=web", "", "") },
	"fip-attach-":     func(*replay) {},
	"commit":          func(p *replay) { p.must("POST", "/v1.23/containers/web/stop", "", "") },
	"compose-":        func(p *replay) { p.project() },
	"compose-up-":     func(*replay) {},
	"compose-create":  func(*replay) {},
	"inspect-missing": func(*replay) {},
	"volume-init-local": func(p *replay) {
		p.must("POST", "/v1.44/volumes/create", `{"Name":"data"}`, "")
		p.must("POST", "/v1.44/volumes/create", `{"Name":"conf"}`, "")
	},
	"pull-407": func(p *replay) {
		p.engine.FailOnce("Pull", oops.Unauthenticated("the registry wants a login"))
	},
	"rmi": func(p *replay) {
		for _, c := range []string{"web", "db", "redis_1", "web-tty"} {
			p.must("DELETE", "/v1.23/containers/"+c+"?force=1", "", "")
		}
	},
	"rmi-noprune":  func(*replay) {},
	"run-detached": func(p *replay) { p.must("DELETE", "/v1.23/containers/web?force=1", "", "") },
	"start-attach": func(p *replay) { p.must("POST", "/v1.23/containers/web/stop", "", "") },
	"exec-tty": func(p *replay) {
		resized := make(chan struct{})
		p.engine.On("ExecResize", func(context.Context, fake.Call) error { close(resized); return nil })
		p.engine.On("Exec", func(ctx context.Context, _ fake.Call) error {
			select {
			case <-resized:
			case <-ctx.Done():
			}
			return nil
		})
	},
	"wait": func(p *replay) { p.engine.Exit(p.accounts["ann"], p.id, 0) },
}

// prepare looks for the longest name that fits: one that ends in "-" fits all that begin so.
func (p *replay) prepare(name string) {
	best := ""
	for key := range preparations {
		if (key == name || strings.HasSuffix(key, "-") && strings.HasPrefix(name, key)) && len(key) > len(best) {
			best = key
		}
	}
	if best != "" {
		preparations[best](p)
	}
}

// project brings the project blog up, as far as Hyper offers what its file asks for.
func (p *replay) project() {
	p.post("ann", "/v1.23/compose/up?project=blog", `{"ServiceConfigs":{"M":{"db":{"image":"mysql:5.6"},"web":{"image":"nginx:1.11","links":["db:mysql"]}}}}`)
	p.id = p.must("GET", "/v1.23/containers/blog-web-1/json", "", "Id")
}

// expected are the answers with an error that a command knows how to go on from, or is about.
var expected = map[string][]int{
	"run-pull": {404}, "inspect-fallback-image": {404}, "inspect-missing": {404, 404}, "pull-407": {0, 407}, "volume-inspect-missing": {404}, "logs-missing": {404},
	"compose-scale": {0, 0, 0, 0, 404}, "compose-scale " + usualNames: {0, 0, 0, 0, 404}, "error-text": {409}, "error-json": {409}, "error-empty": {409}, "error-401": {401}, "no-keys": {401},
}

// run makes the requests of a command and says what came of it.
func (p *replay) run(name string, list []recorded) string {
	defer func(id string) { p.id = id }(p.id)
	p.prepare(name)
	defer p.closeAll()
	statuses := []string{}
	for i, r := range list {
		key := p.key
		if name == "no-keys" {
			key = signature.Key{}
		}
		if name == "error-401" {
			key.Secret = "wrong"
		}
		resp, body, conn := p.send(r, key)
		statuses = append(statuses, fmt.Sprint(resp.StatusCode))
		if want := expected[name]; i < len(want) && want[i] == resp.StatusCode && resp.StatusCode >= 400 {
			p.wantSentence(name, resp, body)
			continue
		}
		if resp.StatusCode >= 400 {
			p.wantSentence(name, resp, body)
			return fmt.Sprintf("%s: %s", strings.Join(statuses, " "), strings.TrimSpace(string(body)))
		}
		path := withoutVersion(r.Target)
		if resp.StatusCode == http.StatusSwitchingProtocols {
			p.took(name, r, path, resp, conn)
			continue
		}
		s, known := shapeOf(r.Method, path)
		if !known {
			p.Errorf("%s: there is no shape for %s %s", name, r.Method, path)
			continue
		}
		if err := s.matches(resp, body); err != nil && !p.toldOf(body) {
			p.Errorf("%s: %s %s: %v", name, r.Method, r.Target, err)
		}
		if p.toldOf(body) {
			return fmt.Sprintf("%s: %s", strings.Join(statuses, " "), lastError(body))
		}
		if strings.HasSuffix(path, "/logs") && name != "logs-tty" {
			if stdout, _, err := unframe(body); err != nil || !strings.HasPrefix(name, "compose") && !strings.Contains(stdout, "out-line\n") {
				p.Errorf("%s: %s: %q, %v", name, path, body, err)
			}
		}
		p.learn(name, r.Method, path, body)
	}
	p.finish(name)
	return "ok " + strings.Join(statuses, " ")
}

// withoutVersion is the path of a target as routes know it.
func withoutVersion(target string) string {
	path, _, _ := strings.Cut(target, "?")
	path = regexp.MustCompile(`^/v1\.[0-9]+`).ReplaceAllString(path, "")
	return strings.ReplaceAll(path, "//", "/")
}

// toldOf reports whether a stream ends with an error.
func (p *replay) toldOf(body []byte) bool { return bytes.Contains(body, []byte(`"errorDetail"`)) }

func lastError(body []byte) string {
	lines := bytes.Split(bytes.TrimSpace(body), []byte("\n"))
	var m origMessage
	_ = json.Unmarshal(lines[len(lines)-1], &m)
	return "in the stream: " + m.Error
}

// wantSentence holds errors to what the client can show: it prints the body as it is.
func (p *replay) wantSentence(name string, resp *http.Response, body []byte) {
	if kind := resp.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") && !strings.HasPrefix(name, "api-version") && name != "base-path" {
		p.Errorf("%s: an error of Content-Type %q: %s", name, kind, body)
	}
	if text := strings.TrimSpace(string(body)); name == "base-path" {
		return
	} else if text == "" || strings.Contains(text, "\n") || strings.HasPrefix(text, "{") {
		p.Errorf("%s: an error that is no sentence: %q", name, body)
	}
}

// learn takes from an answer what later requests of the command name.
func (p *replay) learn(name, method, path string, body []byte) {
	var made struct{ ID string }
	switch {
	case method == "POST" && path == "/containers/create":
		_ = json.Unmarshal(body, &made)
		p.id = made.ID
	case path == "/volumes/create":
		var v struct{ Name string }
		_ = json.Unmarshal(body, &v)
		p.volumes = append(p.volumes, v.Name)
	case path == "/volumes/initialize":
		p.sendFiles(name, body)
	case strings.HasSuffix(path, "/exec"):
		_ = json.Unmarshal(body, &made)
		p.exec = made.ID
	case method == "POST" && strings.HasPrefix(path, "/containers/") && len(p.open) > 0 && p.ends(name, path):
		code := 0
		if strings.HasSuffix(name, "exit3") {
			code = 3
		}
		time.AfterFunc(300*time.Millisecond, func() { p.engine.Exit(p.accounts["ann"], p.id, code) })
	}
}

// ends reports whether the process ends after this call: after its start, or after the size of its terminal was set.
func (p *replay) ends(name, path string) bool {
	last := "/start"
	if name == "run-tty-detachkeys" {
		last = "/resize"
	}
	return strings.HasSuffix(path, last)
}

// took checks the head of a connection that is taken over, and says on it what the client would.
func (p *replay) took(name string, r recorded, path string, resp *http.Response, conn *stream) {
	if path == "/events/ws" {
		if !strings.EqualFold(resp.Header.Get("Upgrade"), "websocket") || resp.Header.Get("Sec-Websocket-Accept") == "" {
			p.Errorf("%s: the handshake is answered by %v", name, resp.Header)
		}
		_ = conn.conn.Close()
		return
	}
	h := resp.Header
	if h.Get("Content-Type") != "application/vnd.docker.raw-stream" || h.Get("Connection") != "Upgrade" || h.Get("Upgrade") != "tcp" {
		p.Errorf("%s: %s is answered by %v", name, r.Target, h)
	}
	if path == "/images/load" {
		p.upload(name, r, conn)
		return
	}
	conn.tty, conn.what = strings.Contains(name, "tty") || strings.HasPrefix(name, "compose-run"), path
	p.open = append(p.open, conn)
	if strings.Contains(r.Target, "stdin=1") {
		_, _ = io.WriteString(conn.conn, "a line\n")
	}
	if !conn.tty {
		_ = conn.conn.(*tls.Conn).CloseWrite()
	}
	if strings.HasPrefix(path, "/exec/") && !conn.tty || strings.HasPrefix(name, "attach") {
		if name != "exec" {
			time.AfterFunc(300*time.Millisecond, func() { p.engine.Exit(p.accounts["ann"], p.id, 0) })
		}
		p.drain(name, conn)
		p.open = nil
	}
}

// upload sends as many bytes as were announced, does not end its side, and reads then. To the fake engine blanks are an archive without images.
func (p *replay) upload(name string, r recorded, conn *stream) {
	n, err := strconv.Atoi(r.header("X-Hyper-Content-Length"))
	if err != nil {
		p.Fatal(err)
	}
	if _, err := io.WriteString(conn.conn, strings.Repeat(" ", n)); err != nil {
		p.Fatal(err)
	}
	_ = conn.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	want := `{"status":"Starting to load the image archive, please wait..."}` + "\n"
	if strings.Contains(r.Target, "quiet=true") {
		want = ""
	}
	if said, err := io.ReadAll(conn.r); err != nil || string(said) != want {
		p.Errorf("%s: it says %q, %v", name, said, err)
	}
	_ = conn.conn.Close()
}

// drain reads a stream to its end, which the server makes.
func (p *replay) drain(name string, s *stream) {
	_ = s.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	all, err := io.ReadAll(s.r)
	if err != nil {
		p.Errorf("%s: %s does not end: %v", name, s.what, err)
		return
	}
	if s.tty {
		if !strings.HasPrefix(string(all), "out-line") {
			p.Errorf("%s: %s says %q", name, s.what, all)
		}
		return
	}
	stdout, stderr, err := unframe(all)
	if err != nil {
		p.Errorf("%s: %s: %v in %q", name, s.what, err, all)
	}
	if name != "run-a-stdin" && (stdout != "out-line\n" || stderr != "err-line\n") {
		p.Errorf("%s: %s says %q and %q", name, s.what, stdout, stderr)
	}
}

// finish reads the streams that are open to their ends.
func (p *replay) finish(name string) {
	for _, s := range p.open {
		p.drain(name, s)
	}
}

func (p *replay) closeAll() {
	for _, s := range p.open {
		_ = s.conn.Close()
	}
	p.open = nil
}

// send makes a recorded request, with the town's ids and signed now, and reads the answer. Endless answers are read for a moment.
func (p *replay) send(r recorded, key signature.Key) (*http.Response, []byte, *stream) {
	p.Helper()
	target := strings.NewReplacer(recordedID, p.id, recordedID[:12], p.id[:12], recordedOther, p.id[:12], recordedExecID, p.exec, recordedSession, p.session).Replace(r.Target)
	r.Body = p.named(r.Body)
	req, err := http.NewRequestWithContext(p.Context(), r.Method, "https://"+p.addr+target, bytes.NewReader(r.Body))
	if err != nil {
		p.Fatal(err)
	}
	for _, h := range r.Headers {
		if !slices.Contains([]string{"Host", "Authorization", "X-Hyper-Date", "X-Hyper-Content-Sha256", "Content-Length", "Transfer-Encoding"}, h[0]) {
			req.Header.Add(h[0], h[1])
		}
	}
	req.Host = r.header("Host")
	if r.Framing == "chunked" {
		req.ContentLength, req.TransferEncoding = -1, []string{"chunked"}
		req.Body = io.NopCloser(bytes.NewReader(r.Body))
	}
	signature.Sign(req, signature.HashBody(r.Body), key, "us-west-1", time.Now())
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", p.addr, &tls.Config{
		InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, //nolint:gosec // as the original does
	})
	if err != nil {
		p.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(15 * time.Second))
	if err := req.Write(conn); err != nil {
		p.Fatal(err)
	}
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, &http.Request{Method: r.Method})
	if err != nil {
		p.Fatalf("%s: %s %s: %v", r.Case, r.Method, target, err)
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, nil, &stream{conn: conn, r: in}
	}
	defer conn.Close()
	defer resp.Body.Close()
	if strings.Contains(target, "follow=1") {
		_ = conn.SetDeadline(time.Now().Add(200 * time.Millisecond))
	}
	body, err := io.ReadAll(resp.Body)
	var slow net.Error
	if err != nil && !(errors.As(err, &slow) && slow.Timeout()) {
		p.Fatalf("%s: %s %s: %v", r.Case, r.Method, target, err)
	}
	return resp, body, nil
}
