package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	docker "github.com/moby/moby/client"
	"github.com/tonistiigi/fsutil"

	"github.com/hypercloud/hyper/test/lab"
)

const twoStages = `FROM busybox AS made
ARG WHO=nobody
COPY greeting /
RUN echo "$(cat /greeting), $WHO" > /said
FROM busybox
COPY --from=made /said /said
LABEL made=here
CMD ["cat", "/said"]
`

// buildDir makes a directory to build.
func buildDir(t *testing.T, dockerfile string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"Dockerfile": dockerfile, "greeting": "hello", "left-out": "x", ".dockerignore": "left-out\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestBuild builds images as a user does: by hyper, by docker, by what Docker's buildx speaks, and by compose.
func TestBuild(t *testing.T) {
	l := newLab(t, "e2ed")
	hyper(t, l, "pull", "busybox")
	dir := buildDir(t, twoStages)

	t.Run("hyper", func(t *testing.T) {
		out := hyper(t, l, "build", "-t", "one", "--build-arg", "WHO=ann", dir)
		if !strings.Contains(out, "Successfully tagged one:latest") {
			t.Errorf("the build says\n%s", out)
		}
		if said := hyper(t, l, "run", "--rm", "one"); said != "hello, ann\n" {
			t.Errorf("what was built says %q", said)
		}
		id := strings.TrimSpace(hyper(t, l, "build", "-q", "--build-arg", "WHO=ann", "-t", "again:1", dir))
		if want := strings.TrimSpace(hyper(t, l, "inspect", "-f", "{{.Id}}", "one")); id != want {
			t.Errorf("the same again is %s, it was %s", id, want)
		}
		if said := hyper(t, l, "run", "--rm", "again:1"); said != "hello, ann\n" {
			t.Errorf("what was built says %q", said)
		}
		if labels := hyper(t, l, "inspect", "-f", "{{json .Config.Labels}}", "one"); labels != `{"made":"here"}`+"\n" {
			t.Errorf("its labels are %s", labels)
		}
	})
	t.Run("what was built is a base", func(t *testing.T) {
		hyper(t, l, "build", "-q", "-t", "two", buildDir(t, "FROM one\nRUN cp /said /twice && cat /said >> /twice\nCMD cat /twice\n"))
		if said := hyper(t, l, "run", "--rm", "two"); said != "hello, ann\nhello, ann\n" {
			t.Errorf("what was built says %q", said)
		}
	})
	t.Run("docker", func(t *testing.T) {
		cmd := l.Command(t.Context(), "docker", "build", "--label", "by=docker", "-t", "three", dir)
		cmd.Env = append(os.Environ(), "DOCKER_HOST="+l.Host(), "DOCKER_BUILDKIT=0", "HOME="+t.TempDir())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if said := hyper(t, l, "run", "--rm", "three"); said != "hello, nobody\n" {
			t.Errorf("what was built says %q", said)
		}
	})
	t.Run("buildx's way", func(t *testing.T) { buildByKit(t, l) })
	t.Run("compose", func(t *testing.T) {
		home, project := t.TempDir(), buildDir(t, twoStages)
		if err := installCompose(home); err != nil {
			t.Fatal(err)
		}
		file := "name: made\nservices:\n  web:\n    build:\n      context: .\n      args: {WHO: compose}\n    network_mode: bridge\n"
		if err := os.WriteFile(filepath.Join(project, "compose.yaml"), []byte(file), 0o644); err != nil {
			t.Fatal(err)
		}
		compose := func(args ...string) string {
			cmd := l.Command(t.Context(), "docker", append([]string{"compose", "-f", filepath.Join(project, "compose.yaml")}, args...)...)
			cmd.Env = append(os.Environ(), "DOCKER_HOST="+l.Host(), "DOCKER_BUILDKIT=0", "HOME="+home)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("compose %v: %v\n%s", args, err, out)
			}
			return string(out)
		}
		if out := compose("up", "--build"); !strings.Contains(out, "hello, compose") {
			t.Errorf("it says\n%s", out)
		}
		compose("down", "--rmi", "all")

		ours := []string{"compose", "-f", filepath.Join(project, "compose.yaml")}
		if out := hyper(t, l, append(ours, "up")...); !strings.Contains(out, "web-1 | hello, compose") {
			t.Errorf("it says\n%s", out)
		}
		hyper(t, l, append(ours, "build", "--build-arg", "WHO=again")...)
		if said := hyper(t, l, "run", "--rm", "made-web"); said != "hello, again\n" {
			t.Errorf("what was built says %q", said)
		}
		hyper(t, l, append(ours, "down", "--rmi", "local")...)
		if left := hyper(t, l, "images", "-q", "made-web"); left != "" {
			t.Errorf("the image %s is left", left)
		}
	})
	t.Run("what is wrong", func(t *testing.T) { wrongBuilds(t, l) })
	t.Run("nothing else runs in the builder", func(t *testing.T) {
		for _, args := range [][]string{{"exec", "hyper-buildkit", "/usr/libexec/hyper/runc", "--version"}, {"cp", filepath.Join(dir, "greeting"), "hyper-buildkit:/var/lib/buildkit/x"},
			{"create", "--volumes-from", "hyper-buildkit", "busybox"}} {
			if _, errOut, code := l.Hyper(args...); code == 0 || !strings.Contains(errOut, "builds images: nothing else can be run in it") {
				t.Errorf("%v ends with %d and says %s", args, code, errOut)
			}
		}
	})
	t.Run("its cache", func(t *testing.T) {
		var gone struct{ SpaceReclaimed int64 }
		if err := json.Unmarshal([]byte(post(t, l, "/build/prune?all=1", "")), &gone); err != nil || gone.SpaceReclaimed == 0 {
			t.Errorf("pruning frees %v: %v", gone, err)
		}
	})
	t.Run("it is removed as any container", func(t *testing.T) {
		hyper(t, l, "rm", "-f", "hyper-buildkit")
		hyper(t, l, "volume", "rm", "hyper-buildkit")
		before := len(strings.Fields(hyper(t, l, "images", "-a", "-q", "--filter", "dangling=true")))
		defer func() {
			if after := len(strings.Fields(hyper(t, l, "images", "-a", "-q", "--filter", "dangling=true"))); after > before {
				t.Errorf("%d images without a name came with it", after-before)
			}
		}()
		if out := hyper(t, l, "build", "-t", "last", dir); !strings.Contains(out, "Successfully tagged last:latest") {
			t.Errorf("the build says\n%s", out)
		}
	})
}

// wrongBuilds fail with a sentence, and leave nothing.
func wrongBuilds(t *testing.T, l *lab.Lab) {
	before := hyper(t, l, "images", "-a", "-q")
	for dockerfile, want := range map[string]string{
		"FROM busybox\nRUN exit 3\n":      "did not complete successfully: exit code: 3",
		"FROM busybox\nRUNN x\n":          "unknown instruction: RUNN",
		"":                                "Dockerfile cannot be empty",
		"FROM busybox\nCOPY nothing /\n":  "/nothing",
		"FROM busybox\nCOPY left-out /\n": "/left-out",
		"FROM busybox\nRUN mount -t tmpfs x /mnt\n":                "did not complete successfully",
		"FROM busybox\nRUN --security=insecure true\n":             "security.insecure is not allowed",
		"FROM busybox\nRUN --network=host true\n":                  "network.host is not allowed",
		"FROM busybox\nRUN unshare -U true\n":                      "did not complete successfully",
		"FROM busybox\nRUN echo x > /proc/sys/kernel/domainname\n": "did not complete successfully",
	} {
		_, errOut, code := l.Hyper("build", "-t", "wrong", buildDir(t, dockerfile))
		if code != 1 || !strings.Contains(errOut, want) {
			t.Errorf("a build of %q ends with %d and says\n%s\nwhich has not %q", dockerfile, code, errOut, want)
		}
	}
	dir := buildDir(t, twoStages)
	for _, tc := range []struct{ args, want string }{
		{"--network=container:x", "networkmode=container:x is not offered"}, {"--platform=linux/s390x", "platform linux/s390x is not offered"},
		{"--target=nowhere", `target stage "nowhere" could not be found`}, {"-t=UPPER", "must be lowercase"},
	} {
		if _, errOut, code := l.Hyper("build", tc.args, dir); code == 0 || !strings.Contains(errOut, tc.want) {
			t.Errorf("%s ends with %d and says %s", tc.args, code, errOut)
		}
	}
	if after := hyper(t, l, "images", "-a", "-q"); after != before {
		t.Errorf("there were the images\n%s\nand are\n%s", before, after)
	}
}

// kit connects as buildx's docker driver does: by two connections of Docker's API that are taken over.
func kit(t *testing.T, l *lab.Lab) *client.Client {
	t.Helper()
	api, err := docker.New(docker.WithHost(l.Host()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { api.Close() })
	hijack := func(ctx context.Context, target, proto string, meta map[string][]string) (net.Conn, error) {
		return api.DialHijack(ctx, target, proto, meta)
	}
	c, err := client.New(t.Context(), "",
		client.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return hijack(ctx, "/grpc", "h2c", nil) }),
		client.WithSessionDialer(func(ctx context.Context, proto string, meta map[string][]string) (net.Conn, error) {
			return hijack(ctx, "/session", proto, meta)
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// buildByKit builds an image that stays, with a secret and a mount of the cache; and one whose files come back.
func buildByKit(t *testing.T, l *lab.Lab) {
	dir := buildDir(t, "FROM busybox\nCOPY greeting /\nRUN --mount=type=cache,target=/c --mount=type=secret,id=word <<EOF\ncat /greeting /run/secrets/word > /said\nEOF\nCMD cat /said\n")
	files, err := fsutil.NewFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := kit(t, l)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	solve := func(ex client.ExportEntry) map[string]string {
		t.Helper()
		resp, err := c.Solve(ctx, nil, client.SolveOpt{
			Frontend: "dockerfile.v0", LocalMounts: map[string]fsutil.FS{"context": files, "dockerfile": files}, Exports: []client.ExportEntry{ex},
			Session: []session.Attachable{secretsprovider.FromMap(map[string][]byte{"word": []byte(" sesame")})},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return resp.ExporterResponse
	}
	made := solve(client.ExportEntry{Type: "moby", Attrs: map[string]string{"name": "four"}})
	if said := hyper(t, l, "run", "--rm", "four"); said != "hello sesame" {
		t.Errorf("what was built says %q", said)
	}
	if id := strings.TrimSpace(hyper(t, l, "inspect", "-f", "{{.Id}}", "four")); made["containerimage.config.digest"] != id {
		t.Errorf("the client is told of %v, the image is %s", made, id)
	}
	out := t.TempDir()
	solve(client.ExportEntry{Type: "local", OutputDir: out})
	if text, err := os.ReadFile(filepath.Join(out, "said")); err != nil || string(text) != "hello sesame" {
		t.Errorf("what came back holds %q: %v", text, err)
	}
	if _, err := c.Solve(ctx, nil, client.SolveOpt{
		Frontend: "dockerfile.v0", LocalMounts: map[string]fsutil.FS{"context": files, "dockerfile": files},
		Exports: []client.ExportEntry{{Type: "moby", Attrs: map[string]string{"name": "NOT:A:NAME"}}},
		Session: []session.Attachable{secretsprovider.FromMap(map[string][]byte{"word": []byte(" sesame")})},
	}, nil); err == nil {
		t.Error("an image got a name that is none")
	}
}

// TestBuildsAreApart lets one account build of another's image, by its name and by its digest: neither is found.
func TestBuildsAreApart(t *testing.T) {
	l := newLab(t, "e2ex")
	for _, name := range []string{"ann", "bob"} {
		hyper(t, l, "admin", "account", "create", name)
	}
	hyper(t, l, "--account", "ann", "pull", "busybox")
	hyper(t, l, "--account", "ann", "build", "-q", "-t", "private", buildDir(t, twoStages))
	if out, errOut, code := l.Hyper("--account", "bob", "build", buildDir(t, "FROM private\n")); code != 1 || !strings.Contains(errOut, "private") {
		t.Errorf("bob's build of it ends with %d: %s %s", code, out, errOut)
	}
	if got := hyper(t, l, "--account", "bob", "ps", "--format", "{{.Names}}"); got != "hyper-buildkit\n" {
		t.Errorf("bob has the containers %q", got)
	}
	for _, name := range []string{"ann", "bob"} {
		hyper(t, l, "admin", "account", "rm", "-f", name)
	}
}

// TestKilledWhileABuilderIsMade ends hyperd while an account's builder comes to be: what is there afterwards is whole, and builds.
func TestKilledWhileABuilderIsMade(t *testing.T) {
	l := newLab(t, "e2ej")
	hyper(t, l, "pull", "busybox")
	dir := buildDir(t, twoStages)
	for _, point := range []string{"build.builder.after-image", "build.builder.after-create"} {
		t.Run(point, func(t *testing.T) {
			restart(t, l, "HYPER_FAILPOINT="+point)
			_, _, _ = l.Hyper("build", dir)
			if err := l.WaitDown(); err != nil {
				t.Fatal("the build did not reach the point")
			}
			restart(t, l)
			hyper(t, l, "build", "-q", "-t", "made", dir)
			if said := hyper(t, l, "run", "--rm", "made"); said != "hello, nobody\n" {
				t.Errorf("what was built says %q", said)
			}
			hyper(t, l, "rm", "-f", "hyper-buildkit")
			hyper(t, l, "volume", "rm", "hyper-buildkit")
			if got := strings.Fields(hyper(t, l, "images", "-q", "hyper/buildkit")); len(got) != 1 {
				t.Errorf("there are %d images of builders", len(got))
			}
		})
	}
}

// TestBuildersClientGoes ends a build's client in its middle: nothing of it goes on, and the next one builds.
func TestBuildersClientGoes(t *testing.T) {
	l := newLab(t, "e2eg")
	hyper(t, l, "pull", "busybox")
	ctx, cancel := context.WithCancel(t.Context())
	body, feed := io.Pipe()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://hyper/build?t=never", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-tar")
	web := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", strings.TrimPrefix(l.Host(), "unix://"))
	}}}
	done := make(chan error, 1)
	go func() {
		resp, err := web.Do(req)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		done <- err
	}()
	fmt.Fprint(feed, strings.Repeat("\x00", 100)) // the beginning of an archive
	eventually(t, "the builder runs", func() string {
		if !strings.Contains(hyper(t, l, "ps", "--format", "{{.Names}}"), "hyper-buildkit") {
			return "it does not"
		}
		return ""
	})
	cancel()
	feed.CloseWithError(io.ErrUnexpectedEOF)
	<-done
	eventually(t, "no process talks to buildkitd", func() string {
		out, errOut, code := l.Hyper("top", "hyper-buildkit")
		if code != 0 || strings.Contains(out, "hyper-builder ") {
			return out + errOut
		}
		return ""
	})
	hyper(t, l, "build", "-q", buildDir(t, twoStages))
	if out := hyper(t, l, "images", "-q", "never"); out != "" {
		t.Errorf("the image %s was built", out)
	}
}
