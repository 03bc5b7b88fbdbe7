package container

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/hypercloud/hyper/internal/engine"
)

func TestChanges(t *testing.T) {
	for name, tc := range map[string]struct {
		changes []string
		want    string // of the config, as JSON; or
		says    string // the error
	}{
		"nothing":            {nil, `{"Env":["A=b"]}`, ""},
		"a command":          {[]string{`CMD ["sh","-c","x y"]`}, `{"Env":["A=b"],"Cmd":["sh","-c","x y"]}`, ""},
		"a line":             {[]string{`CMD x y`}, `{"Env":["A=b"],"Cmd":["/bin/sh","-c","x y"]}`, ""},
		"another shell":      {[]string{`SHELL ["bash","-c"]`, `ENTRYPOINT x`}, `{"Env":["A=b"],"Entrypoint":["bash","-c","x"]} {"Shell":["bash","-c"]}`, ""},
		"variables":          {[]string{`ENV A=1 C="d e"`, `env F ${A}g`}, `{"Env":["A=1","C=d e","F=1g"]}`, ""},
		"ports":              {[]string{`EXPOSE 80 53/udp`}, `{"ExposedPorts":{"53/udp":{},"80/tcp":{}},"Env":["A=b"]}`, ""},
		"labels":             {[]string{`LABEL a=1 "b c"="d"`}, `{"Env":["A=b"],"Labels":{"a":"1","b c":"d"}}`, ""},
		"a user":             {[]string{`USER me:us`}, `{"User":"me:us","Env":["A=b"]}`, ""},
		"volumes":            {[]string{`VOLUME /a /b`, `VOLUME ["/c d"]`}, `{"Env":["A=b"],"Volumes":{"/a":{},"/b":{},"/c d":{}}}`, ""},
		"directories":        {[]string{`WORKDIR /a`, `WORKDIR b/../c`}, `{"Env":["A=b"],"WorkingDir":"/a/c"}`, ""},
		"a signal":           {[]string{`STOPSIGNAL INT`}, `{"Env":["A=b"],"StopSignal":"INT"}`, ""},
		"a health check":     {[]string{`HEALTHCHECK --interval=5s CMD true`}, `{"Env":["A=b"]} {"Healthcheck":{"Test":["CMD-SHELL","true"],"Interval":5000000000}}`, ""},
		"for later":          {[]string{`ONBUILD RUN x`}, `{"Env":["A=b"]} {"OnBuild":["RUN x"]}`, ""},
		"a build":            {[]string{`RUN rm -rf /`}, "", "RUN is not a valid change command"},
		"files":              {[]string{`COPY / /`}, "", "COPY is not a valid change command"},
		"another base":       {[]string{`FROM x`}, "", "FROM is not a valid change command"},
		"two in one":         {[]string{"USER a\nADD http://x /"}, "", "ADD is not a valid change command"},
		"nonsense":           {[]string{`EXPOSE port`}, "", "Invalid"},
		"an unclosed quote":  {[]string{`ENV a="b`}, "", "cannot"},
		"an unknown signal":  {[]string{`STOPSIGNAL NONE`}, "", "NONE"},
		"a missing argument": {[]string{`USER`}, "", "cannot be"},
		"too much":           {[]string{"LABEL a=" + strings.Repeat("x", maxChanges)}, "", "more than 65536"},
	} {
		t.Run(name, func(t *testing.T) {
			c, d := ocispec.ImageConfig{Env: []string{"A=b"}}, engine.DockerConfig{}
			err := applyChanges(&c, &d, tc.changes)
			if tc.says != "" {
				if err == nil || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("%v", err)
				}
				return
			}
			raw, _ := json.Marshal(c)
			got := string(raw)
			if raw, _ := json.Marshal(d); string(raw) != "{}" {
				got += " " + string(raw)
			}
			if err != nil || got != tc.want {
				t.Errorf("%s %v", got, err)
			}
		})
	}
}

func TestCommit(t *testing.T) {
	w := newWorld(t)
	c := w.started(t, CreateRequest{Image: "db", Name: "web", Env: []string{"B=2"}})
	const runs = "Bad request parameters: only stopped container could be committed"
	if _, err := w.Commit(t.Context(), w.a, "web", CommitRequest{}); err == nil || err.Error() != runs {
		t.Errorf("while it runs: %v", err)
	}
	now := 0
	if err := w.Stop(t.Context(), w.a, "web", StopOptions{Timeout: &now}); err != nil {
		t.Fatal(err)
	}
	img, err := w.Commit(t.Context(), w.a, "web", CommitRequest{
		Repository: "me/web", Tag: "v1", Comment: "a message", Author: "Demo", Changes: []string{"ENV A=1", `CMD ["sh"]`},
		Override: ocispec.ImageConfig{User: "me"},
	})
	if err != nil {
		t.Fatal(err)
	}
	row, err := w.Images.Find(w.a, "me/web:v1")
	if err != nil || row.ID != img {
		t.Fatalf("%v %v", row, err)
	}
	cfg := row.Config.Config
	if got := fmt.Sprint(cfg.Env, cfg.Cmd, cfg.User, cfg.ExposedPorts, cfg.Volumes, row.Config.Author, row.Config.History[0].Comment); got !=
		"[B=2 A=1] [sh]memap[3306/tcp:{}] map[/var/lib/db:{}]Demoa message" {
		t.Errorf("its config is %s", got)
	}
	if tags, digests := w.Images.Names(w.a, img); fmt.Sprint(tags, digests) != "[me/web:v1] []" {
		t.Errorf("its names are %v %v", tags, digests)
	}
	if _, err := w.Commit(t.Context(), w.a, c.ID, CommitRequest{}); err != nil {
		t.Errorf("by id, without a name: %v", err)
	}
	for name, req := range map[string]CommitRequest{"a bad name": {Repository: "../x"}, "a bad change": {Changes: []string{"RUN x"}}, "scratch": {Repository: "scratch"}} {
		if _, err := w.Commit(t.Context(), w.a, "web", req); err == nil {
			t.Errorf("%s: it goes well", name)
		}
	}
	if _, err := w.Commit(t.Context(), w.a, "none", CommitRequest{}); !errdefs.IsNotFound(err) {
		t.Errorf("of none: %v", err)
	}
}
