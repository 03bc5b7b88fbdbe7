package image

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/docker/cli/cli/streams"
	"github.com/hypercloud/hyper/internal/cli/listing"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/api/types/registry"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func TestImagesLayout(t *testing.T) {
	const id = "sha256:a39777a1a4a6ffffffffffff"
	nginx := image.Summary{
		ID: id, Created: now.Add(-72 * time.Hour).Unix(), Size: 181_600_000,
		RepoTags: []string{"nginx:latest", "localhost:5000/nginx:1"}, RepoDigests: []string{"nginx@sha256:0123"},
	}
	unnamed := image.Summary{ID: id, Created: now.Add(-time.Minute).Unix(), Size: 5}
	byDigest := image.Summary{ID: id, Created: now.Add(-time.Minute).Unix(), RepoDigests: []string{"redis@sha256:4567"}}
	for name, c := range map[string]struct {
		images  []image.Summary
		digests bool
		want    string
	}{
		"a row for each name": {[]image.Summary{nginx}, false, `
REPOSITORY             TAG                 IMAGE ID            CREATED             SIZE
nginx                  latest              a39777a1a4a6        3 days ago          181.6 MB
localhost:5000/nginx   1                   a39777a1a4a6        3 days ago          181.6 MB
`},
		"no name": {[]image.Summary{unnamed}, false, `
REPOSITORY          TAG                 IMAGE ID            CREATED              SIZE
<none>              <none>              a39777a1a4a6        About a minute ago   5 B
`},
		"digests": {[]image.Summary{byDigest}, true, `
REPOSITORY          TAG                 DIGEST              IMAGE ID            CREATED              SIZE
redis               <none>              sha256:4567         a39777a1a4a6        About a minute ago   0 B
`},
		"none": {nil, false, `
REPOSITORY          TAG                 IMAGE ID            CREATED             SIZE
`},
	} {
		t.Run(name, func(t *testing.T) {
			var rows []row
			for _, i := range c.images {
				rows = append(rows, rowsOf(i, c.digests, false, now)...)
			}
			var b strings.Builder
			if err := listing.Write(&b, imageListing(c.digests), "", false, rows); err != nil {
				t.Fatal(err)
			}
			if got, want := b.String(), c.want[1:]; got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

func TestHistoryCutsLongInstructions(t *testing.T) {
	i := image.HistoryResponseItem{
		ID: "<missing>", Created: now.Add(-time.Hour).Unix(), Size: 2_000_000,
		CreatedBy: "RUN /bin/sh -c  apt-get update && apt-get install -y curl",
	}
	got := layerOf(i, historyOptions{human: true}, now)
	if got.CreatedBy != "RUN /bin/sh -c apt-get update && apt-get i..." || got.CreatedSince != "About an hour ago" || got.Size != "2 MB" {
		t.Errorf("got %+v", got)
	}
	if whole := layerOf(i, historyOptions{noTrunc: true}, now); !strings.HasSuffix(whole.CreatedBy, "install -y curl") || whole.Size != "2000000" {
		t.Errorf("got %+v", whole)
	}
}

func TestPullInALogHasALineForEachLayer(t *testing.T) {
	messages := func(yield func(jsonstream.Message, error) bool) {
		for _, m := range []jsonstream.Message{
			{ID: "latest", Status: "Pulling from library/nginx"},
			{ID: "5a132a7e7af1", Status: "Pulling fs layer"},
			{ID: "5a132a7e7af1", Status: "Downloading", Progress: &jsonstream.Progress{Current: 1, Total: 2}},
			{ID: "5a132a7e7af1", Status: "Pull complete", Progress: &jsonstream.Progress{}},
			{ID: "6b132a7e7af2", Status: "Already exists"},
			{Status: "Digest: sha256:01"},
		} {
			if !yield(m, nil) {
				return
			}
		}
	}
	var b strings.Builder
	if err := show(messages, streams.NewOut(&b)); err != nil {
		t.Fatal(err)
	}
	want := "latest: Pulling from library/nginx\n5a132a7e7af1: Pull complete\n6b132a7e7af2: Already exists\nDigest: sha256:01\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestPullErrorsEndIt(t *testing.T) {
	failing := func(yield func(jsonstream.Message, error) bool) {
		yield(jsonstream.Message{Error: &jsonstream.Error{Message: "image library/x not found"}}, nil)
	}
	if err := show(failing, nil); err == nil || err.Error() != "image library/x not found" {
		t.Errorf("got %v", err)
	}
	broken := func(yield func(jsonstream.Message, error) bool) { yield(jsonstream.Message{}, io.ErrUnexpectedEOF) }
	if err := show(broken, nil); err != io.ErrUnexpectedEOF {
		t.Errorf("got %v", err)
	}
}

func TestSearchLayout(t *testing.T) {
	long := "a lamp that shines, and whose description is longer than what a line of the table has room for"
	results := []registry.SearchResult{
		{Name: "lamp", Description: long, StarCount: 120, IsOfficial: true},
		{Name: "joe/lamp", Description: "two\nlines\x1b[31m", StarCount: 3, IsAutomated: true},
	}
	for name, c := range map[string]struct {
		noTrunc bool
		results []registry.SearchResult
		want    string
	}{
		"cut": {false, results, `
NAME       DESCRIPTION                                     STARS     OFFICIAL   AUTOMATED
lamp       a lamp that shines, and whose description ...   120       [OK]       
joe/lamp   two lines [31m                                  3                    [OK]
`},
		"whole": {true, results[:1], `
NAME      DESCRIPTION                                                                                      STARS     OFFICIAL   AUTOMATED
lamp      ` + long + `   120       [OK]       
`},
		"none": {false, nil, `
NAME      DESCRIPTION   STARS     OFFICIAL   AUTOMATED
`},
	} {
		t.Run(name, func(t *testing.T) {
			var rows []found
			for _, r := range c.results {
				rows = append(rows, foundRow(r, c.noTrunc))
			}
			var b strings.Builder
			if err := listing.Write(&b, searchListing, "", false, rows); err != nil {
				t.Fatal(err)
			}
			if got, want := b.String(), c.want[1:]; got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

// The first client's flags are filters of today's.
func TestSearchFilters(t *testing.T) {
	o := searchOptions{automated: true, stars: 5}
	f := o.filters()
	if !f["is-automated"]["true"] || !f["stars"]["5"] || len(f) != 2 {
		t.Errorf("%v", f)
	}
	for term, want := range map[string]string{"lamp": "x", "joe/lamp": "x", "host:5/joe/lamp": "host:5/x", "a.example/b": "a.example/x", "Not A Name": "x"} {
		if got := searched(term); got != want {
			t.Errorf("%s is about %s", term, got)
		}
	}
}
