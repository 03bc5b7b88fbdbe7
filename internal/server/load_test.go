package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/moby/moby/client"

	"github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/oops"
)

func TestLoadBody(t *testing.T) {
	b := newBench(t)
	resp, err := b.docker("").ImageLoad(context.Background(), strings.NewReader("the archive"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Close()
	raw, err := io.ReadAll(resp)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "answer", string(raw), `{"status":"Loading layer","progressDetail":{"current":1,"total":2},"id":"aaaaaaaaaaaa"}
{"stream":"Loaded image: mysql:latest\n"}
{"stream":"Loaded image ID: `+imageID+`\n"}
`)
	same(t, "calls", strings.Join(b.images.calls, "; "), "load the archive")
}

func TestLoadFromURL(t *testing.T) {
	const done = `{"status":"mysql:latest(` + imageID + `) has been loaded."}
{"status":"` + imageID + ` has been loaded."}
`
	for _, tc := range []struct {
		name, body string
		err        error
		status     int
		want       string
	}{
		{"loud", `{"fromSrc":"http://x/y.tar","quiet":false}`, nil, 200,
			`{"status":"Starting to download and load the image archive, please wait..."}
{"status":"Loading layer","progressDetail":{"current":1,"total":2},"id":"aaaaaaaaaaaa"}
` + done},
		{"quiet", `{"fromSrc":"http://x/y.tar","quiet":true}`, nil, 200, ""},
		{"another scheme", `{"fromSrc":"ftp://x/y.tar"}`, nil, 400, "Bad request parameters: Get ftp://x/y.tar: unsupported protocol scheme \"ftp\"\n"},
		{"a broken archive", `{"fromSrc":"http://x/y.tar"}`, oops.Invalid("invalid argument"), 200, `"errorDetail":{"message":"invalid argument"}`},
		{"a broken archive, quietly", `{"fromSrc":"http://x/y.tar","quiet":true}`, oops.Invalid("invalid argument"), 400, "invalid argument\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t)
			b.images.err = tc.err
			status, body := b.send("POST", "/v1.23/images/load", tc.body)
			if tc.err == nil && body != tc.want || !strings.Contains(body, tc.want) || status != tc.status {
				t.Errorf("%d %s", status, body)
			}
		})
	}
}

// The original's client sends so many bytes after the 101, does not end its side, and reads then.
func TestLoadOnTheConnection(t *testing.T) {
	for _, tc := range []struct {
		name, query string
		err         error
		want        string
	}{
		{"loud", "", nil, `{"status":"Starting to load the image archive, please wait..."}
{"status":"Loading layer","progressDetail":{"current":1,"total":2},"id":"aaaaaaaaaaaa"}
{"status":"mysql:latest(` + imageID + `) has been loaded."}
{"status":"` + imageID + ` has been loaded."}
`},
		{"quiet", "&quiet=true", nil, ""},
		{"refused", "&quiet=true", oops.Exhausted("Exceeded quota"), `{"errorDetail":{"message":"Exceeded quota"},"error":"Exceeded quota"}` + "\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t)
			b.images.err = tc.err
			conn := b.dial()
			const archive = "exactly this"
			fmt.Fprintf(conn, "POST /v1.23/images/load?file=true%s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nX-Hyper-Content-Length: %d\r\nContent-Length: 0\r\n\r\n", tc.query, len(archive))
			in := bufio.NewReader(conn)
			resp, err := http.ReadResponse(in, nil)
			if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("%v %v", resp, err)
			}
			if in.Buffered() > 0 {
				t.Error("something came right behind the head")
			}
			if _, err := io.WriteString(conn, archive+"more"); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(in)
			if err != nil || string(got) != tc.want {
				t.Errorf("%s %v", got, err)
			}
			b.images.mu.Lock()
			defer b.images.mu.Unlock()
			same(t, "calls", strings.Join(b.images.calls, "; "), "load "+archive)
		})
	}
}

func TestLoadRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		request, says string
	}{
		"nothing":      {"POST /v1.23/images/load?file=true HTTP/1.1\nHost: x\nUpgrade: tcp\nX-Hyper-Content-Length: 0\nContent-Length: 0\n\n", "is 0, should be greater than zero and less than or equal to 4294967295"},
		"too much":     {"POST /v1.23/images/load?file=true HTTP/1.1\nHost: x\nUpgrade: tcp\nX-Hyper-Content-Length: 4294967296\nContent-Length: 0\n\n", "is 4294967296, should be"},
		"no number":    {"POST /v1.23/images/load?file=true HTTP/1.1\nHost: x\nUpgrade: tcp\nContent-Length: 0\n\n", "must tell the archive's size"},
		"no upgrade":   {"POST /v1.23/images/load?file=true HTTP/1.1\nHost: x\nX-Hyper-Content-Length: 5\nContent-Length: 0\n\n", "Upgrade: tcp"},
		"empty body":   {"POST /v1.44/images/load HTTP/1.1\nHost: x\nContent-Length: 0\n\n", "is 0, should be"},
		"a large body": {"POST /v1.44/images/load HTTP/1.1\nHost: x\nContent-Length: 4294967296\n\n", "is 4294967296, should be"},
		"elsewhere's":  {"POST /v1.48/images/load?platform=%7B%22os%22%3A%22linux%22%2C%22architecture%22%3A%22s390x%22%7D HTTP/1.1\nHost: x\nContent-Length: 1\n\nx", "linux/s390x is not offered"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := newBench(t).raw(tc.request)
			if resp.StatusCode != 400 || !strings.Contains(body, tc.says) {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
		})
	}
}

func TestSaveDiffAndPush(t *testing.T) {
	b := newBench(t)
	_, body := b.send("POST", "/v1.23/images/diff", `{"layers":[["sha256:a","sha256:b"]],"repoTags":[["x:1"]]}`)
	same(t, "diff", strings.TrimSpace(body), `{"existLayers":["sha256:a"]}`)
	resp, err := b.docker("").ImageSave(context.Background(), []string{"mysql", "nginx:1"})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(resp)
	resp.Close()
	if err != nil || string(raw) != "archive" {
		t.Errorf("%s %v", raw, err)
	}
	b.images.script = []image.Message{{Status: "The push refers to repository [docker.io/me/x]"}, {ID: "aaaaaaaaaaaa", Status: "Pushed"}}
	push, err := b.docker("").ImagePush(context.Background(), "me/x:1", client.ImagePushOptions{RegistryAuth: "eyJ1c2VybmFtZSI6InUiLCJwYXNzd29yZCI6InAifQ=="})
	if err != nil {
		t.Fatal(err)
	}
	raw, err = io.ReadAll(push)
	push.Close()
	if err != nil || !strings.Contains(string(raw), `"aux":{"Digest":"sha256:feed","Size":7,"Tag":"latest"}`) {
		t.Errorf("%s %v", raw, err)
	}
	b.images.script, b.images.err = nil, oops.Unauthenticated("denied")
	if status, body := b.send("POST", "/v1.23/images/me/x/push?tag=1", ""); status != 401 || body != "denied\n" {
		t.Errorf("%d %s", status, body)
	}
	same(t, "calls", strings.Join(b.images.calls, "; "), "present [[sha256:a sha256:b]]; save [mysql nginx:1]; "+
		"push {Ref:docker.io/me/x Tag:1 Username:u Password:p Token:}; push {Ref:me/x Tag:1 Username: Password: Token:}")
}
