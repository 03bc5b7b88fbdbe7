package testcontainers

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	tc "github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/exec"
	"github.com/testcontainers/testcontainers-go/wait"
)

var multiplexed = exec.Multiplexed()

const httpd = `echo about to serve; echo a word of complaint >&2; exec httpd -f -p 80 -h /srv`

// get fetches a page from a container's published port.
func get(t *testing.T, ctr *tc.DockerContainer, path string) string {
	t.Helper()
	url, err := ctr.PortEndpoint(t.Context(), "80/tcp", "http")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(url + path)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s%s: %s", url, path, resp.Status)
	}
	return read(t, resp.Body)
}

func TestWeb(t *testing.T) {
	ctx := t.Context()
	ctr := start(t, "busybox", theFIP,
		tc.WithEntrypoint("sh", "-c"), tc.WithCmd(httpd), tc.WithExposedPorts("80/tcp"), tc.WithEnv(map[string]string{"COLOR": "blue"}),
		tc.WithFiles(tc.ContainerFile{Reader: strings.NewReader("the first page"), ContainerFilePath: "/srv/index.html", FileMode: 0o644}),
		tc.WithWaitStrategy(wait.ForLog("about to serve"), wait.ForListeningPort("80/tcp"), wait.ForHTTP("/").WithPort("80/tcp")),
	)
	if got := get(t, ctr, "/"); got != "the first page" {
		t.Errorf("the page is %q", got)
	}

	t.Run("exec", func(t *testing.T) {
		if got := run(t, ctr, "sh", "-c", "echo $COLOR"); got != "blue" {
			t.Errorf("the variable is %q", got)
		}
		code, out, err := ctr.Exec(ctx, []string{"sh", "-c", "pwd; id -u; exit 7"}, multiplexed, exec.WithWorkingDir("/srv"), exec.WithUser("99"))
		if err != nil || code != 7 {
			t.Fatalf("exit %d, %v", code, err)
		}
		if got := read(t, out); got != "/srv\n99" {
			t.Errorf("it says %q", got)
		}
	})
	t.Run("files", func(t *testing.T) {
		if err := ctr.CopyToContainer(ctx, []byte("the second page"), "/srv/second.html", 0o640); err != nil {
			t.Fatal(err)
		}
		if got := get(t, ctr, "/second.html"); got != "the second page" {
			t.Errorf("the page is %q", got)
		}
		if got := run(t, ctr, "stat", "-c", "%a", "/srv/second.html"); got != "640" {
			t.Errorf("its mode is %s", got)
		}
		dir := filepath.Join(t.TempDir(), "pages")
		if err := os.MkdirAll(filepath.Join(dir, "deep"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "deep", "third.html"), []byte("the third page"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := ctr.CopyDirToContainer(ctx, dir, "/srv/pages", 0o755); err != nil {
			t.Fatal(err)
		}
		if got := get(t, ctr, "/pages/deep/third.html"); got != "the third page" {
			t.Errorf("the page is %q", got)
		}
		run(t, ctr, "sh", "-c", "echo made inside >/tmp/made")
		out, err := ctr.CopyFileFromContainer(ctx, "/tmp/made")
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, out); got != "made inside" {
			t.Errorf("the file is %q", got)
		}
		if _, err := ctr.CopyFileFromContainer(ctx, "/tmp/none"); !errdefs.IsNotFound(err) {
			t.Errorf("a file that is not there: %v", err)
		}
	})
	t.Run("logs", func(t *testing.T) {
		out, err := ctr.Logs(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, out); !strings.Contains(got, "about to serve") || !strings.Contains(got, "a word of complaint") {
			t.Errorf("the log is %q", got)
		}
	})
	t.Run("state", func(t *testing.T) {
		if s, err := ctr.State(ctx); err != nil || !s.Running || s.Pid == 0 {
			t.Errorf("%+v, %v", s, err)
		}
		if ip, err := ctr.ContainerIP(ctx); err != nil || !strings.HasPrefix(ip, "172.16.") {
			t.Errorf("its address is %q, %v", ip, err)
		}
		if nets, err := ctr.Networks(ctx); err != nil || len(nets) != 1 || nets[0] != "bridge" {
			t.Errorf("its networks are %v, %v", nets, err)
		}
	})
	t.Run("stop and start", func(t *testing.T) {
		short := time.Second
		if err := ctr.Stop(ctx, &short); err != nil {
			t.Fatal(err)
		}
		if s, err := ctr.State(ctx); err != nil || s.Running {
			t.Errorf("%+v, %v", s, err)
		}
		if err := ctr.Start(ctx); err != nil {
			t.Fatal(err)
		}
		if got := get(t, ctr, "/second.html"); got != "the second page" {
			t.Errorf("the page is %q", got)
		}
	})
	if err := ctr.Terminate(ctx, tc.StopTimeout(0)); err != nil {
		t.Fatal(err)
	}
	wantGone(t, ctr.GetContainerID())
}

// wantGone fails the test unless nothing of the container is there.
func wantGone(t *testing.T, id string) {
	t.Helper()
	docker, err := tc.NewDockerClientWithOpts(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer docker.Close()
	if _, err := docker.ContainerInspect(t.Context(), id, client.ContainerInspectOptions{}); !errdefs.IsNotFound(err) {
		t.Errorf("after its end the container is still there: %v", err)
	}
}
