package cli

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hypercloud/hyper/api/types"
	"github.com/hypercloud/hyper/internal/signature"
)

const (
	mysqlID  = "7be0c19d4f3a5e2288b1460d9a7c3f51e6d2840b9f17ac35528e0d61b4937fa0"
	volumeID = "b41e07c95da2f8361c7709e4ab53d2f80166c4e9a7b80d235f91ce46720a8d3"
)

// fake is a server that knows just enough for the transcripts: one image to pull, containers by name, floating IPs.
// What it was asked is in wire, one line each.
type fake struct {
	wire     string       // the file
	accounts http.Handler // of the calls of accounts

	mu     sync.Mutex
	pulled bool
	fips   []map[string]string
	groups map[string]bool // by name
	shells map[string]bool // containers by name
	volume bool            // there is pgdata

	metering metering
}

// region serves f over TLS to whoever signs with regionKey, and returns its address. Its authority is in the file ca.
func (f *fake) region(t testing.TB, ca string) string {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signed, err := signature.Parse(r)
		if err == nil && (signed.AccessKey != regionKey.Access || !signed.Verify(regionKey.Secret)) {
			err = errors.New("Unauthorized: signature does not match")
		}
		if err != nil {
			answer(w, refusal{http.StatusUnauthorized, err.Error()})
			return
		}
		r.Body = signature.CheckBody(r.Body, signed.BodyHash)
		f.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, authority, 0o600); err != nil {
		t.Fatal(err)
	}
	return strings.Replace(server.URL, "https://", "tcp://", 1)
}

var regionKey = signature.Key{Access: "AKEXAMPLE0123456789", Secret: "s3cr3t-example-value"}

// startFake serves on a unix socket of its own until the test ends, and returns the address.
func startFake(t testing.TB, wire string) (*fake, string) {
	dir, err := os.MkdirTemp("", "hy") // Short: a socket's path has 108 bytes at most.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{wire: wire, accounts: newAccounts(t), shells: map[string]bool{}, groups: map[string]bool{}}
	server := &http.Server{Handler: f}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	return f, "unix://" + socket
}

var versioned = regexp.MustCompile(`^/v[0-9.]+/`)

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/wait") {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-r.Context().Done() // Containers run for ever here.
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	path := versioned.ReplaceAllString(r.URL.Path, "/")
	w.Header().Set("Api-Version", "1.47")
	w.Header().Set("Ostype", "linux")
	if path == "/_ping" {
		return
	}
	f.note(r, path, body)
	if meteringPath.MatchString(path) {
		answer(w, f.metering.serve(w, r, path, body, f.pulled))
		return
	}
	if accountsPath.MatchString(path) {
		r.Body = io.NopCloser(bytes.NewReader(body))
		f.accounts.ServeHTTP(w, r)
		return
	}
	answer(w, f.serve(w, r, path, body))
}

func (f *fake) note(r *http.Request, path string, body []byte) {
	file, err := os.OpenFile(f.wire, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	line := fmt.Sprintf("%s %s?%s %s", r.Method, path, r.URL.RawQuery, body)
	if access := strings.Split(r.Header.Get("Authorization"), "/"); len(access) > 2 {
		line += " signed for " + access[2]
	}
	line = strings.TrimSpace(line)
	if account := r.Header.Get(types.HeaderAccount); account != "" {
		line += " as " + account
	}
	fmt.Fprintln(file, line)
}

type refusal struct {
	status  int
	message string
}

func answer(w http.ResponseWriter, v any) {
	switch v := v.(type) {
	case nil, hijacked:
	case refusal:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(v.status)
		json.NewEncoder(w).Encode(map[string]string{"message": v.message})
	default:
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(v)
	}
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request, path string, body []byte) any {
	query := r.URL.Query()
	switch {
	case path == "/containers/create":
		return f.create(w, query.Get("name"), body)
	case path == "/images/create":
		return f.pull(w, query.Get("fromImage"))
	case path == "/containers/json":
		return f.containers()
	case path == "/images/json":
		return []any{map[string]any{"Id": "sha256:a39777a1a4a6a39777a1a4a6", "RepoTags": []string{"nginx:latest"}, "Size": 181600000}}
	case path == "/containers/web/json":
		return map[string]any{"Id": mysqlID, "Name": "/web", "Config": map[string]any{"Tty": false}, "State": map[string]any{"Running": true}}
	case path == "/containers/resting/json":
		return map[string]any{"Id": volumeID, "Name": "/resting", "Config": map[string]any{"Tty": false}, "State": map[string]any{"Running": false}}
	case strings.HasSuffix(path, "/exec"):
		return map[string]any{"Id": "e1"}
	case path == "/exec/e1/start":
		return shout(w)
	case path == "/exec/e1/json":
		return map[string]any{"ID": "e1", "Running": false, "ExitCode": 3}
	case strings.HasSuffix(path, "/start"):
		return f.start(w, strings.Split(path, "/")[2])
	case strings.HasPrefix(path, "/containers/") && r.Method == http.MethodDelete:
		return f.remove(strings.TrimPrefix(path, "/containers/"))
	case strings.HasPrefix(path, "/containers/") && r.Method == http.MethodPut:
		w.WriteHeader(http.StatusNoContent)
		return nil
	case strings.HasPrefix(path, "/fips"):
		return f.fip(w, strings.TrimPrefix(path, "/fips"), query.Get("ip"), query.Get("container"), query.Get("count"), query.Get("force"))
	case strings.HasPrefix(path, "/sg"):
		return f.group(w, r.Method, strings.TrimPrefix(path, "/sg/"))
	case path == "/volumes/create":
		f.volume = true
		w.WriteHeader(http.StatusCreated)
		return map[string]any{"Name": "pgdata"}
	case path == "/volumes/pgdata" && r.Method == http.MethodGet:
		return map[string]any{
			"Name": "pgdata", "Driver": "hyper", "Mountpoint": "", "Scope": "", "CreatedAt": "2017-03-28T13:37:43.744Z",
			"Labels": map[string]string{"container": "", "size": "20", "snapshot": ""},
		}
	case path == "/volumes" && f.volume:
		return map[string]any{"Volumes": []any{map[string]string{"Name": "pgdata", "Driver": "hyper"}}}
	case path == "/volumes":
		return map[string]any{"Volumes": []any{}}
	case path == "/networks":
		return []any{map[string]string{"Name": "bridge"}, map[string]string{"Name": "back"}}
	case path == "/snapshots":
		return map[string]any{"Snapshots": []any{map[string]any{"Id": "s1", "Name": "nightly", "Volume": "pgdata", "Size": 20}}}
	case path == "/info":
		return map[string]any{"Containers": 2, "ContainersRunning": 1, "ContainersStopped": 1, "NCPU": 2, "MemTotal": 536870912}
	case path == "/version":
		return map[string]any{"Version": "1.0", "ApiVersion": "1.47", "Os": "linux", "Arch": "amd64"}
	}
	return refusal{http.StatusNotFound, "No such thing: " + path}
}

// containers are all; those whose names begin with "web" run.
func (f *fake) containers() any {
	list := []any{}
	for _, name := range slices.Sorted(maps.Keys(f.shells)) {
		state := "exited"
		if strings.HasPrefix(name, "web") {
			state = "running"
		}
		list = append(list, map[string]any{"Id": mysqlID, "Names": []string{"/" + name}, "Image": "mysql", "State": state})
	}
	return list
}

func (f *fake) create(w http.ResponseWriter, name string, body []byte) any {
	var request struct {
		Image      string
		HostConfig struct{ Links []string }
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return refusal{http.StatusBadRequest, err.Error()}
	}
	for _, l := range request.HostConfig.Links {
		return refusal{http.StatusNotFound, "No such container: " + strings.Split(l, ":")[0]}
	}
	if !f.pulled {
		return refusal{http.StatusNotFound, "No such image: " + request.Image + ":latest"}
	}
	f.shells[name] = true
	w.WriteHeader(http.StatusCreated)
	return map[string]any{"Id": mysqlID, "Warnings": nil}
}

func (f *fake) pull(w http.ResponseWriter, image string) any {
	if !strings.HasSuffix(image, "mysql") {
		return refusal{http.StatusNotFound, "image " + image + " not found"}
	}
	f.pulled = true
	for _, line := range []string{
		`{"status":"Pulling from library/mysql","id":"latest"}`,
		`{"status":"Pulling fs layer","progressDetail":{},"id":"5a132a7e7af1"}`,
		`{"status":"Downloading","progressDetail":{"current":10,"total":20},"id":"5a132a7e7af1"}`,
		`{"status":"Download complete","progressDetail":{},"id":"5a132a7e7af1"}`,
		`{"status":"Pull complete","progressDetail":{},"id":"5a132a7e7af1"}`,
		`{"status":"Digest: sha256:` + mysqlID + `"}`,
		`{"status":"Status: Downloaded newer image for mysql:latest"}`,
	} {
		fmt.Fprintln(w, line)
		w.(http.Flusher).Flush()
	}
	return nil
}

func (f *fake) start(w http.ResponseWriter, name string) any {
	if name == "nosuch" {
		return refusal{http.StatusNotFound, "No such container: nosuch"}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// shout is a process that reads its input to the end, and then prints it in capitals.
func shout(w http.ResponseWriter) any {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return refusal{http.StatusInternalServerError, err.Error()}
	}
	defer conn.Close()
	fmt.Fprint(conn, "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
	text, err := io.ReadAll(buffered)
	if err != nil {
		panic(err)
	}
	conn.Write(append([]byte{1, 0, 0, 0, 0, 0, 0, byte(len(text))}, bytes.ToUpper(text)...))
	return hijacked{}
}

// hijacked is no answer: the connection is gone.
type hijacked struct{}

func (f *fake) remove(name string) any {
	if !f.shells[name] {
		return refusal{http.StatusNotFound, "No such container: " + name}
	}
	delete(f.shells, name)
	return []string{"attached volume(" + volumeID + ") is not deleted"}
}

func (f *fake) fip(w http.ResponseWriter, verb, ip, container, count, force string) any {
	holder := slices.IndexFunc(f.fips, func(m map[string]string) bool {
		return (ip != "" && m["fip"] == ip) || (container != "" && m["container"] == container)
	})
	switch verb {
	case "":
		if f.fips == nil {
			return []any{}
		}
		return f.fips
	case "/allocate":
		var addresses []string
		for i := range count[0] - '0' {
			addresses = append(addresses, fmt.Sprintf("203.0.113.%d", 24+i))
			f.fips = append(f.fips, map[string]string{"fip": addresses[i], "name": "", "container": "", "service": ""})
		}
		w.WriteHeader(http.StatusCreated)
		return addresses
	}
	if holder < 0 {
		return refusal{http.StatusNotFound, "No such floating IP: " + ip + container}
	}
	switch verb {
	case "/attach":
		if f.fips[holder]["container"] != "" && force == "" {
			return refusal{http.StatusConflict, "floating IP " + ip + " is in use"}
		}
		f.fips[holder]["container"] = container
	case "/detach":
		f.fips[holder]["container"] = ""
		return f.fips[holder]["fip"]
	case "/release":
		f.fips = slices.Delete(f.fips, holder, holder+1)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
