package server_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/moby/moby/client"

	"github.com/hypercloud/hyper/internal/oops"
	"github.com/hypercloud/hyper/internal/server/rest"
)

func TestNewestVersionIsTheClients(t *testing.T) {
	if rest.NewestVersion.String() != client.MaxAPIVersion {
		t.Errorf("the server speaks %s, the types are of %s", rest.NewestVersion, client.MaxAPIVersion)
	}
}

func TestPaths(t *testing.T) {
	for _, tc := range []struct {
		name, method, target string
		status               int
		body                 string // contained
	}{
		{"no version", "GET", "/containers/web/json", 200, webID},
		{"the original's version", "GET", "/v1.23/containers/web/json", 200, webID},
		{"the oldest version", "GET", "/v1.12/containers/web/json", 200, webID},
		{"the newest version", "GET", "/v1.56/containers/web/json", 200, webID},
		{"too new", "GET", "/v1.99/containers/web/json", 400, `{"message":"client version 1.99 is too new. Maximum supported API version is 1.56"}`},
		{"too old", "GET", "/v1.2/containers/web/json", 400, "client version 1.2 is too old. Minimum supported API version is 1.12"},
		{"a name with a slash before", "GET", "/v1.23/containers//web/json", 200, webID},
		{"doubled slashes", "GET", "//v1.44//containers///web//json", 200, webID},
		{"a slash at the end", "GET", "/v1.44/containers/web/json/", 200, webID},
		{"an id's beginning", "GET", "/containers/111111/json", 200, webID},
		{"an image of another registry", "GET", "/v1.44/images/registry.example:5000/a/b:1/json", 200, imageID},
		{"an image with an encoded colon", "GET", "/v1.44/images/mysql%3Alatest/json", 200, imageID},
		{"an image by id", "GET", "/v1.44/images/" + imageID + "/json", 200, imageID},
		{"no such container", "GET", "/v1.44/containers/x/json", 404, `{"message":"No such container: x"}`},
		{"no such container, the original's", "GET", "/v1.23/containers/x/json", 404, "No such container: x\n"},
		{"unknown path", "GET", "/v1.44/nonsense", 404, `{"message":"page not found"}`},
		{"unknown path, the original's", "GET", "/v1.23/nonsense", 404, "page not found\n"},
		{"wrong method", "PATCH", "/v1.44/containers/json", 404, `{"message":"page not found"}`},
		{"not offered", "POST", "/v1.44/swarm/init", 501, "Swarm is not offered"},
		{"not offered, with a name", "GET", "/v1.44/containers/web/attach/ws", 501, "attaching by websocket is not offered"},
		{"image without a name", "DELETE", "/v1.23/images/%20", 400, "Invalid empty image name"},
		{"image with no name at all", "DELETE", "/v1.44/images/", 400, "Invalid empty image name"},
		{"unknown filter", "GET", "/v1.44/containers/json?filters=%7B%22x%22%3A%5B%22y%22%5D%7D", 400, "invalid filter 'x'"},
		{"filters that are no JSON", "GET", "/v1.44/volumes?filters=x", 400, "invalid filters"},
		{"dots are a name", "GET", "/v1.44/containers/../json", 404, "No such container: .."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t)
			status, body := b.send(tc.method, tc.target, "")
			if status != tc.status || !strings.Contains(body, tc.body) {
				t.Errorf("%s %s: %d %s", tc.method, tc.target, status, body)
			}
		})
	}
}

func TestErrorClasses(t *testing.T) {
	for _, tc := range []struct {
		name   string
		err    error
		status int
		body   string
	}{
		{"not modified", oops.NotModified("it runs"), 304, ""},
		{"invalid", oops.Invalid("no"), 400, `{"message":"no"}`},
		{"unauthenticated", oops.Unauthenticated("no"), 401, `{"message":"no"}`},
		{"forbidden", oops.Forbidden("no"), 403, `{"message":"no"}`},
		{"over quota", oops.Exhausted("no"), 403, `{"message":"no"}`},
		{"not found", oops.NotFound("no"), 404, `{"message":"no"}`},
		{"conflict", oops.Conflict("no"), 409, `{"message":"no"}`},
		{"name taken", oops.AlreadyExists("no"), 409, `{"message":"no"}`},
		{"unclassed", errors.New("no"), 500, `{"message":"no"}`},
		{"not implemented", oops.NotImplemented("no"), 501, `{"message":"no"}`},
		{"unavailable", oops.Unavailable("a <b> & c"), 503, `{"message":"a <b> & c"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t)
			b.containers.err = tc.err
			status, body := b.send("POST", "/v1.44/containers/web/start", "")
			same(t, "answer", status, tc.status)
			same(t, "body", strings.TrimSpace(body), tc.body)
		})
	}
}

func TestHeaders(t *testing.T) {
	b := newBench(t)
	resp, body := b.raw("GET /_ping HTTP/1.1\nHost: x\n\n")
	same(t, "body", body, "OK")
	for key, want := range map[string]string{
		"Api-Version": "1.56", "Ostype": "linux", "Docker-Experimental": "false", "Server": "Hyper/0.1.0 (linux)",
		"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-cache, no-store, must-revalidate",
	} {
		same(t, key, resp.Header.Get(key), want)
	}
	resp, _ = b.raw("GET /v1.44/containers/json HTTP/1.1\nHost: x\n\n")
	same(t, "type of a list", resp.Header.Get("Content-Type"), "application/json")
	resp, _ = b.raw("GET /v1.23/containers/x/json HTTP/1.1\nHost: x\n\n")
	same(t, "type of the original's error", resp.Header.Get("Content-Type"), "text/plain; charset=utf-8")
}

// Bodies come in many ways where none is needed (api 4).
func TestBodies(t *testing.T) {
	json := "Content-Type: application/json\n"
	for _, tc := range []struct {
		name, request string
		status        int
		body          string
	}{
		{"chunked and empty", "POST /v1.23/containers/web/start HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n0\n\n", 204, ""},
		{"null on a GET", "GET /v1.23/info HTTP/1.1\nHost: x\n" + json + "Content-Length: 5\n\nnull\n", 200, "ContainersRunning"},
		{"null on a POST", "POST /v1.23/fips/allocate HTTP/1.1\nHost: x\n" + json + "Content-Length: 4\n\nnull", 201, theFIP.String()},
		{"null where JSON is read", "POST /v1.23/volumes/create HTTP/1.1\nHost: x\n" + json + "Content-Length: 4\n\nnull", 201, "data"},
		{"chunked and empty where JSON is read", "POST /v1.44/volumes/create HTTP/1.1\nHost: x\n" + json + "Transfer-Encoding: chunked\n\n0\n\n", 201, "data"},
		{"a form is not JSON", "POST /v1.44/volumes/create HTTP/1.1\nHost: x\nContent-Type: application/x-www-form-urlencoded\nContent-Length: 3\n\na=b", 400, "unsupported Content-Type header (application/x-www-form-urlencoded): must be 'application/json'"},
		{"broken JSON", "POST /v1.44/volumes/create HTTP/1.1\nHost: x\n" + json + "Content-Length: 1\n\n{", 400, "invalid JSON"},
		{"a wrong type in an exec, the original's", "POST /v1.23/containers/web/exec HTTP/1.1\nHost: x\nContent-Type: text/plain\nContent-Length: 2\n\n{}", 500, "The server encountered an internal error or misconfiguration"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t)
			resp, body := b.raw(tc.request)
			if resp.StatusCode != tc.status || !strings.Contains(body, tc.body) {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
		})
	}
}

func TestHugeBody(t *testing.T) {
	b := newBench(t)
	status, body := b.send("POST", "/v1.44/volumes/create", `{"Name":"`+strings.Repeat("x", 1<<20)+`"}`)
	if status != 413 || !strings.Contains(body, "larger than 1048576 bytes") {
		t.Errorf("%d %.100s", status, body)
	}
}
