package server_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/jsonmessage"

	"github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/oops"
)

// pullOf is what a pull of two layers tells.
func pullOf() []image.Message {
	return []image.Message{
		{ID: "latest", Status: "Pulling from library/mysql"},
		{ID: "aaaaaaaaaaaa", Status: "Pulling fs layer"},
		{ID: "bbbbbbbbbbbb", Status: "Already exists"},
		{ID: "aaaaaaaaaaaa", Status: "Waiting"},
		{ID: "aaaaaaaaaaaa", Status: "Downloading", Current: 5, Total: 10},
		{ID: "aaaaaaaaaaaa", Status: "Verifying Checksum"},
		{ID: "aaaaaaaaaaaa", Status: "Download complete"},
		{ID: "aaaaaaaaaaaa", Status: "Extracting", Current: 10, Total: 10},
		{ID: "aaaaaaaaaaaa", Status: "Pull complete"},
		{Status: "Digest: sha256:feed"},
		{Status: "Status: Downloaded newer image for mysql:latest"},
	}
}

// Without a terminal one line is left of each layer (walkthrough 2.1).
func TestPullWithoutTerminal(t *testing.T) {
	b := newBench(t)
	b.images.script = pullOf()
	resp, err := b.docker("").ImagePull(context.Background(), "mysql", client.ImagePullOptions{
		RegistryAuth: base64.URLEncoding.EncodeToString([]byte(`{"username":"u","password":"p"}`)),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Close()
	var out bytes.Buffer
	if err := jsonmessage.DisplayJSONMessagesStream(resp, &out, 0, false, nil); err != nil {
		t.Fatal(err)
	}
	same(t, "lines", out.String(), `latest: Pulling from library/mysql
bbbbbbbbbbbb: Already exists
aaaaaaaaaaaa: Pull complete
Digest: sha256:feed
Status: Downloaded newer image for mysql:latest
`)
	same(t, "request", b.images.asked, image.PullRequest{Ref: "docker.io/library/mysql", Tag: "latest", Username: "u", Password: "p"})
}

func TestPullStream(t *testing.T) {
	b := newBench(t)
	b.images.script = pullOf()
	_, body := b.send("POST", "/v1.23/images/create?fromImage=mysql&tag=latest", "")
	golden(t, "pull.jsonl", body)
}

func TestPullFailures(t *testing.T) {
	for _, tc := range []struct {
		name, target string
		script       []image.Message
		err          error
		status       int
		body         string
	}{
		{"missing", "/v1.44/images/create?fromImage=x", nil, oops.NotFound("Error: image library/x not found"), 404, `{"message":"Error: image library/x not found"}`},
		{"missing, the original's", "/v1.23/images/create?fromImage=x", nil, oops.NotFound("Error: image library/x not found"), 404, "Error: image library/x not found\n"},
		{"credentials are needed", "/v1.44/images/create?fromImage=x", nil, oops.Unauthenticated("log in"), 401, `{"message":"log in"}`},
		{"credentials are needed, the original's", "/v1.23/images/create?fromImage=x", nil, oops.Unauthenticated("log in"), 407, "log in\n"},
		{
			"broken off", "/v1.44/images/create?fromImage=x", pullOf()[:1], oops.Unavailable("the registry went away"), 200,
			`{"errorDetail":{"message":"the registry went away"},"error":"the registry went away"}`,
		},
		{"nothing", "/v1.44/images/create", nil, nil, 400, "no image is named"},
		{"import under a bad name", "/v1.44/images/create?fromSrc=-&repo=Not+A+Name", nil, nil, 400, "Not A Name"},
		{"import with a change that needs a build", "/v1.44/images/create?fromSrc=-&changes=RUN+true", nil, nil, 400, "RUN is not a valid change command"},
		{"import for another machine", "/v1.44/images/create?fromSrc=-&platform=linux/s390x", nil, nil, 400, "platform linux/s390x is not offered"},
		{"another machine's", "/v1.44/images/create?fromImage=x&platform=windows%2Famd64", nil, nil, 400, "platform windows/amd64 is not offered"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t)
			b.images.script, b.images.err = tc.script, tc.err
			status, body := b.send("POST", tc.target, "")
			if status != tc.status || !strings.Contains(body, tc.body) {
				t.Errorf("%d %s", status, body)
			}
		})
	}
}

func TestImageShapes(t *testing.T) {
	b := newBench(t)
	for _, tc := range []struct{ file, target string }{
		{"images.json", "/v1.56/images/json"},
		{"images-1.23.json", "/v1.23/images/json?all=1"},
		{"image.json", "/v1.56/images/mysql/json"},
		{"image-1.23.json", "/v1.23/images/mysql/json"},
		{"history.json", "/v1.44/images/mysql/history"},
	} {
		t.Run(tc.file, func(t *testing.T) {
			status, body := b.get(tc.target)
			same(t, "status", status, 200)
			golden(t, tc.file, untagged(indent(t, body)))
		})
	}
}

// untagged takes out when the image got its tag, which depends on the clock.
func untagged(s string) string {
	i := strings.Index(s, `"LastTagTime": "`)
	if i < 0 {
		return s
	}
	i += len(`"LastTagTime": "`)
	return s[:i] + "then" + s[i+strings.Index(s[i:], `"`):]
}

func TestImageCalls(t *testing.T) {
	for _, tc := range []struct {
		method, target string
		status         int
		answer, call   string
	}{
		{"GET", "/v1.23/images/json?filter=mysql", 200, imageID, `list "mysql" map[]`},
		{"GET", "/v1.44/images/json?filter=mysql&filters=%7B%22dangling%22%3A%7B%22true%22%3Atrue%7D%7D", 200, imageID, `list "" map[dangling:[true]]`},
		{"DELETE", "/v1.44/images/registry.example:5000/a/b:1?force=1", 200, `[{"Untagged":"mysql:latest"},{"Deleted":"` + imageID + `"}]`, "remove registry.example:5000/a/b:1 true"},
		{"POST", "/v1.44/images/mysql/tag?repo=mine&tag=1", 201, "", "tag mysql mine 1"},
		{"POST", "/v1.44/images/prune", 200, `"SpaceReclaimed":5000`, "prune true, new ones: true"},
		{"POST", "/v1.44/images/prune?filters=%7B%22until%22%3A%5B%221h%22%5D%7D", 200, `"SpaceReclaimed":5000`, "prune true, new ones: false"},
		{"POST", "/v1.44/images/prune?filters=%7B%22dangling%22%3A%5B%22false%22%5D%7D", 200, `"SpaceReclaimed":5000`, "prune false, new ones: true"},
		{"GET", "/v1.44/images/nope/json", 404, "No such image: nope", ""},
	} {
		t.Run(tc.method+" "+tc.target, func(t *testing.T) {
			b := newBench(t)
			status, body := b.send(tc.method, tc.target, "")
			if status != tc.status || !strings.Contains(body, tc.answer) {
				t.Errorf("%d %s", status, body)
			}
			same(t, "call", strings.Join(b.images.calls, "; "), tc.call)
		})
	}
}
