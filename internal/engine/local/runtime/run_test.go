package runtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/hypercloud/hyper/internal/boottime"
	"github.com/hypercloud/hyper/internal/engine"
)

func TestRun(t *testing.T) {
	for _, c := range []struct {
		name           string
		args           []string
		change         func(*engine.RunSpec)
		code           int
		stdout, stderr string
	}{
		{name: "output of both kinds", args: []string{"sh", "-c", "echo out; echo err >&2"}, stdout: "out\n", stderr: "err\n"},
		{name: "exit code", args: []string{"sh", "-c", "exit 7"}, code: 7},
		{name: "a child that is killed", args: []string{"sh", "-c", "sh -c 'kill -9 $$'; exit $?"}, code: 137, stderr: "Killed\n"},
		{name: "no newline at the end", args: []string{"sh", "-c", "echo -n half"}, stdout: "half"},
		{name: "root by default", args: []string{"id"}, stdout: "uid=0(root) gid=0(root) groups=0(root)\n"},
		{name: "user by name", args: []string{"id"}, change: func(s *engine.RunSpec) { s.User = "web" }, stdout: "uid=1000(web) gid=1001(web) groups=29(audio),1001(web)\n"},
		{name: "user and group by number", args: []string{"id"}, change: func(s *engine.RunSpec) { s.User = "77:44" }, stdout: "uid=77 gid=44(video) groups=44(video)\n"},
		{name: "further groups", args: []string{"id", "-G"}, change: func(s *engine.RunSpec) { s.GroupAdd = []string{"video", "12"} }, stdout: "0 12 44\n"},
		{name: "home of the user", args: []string{"sh", "-c", "echo $HOME"}, change: func(s *engine.RunSpec) { s.User = "web" }, stdout: "/home/web\n"},
		{name: "working directory is made", args: []string{"sh", "-c", "pwd; stat -c %u:%g ."}, change: func(s *engine.RunSpec) { s.WorkingDir = "/srv/new/./dir" }, stdout: "/srv/new/dir\n0:0\n"},
		{name: "working directory is the user's", args: []string{"sh", "-c", "touch here && stat -c %u:%g . /srv"}, change: func(s *engine.RunSpec) { s.WorkingDir, s.User = "/srv/new", "web" }, stdout: "1000:1001\n1000:1001\n"},
		{name: "environment", args: []string{"sh", "-c", "echo $A"}, change: func(s *engine.RunSpec) { s.Env = append(s.Env, "A=b c") }, stdout: "b c\n"},
		{name: "hostname", args: []string{"hostname"}, stdout: "subject\n"},
		{name: "init", args: []string{"sh", "-c", "echo $PPID; exit 4"}, change: func(s *engine.RunSpec) { s.Init = true }, code: 4, stdout: "1\n"},
		{name: "init without a command", args: []string{"nothing"}, change: func(s *engine.RunSpec) { s.Init = true }, code: 127, stderr: "hyper-init: exec: \"nothing\": executable file not found in $PATH\n"},
		{name: "read-only", args: []string{"touch", "/x"}, change: func(s *engine.RunSpec) { s.ReadOnly = true }, code: 1, stderr: "touch: /x: Read-only file system\n"},
		{name: "shm", args: []string{"sh", "-c", "grep -c 'shm.*size=65536k' /proc/mounts"}, stdout: "1\n"},
		{name: "tmpfs", args: []string{"sh", "-c", "stat -c %a /t; grep -c ' /t tmpfs .*noexec.*size=1024k' /proc/mounts"}, change: func(s *engine.RunSpec) { s.Tmpfs = map[string]string{"/t": "size=1m,mode=1770"} }, stdout: "1770\n1\n"},
		{name: "sysctls", args: []string{"cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start", "/proc/sys/net/ipv4/ping_group_range"}, stdout: "0\n0\t65535\n"},
		{name: "own sysctl", args: []string{"cat", "/proc/sys/net/ipv4/ip_forward"}, change: func(s *engine.RunSpec) { s.Sysctls = map[string]string{"net.ipv4.ip_forward": "1"} }, stdout: "1\n"},
		{name: "no new mounts", args: []string{"mount", "-t", "tmpfs", "none", "/tmp"}, code: 1, stderr: "mount: permission denied (are you root?)\n"},
		{name: "masked", args: []string{"sh", "-c", "cat /proc/timer_list /proc/keys | wc -c"}, stdout: "0\n"},
		{name: "a program that is none", args: []string{"/bin/broken"}, code: 255, stderr: "exec /bin/broken: exec format error\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := container(t, c.args...)
			if c.change != nil {
				c.change(&s.spec)
			}
			code, stdout, stderr := s.run()
			if code != c.code || stdout != c.stdout || stderr != c.stderr {
				t.Errorf("got %d\n%q\n%q\nwant %d\n%q\n%q", code, stdout, stderr, c.code, c.stdout, c.stderr)
			}
			if left := s.remains(); left != nil {
				t.Errorf("its process has left %v", left)
			}
		})
	}
}

func TestLimitsOfProcesses(t *testing.T) {
	code, out, _ := container(t, "sh", "-c", "ulimit -n; ulimit -Hn").run()
	want := fmt.Sprintf("%d\n%[1]d\n", rlimits()[0].Hard)
	if code != 0 || out != want {
		t.Errorf("got %q, want %q", out, want)
	}
	if mayRaise() && rlimits()[0].Hard != limitFiles {
		t.Errorf("%d open files", rlimits()[0].Hard)
	}
}

func TestRootInsideIsNobodyOutside(t *testing.T) {
	c := container(t, "sleep", "60")
	pid := c.start()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("Uid:\t%d\t", c.a.HostID()); !strings.Contains(string(raw), want) {
		t.Errorf("no %q in %s", want, raw)
	}
	if !strings.Contains(string(raw), "Seccomp:\t2") {
		t.Error("no seccomp filter")
	}
}

func TestFilesOfTheRootFileSystemStay(t *testing.T) {
	c := container(t, "sh", "-c", "echo x >> /root/count; wc -l < /root/count")
	for n := 1; n <= 2; n++ {
		c.start()
		c.wait()
	}
	if out := c.logs("stdout"); out != "1\n2\n" {
		t.Errorf("got %q", out)
	}
	if n, err := c.r.RootfsUsage(t.Context(), c.a, c.id); err != nil || n <= 0 {
		t.Errorf("usage %d, %v", n, err)
	}
}

func TestACommandThatCannotBeRun(t *testing.T) {
	for _, c := range []struct {
		name   string
		args   []string
		cwd    string
		code   int
		phrase string
	}{
		{"not in PATH", []string{"foo"}, "", 127, `exec: "foo": executable file not found in $PATH`},
		{"no such file", []string{"/bin/foo"}, "", 127, `exec: "/bin/foo": stat /bin/foo: no such file or directory`},
		{"not executable", []string{"/etc/noexec"}, "", 126, `exec: "/etc/noexec": permission denied`},
		{"a directory", []string{"/etc"}, "", 126, `exec: "/etc": is a directory`},
		{"working directory is a file", []string{"true"}, "/etc/passwd", 126, "not a directory"},
		{"a name that looks like another error", []string{"error mounting no space left on device"}, "", 127, "executable file not found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := container(t, c.args...)
			s.spec.WorkingDir = c.cwd
			_, err := s.r.StartContainer(t.Context(), s.a, s.spec, nil)
			var cmd *engine.CommandError
			if !errors.As(err, &cmd) || cmd.Code != c.code || !strings.Contains(cmd.Msg, c.phrase) {
				t.Errorf("got %#v: %v", cmd, err)
			}
			if left := s.remains(); left != nil {
				t.Errorf("it has left %v", left)
			}
		})
	}
}

func TestASpecThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*engine.RunSpec)
		phrase string
	}{
		{"user", func(s *engine.RunSpec) { s.User = "nobodyhere" }, "unable to find user nobodyhere"},
		{"user beyond the range", func(s *engine.RunSpec) { s.User = "huge" }, "70000"},
		{"group", func(s *engine.RunSpec) { s.GroupAdd = []string{"nogroup"} }, "unable to find the groups"},
		{"capability", func(s *engine.RunSpec) { s.CapAdd = []string{"sys_admin"} }, "CAP_SYS_ADMIN cannot be added"},
		{"all capabilities", func(s *engine.RunSpec) { s.CapAdd = []string{"ALL"} }, "CAP_ALL cannot be added"},
		{"sysctl", func(s *engine.RunSpec) { s.Sysctls = map[string]string{"kernel.core_pattern": "|/bin/sh"} }, `sysctl "kernel.core_pattern"`},
		{"sysctl with a path", func(s *engine.RunSpec) { s.Sysctls = map[string]string{"net./../kernel/hostname": "x"} }, "sysctl"},
		{"tmpfs option", func(s *engine.RunSpec) { s.Tmpfs = map[string]string{"/t": "context=x"} }, `tmpfs option "context=x"`},
		{"mount at /", func(s *engine.RunSpec) { s.Mounts = []engine.Mount{{Source: "/var", Destination: "//"}} }, "nothing can be mounted"},
		{"volume over a file", func(s *engine.RunSpec) { s.Mounts = []engine.Mount{{Source: "/var/tmp", Destination: "/etc/passwd"}} }, "the image has a file there"},
		{"file over a directory", func(s *engine.RunSpec) { s.Mounts = []engine.Mount{{Source: "/etc/hostname", Destination: "/etc"}} }, "the image has a directory there"},
		{"volume over /proc", func(s *engine.RunSpec) { s.Mounts = []engine.Mount{{Source: "/var/tmp", Destination: "/proc/sys"}} }, "/proc/sys"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := container(t, "true")
			c.change(&s.spec)
			_, err := s.r.StartContainer(t.Context(), s.a, s.spec, nil)
			if !errdefs.IsInvalidArgument(err) || !strings.Contains(err.Error(), c.phrase) {
				t.Errorf("got %v", err)
			}
			if left := s.remains(); left != nil {
				t.Errorf("it has left %v", left)
			}
		})
	}
}

func TestTheNetworkIsThereBeforeTheProcessRuns(t *testing.T) {
	c := container(t, "sh", "-c", "cat /proc/sys/net/ipv4/ip_forward")
	var seen int
	before := boottime.Now()
	started, err := c.r.StartContainer(t.Context(), c.a, c.spec, func(_ context.Context, pid int) error {
		seen = pid
		link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid))
		own, _ := os.Readlink("/proc/self/ns/net")
		if link == own {
			t.Error("it shares the machine's network")
		}
		return err
	})
	if err != nil || started.Pid != seen || started.Pid == 0 || started.Boot <= before || started.Boot >= boottime.Now() {
		t.Errorf("pids %d and %d, started at %v, %v", started.Pid, seen, started.Boot, err)
	}
	c.wait()
}

func TestAStartWithoutNetworkLeavesNothing(t *testing.T) {
	c := container(t, "sleep", "60")
	cause := errors.New("no address left")
	if _, err := c.r.StartContainer(t.Context(), c.a, c.spec, func(context.Context, int) error { return cause }); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	if left := c.remains(); left != nil {
		t.Errorf("it has left %v", left)
	}
	c.start() // and it can be started again
}

func TestAnAccountReachesNothingOfAnother(t *testing.T) {
	c := container(t, "sleep", "60")
	c.start()
	other := accountNumber(t, 1)
	for name, call := range map[string]func() error{
		"signal": func() error { return c.r.Signal(t.Context(), other, c.id, 9) },
		"pause":  func() error { return c.r.Pause(t.Context(), other, c.id) },
		"stats":  func() error { _, err := c.r.Stats(t.Context(), other, c.id); return err },
		"pids":   func() error { _, err := c.r.Processes(t.Context(), other, c.id); return err },
		"usage":  func() error { _, err := c.r.RootfsUsage(t.Context(), other, c.id); return err },
		"exec": func() error {
			_, err := c.r.Exec(t.Context(), other, c.id, engine.ExecSpec{ID: newID(), Args: []string{"true"}}, engine.Streams{}, nil)
			return err
		},
		"adopt": func() error { return c.r.Adopt(t.Context(), other, c.id, c.spec.Log) },
	} {
		if err := call(); !errdefs.IsNotFound(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := c.r.RemoveContainer(t.Context(), other, c.id); err != nil {
		t.Error(err)
	}
	if list, err := c.r.Tasks(t.Context(), other); err != nil || len(list) != 0 {
		t.Errorf("tasks %v, %v", list, err)
	}
	if _, err := c.r.Processes(t.Context(), c.a, c.id); err != nil {
		t.Errorf("it does not run any more: %v", err)
	}
}
