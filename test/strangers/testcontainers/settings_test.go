package testcontainers

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	tc "github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/exec"
	"github.com/testcontainers/testcontainers-go/wait"
)

// TestSettings has a container with what is set less often: a health check, a user, a directory in memory, commands that come after it.
func TestSettings(t *testing.T) {
	touch := tc.NewRawCommand([]string{"touch", "/scratch/ready"}, exec.WithUser("0"))
	ctr := start(t, "busybox", tc.WithImagePlatform("linux/"+runtime.GOARCH), tc.WithCmd("sleep", "1000"), tc.WithTmpfs(map[string]string{"/scratch": "rw,size=1m"}),
		tc.WithConfigModifier(func(c *container.Config) {
			c.User, c.WorkingDir, c.Hostname = "99", "/scratch", "set"
			c.Healthcheck = &container.HealthConfig{Test: []string{"CMD", "test", "-e", "/scratch/started"}, Interval: 200 * time.Millisecond, Retries: 100}
		}),
		tc.WithHostConfigModifier(func(h *container.HostConfig) {
			h.ExtraHosts, h.CapDrop, h.RestartPolicy = []string{"far:192.0.2.7"}, []string{"NET_RAW"}, container.RestartPolicy{Name: "no"}
		}),
		tc.WithStartupCommand(tc.NewRawCommand([]string{"touch", "/scratch/started"})), tc.WithAfterReadyCommand(touch),
		tc.WithWaitStrategy(wait.ForHealthCheck()),
	)
	if got := run(t, ctr, "sh", "-c", "id -u; pwd; hostname; ls; grep far /etc/hosts"); strings.Join(strings.Fields(got), " ") != "99 /scratch set ready started 192.0.2.7 far" {
		t.Errorf("inside it says %q", got)
	}
}

// TestReuse finds a container again by its name.
func TestReuse(t *testing.T) {
	first := start(t, "busybox", tc.WithCmd("sleep", "1000"), tc.WithReuseByName("reused"))
	again, err := tc.Run(t.Context(), "busybox", tc.WithCmd("sleep", "1000"), tc.WithReuseByName("reused"))
	if err != nil {
		t.Fatal(err)
	}
	if again.GetContainerID() != first.GetContainerID() {
		t.Error("it was made anew")
	}
	if name := run(t, again, "hostname"); !strings.HasPrefix(first.GetContainerID(), name) {
		t.Errorf("its host name is %q", name)
	}
}

// TestErrors has what cannot be fail in words that tell why.
func TestErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		image string
		opt   tc.CustomizeRequestOption
		says  string
	}{
		"an image that there is not":   {"no/such/image:1", tc.WithCmd("true"), "no/such/image"},
		"a command that there is not":  {"busybox", tc.WithCmd("/no/such/command"), "/no/such/command"},
		"an address that it has not":   {"busybox", tc.WithLabels(map[string]string{"sh_hyper_fip": "192.0.2.1"}), "No such floating IP: 192.0.2.1"},
		"a directory of the machine's": {"busybox", tc.WithHostConfigModifier(func(h *container.HostConfig) { h.Binds = []string{"/var/run/docker.sock:/var/run/docker.sock"} }), "/var/run/docker.sock"},
	} {
		t.Run(name, func(t *testing.T) {
			ctr, err := tc.Run(t.Context(), tt.image, tt.opt)
			tc.CleanupContainer(t, ctr)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error is %v", err)
			}
			t.Log(err)
		})
	}
}
