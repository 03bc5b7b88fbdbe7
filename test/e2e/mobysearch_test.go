package e2e

import (
	"fmt"
	"net/http"
	"os"
	"testing"

	"github.com/hypercloud/hyper/test/lab"
)

// searchEnv tells this program to be a server that answers searches.
const searchEnv = "HYPER_TEST_SEARCH"

// serveSearch answers as the search of a registry does that has two images.
func serveSearch(addr string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/_ping", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Docker-Registry-Standalone", "false")
		fmt.Fprint(w, "true")
	})
	mux.HandleFunc("GET /v1/search", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("q") != "lamp" {
			fmt.Fprint(w, `{"num_results": 0, "query": "", "results": []}`)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"num_results": 2, "query": "lamp", "results": [
			{"name": "lamp", "description": "the lamp that everybody has, and whose description is longer than a line", "star_count": 12, "is_official": true, "is_automated": false},
			{"name": "joe/lamp", "description": "another", "star_count": 3, "is_official": false, "is_automated": false}]}`)
	})
	return http.ListenAndServe(addr, mux)
}

// startSearchable runs such a server in the lab.
func startSearchable(t *testing.T, l *lab.Lab) {
	t.Helper()
	t.Setenv(searchEnv, searchable)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	runInLab(t, l, searchable, program)
}
