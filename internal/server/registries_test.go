package server_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/hypercloud/hyper/internal/cloud/image"
	"github.com/hypercloud/hyper/internal/oops"
)

func TestSearch(t *testing.T) {
	b := newBench(t)
	status, out := b.send("GET", "/v1.23/images/search?term=mysql", "")
	same(t, "status", status, 200)
	same(t, "answer", strings.TrimSpace(out), `[{"star_count":7,"is_official":true,"name":"mysql","is_automated":false,"description":"a database"}]`)
	b.get(`/v1.44/images/search?term=host:5/mysql&limit=3&filters=%7B%22is-official%22%3A%7B%22true%22%3Atrue%7D%7D`)
	same(t, "calls", strings.Join(b.images.calls, "\n"), `search mysql limit=0 map[] as ""
search host:5/mysql limit=3 map[is-official:[true]] as ""`)
	for target, says := range map[string]string{
		"/v1.44/images/search?term=x&limit=0":                            "limit 0 is outside the range of [1, 100]",
		"/v1.44/images/search?term=x&limit=many":                         "limit must be a number",
		"/v1.44/images/search?term=x&filters=%7B%22bogus%22%3A%5B%5D%7D": "bogus",
	} {
		if status, out := b.send("GET", target, ""); status != 400 || !strings.Contains(out, says) {
			t.Errorf("%s: %d %s", target, status, out)
		}
	}
	b.images.err = oops.NotImplemented("host:5 offers no search")
	if status, out := b.send("GET", "/v1.44/images/search?term=host:5/x", ""); status != 501 || !strings.Contains(out, "offers no search") {
		t.Errorf("%d %s", status, out)
	}
}

func TestDistribution(t *testing.T) {
	b := newBench(t)
	who := base64.URLEncoding.EncodeToString([]byte(`{"username":"u","password":"p"}`))
	resp, out := b.raw("GET /v1.44/distribution/host:5/a/b:1/json HTTP/1.1\nHost: x\nX-Registry-Auth: " + who + "\n\n")
	same(t, "status", resp.StatusCode, 200)
	same(t, "answer", strings.TrimSpace(out), `{"Descriptor":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:feed","size":9},"Platforms":[{"architecture":"amd64","os":"linux"}]}`)
	same(t, "request", b.images.asked, image.PullRequest{Ref: "host:5/a/b:1", Username: "u", Password: "p"})
}

func TestPlatformOfImages(t *testing.T) {
	b := newBench(t)
	escape := strings.NewReplacer(`"`, "%22", "{", "%7B", "}", "%7D")
	for target, want := range map[string]int{
		`/v1.49/images/mysql/json?platform={"os":"linux","architecture":"amd64"}`:    200,
		`/v1.49/images/mysql/json?platform={"os":"linux","architecture":"s390x"}`:    404,
		`/v1.49/images/mysql/json?platform=amd64`:                                    400,
		`/v1.48/images/mysql/history?platform={"os":"linux","architecture":"amd64"}`: 200,
		`/v1.48/images/mysql/history?platform={"os":"linux","architecture":"s390x"}`: 404,
	} {
		if status, out := b.send("GET", escape.Replace(target), ""); status != want {
			t.Errorf("%s: %d %s", target, status, out)
		}
	}
}
