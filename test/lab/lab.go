// Package lab gives a test a machine of its own: a hyperd in private network, mount and pid namespaces,
// with a data directory that goes away afterwards.
//
// The namespaces are held by a first process (the test binary itself, see Init). Ending it is what a power cut
// is to a machine: every process, mount and interface is gone at once, and the data directory stays.
package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const initEnv = "HYPER_LAB_INIT"

// Init must be called first in TestMain: in the lab's first process it does not return.
func Init() {
	if os.Getenv(initEnv) == "" {
		return
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		fatal("making mounts private", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		fatal("mounting /proc", err)
	}
	// hyperd keeps sockets in /run where its run directory's name is too long for them.
	if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		fatal("mounting /run", err)
	}
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		fatal("bringing up lo: "+string(out), err)
	}
	fmt.Println("ready")
	for { // reap whatever is orphaned, for ever
		var st unix.WaitStatus
		if _, err := unix.Wait4(-1, &st, 0, nil); errors.Is(err, unix.ECHILD) {
			time.Sleep(50 * time.Millisecond)
		}
	}
}

func fatal(what string, err error) {
	fmt.Fprintf(os.Stderr, "lab: %s: %v\n", what, err)
	os.Exit(1)
}

// Lab is one such machine.
type Lab struct {
	Dir      string // holds data, run and logs
	Bin      string // directory of hyper and hyperd
	Mirror   string // base URL of the registry with the fixture images, inside the lab
	Instance string
	Env      []string // for hyperd: failpoints

	registry string // command line of the registry, "" for none
	holder   *exec.Cmd
	hyperd   *exec.Cmd
	services []*exec.Cmd
}

// New makes the namespaces. root is the repository's root; the binaries must have been built.
func New(root, instance string) (*Lab, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("these tests make namespaces and mounts: run them as root")
	}
	bin := filepath.Join(root, "bin")
	for _, b := range []string{"hyper", "hyperd"} {
		if _, err := os.Stat(filepath.Join(bin, b)); err != nil {
			return nil, fmt.Errorf("%w: run 'make build' first", err)
		}
	}
	dir, err := os.MkdirTemp("/var/tmp", "hyper-lab-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	l := &Lab{Dir: dir, Bin: bin, Instance: instance}
	return l, l.boot()
}

func (l *Lab) boot() error {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), initEnv+"=1")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := startFromThread(cmd); err != nil {
		return fmt.Errorf("making namespaces: %w", err)
	}
	l.holder = cmd
	line := make([]byte, 6)
	if _, err := io.ReadFull(out, line); err != nil {
		return errors.New("the lab's first process did not come up")
	}
	return nil
}

// startFromThread starts a command whose Pdeathsig is meant for the death of this program: the kernel sends it when the thread
// that has started the command ends, so that is one which does not.
func startFromThread(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		started <- cmd.Start()
		select {}
	}()
	return <-started
}

// Command is a command inside the lab.
func (l *Lab) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	pid := strconv.Itoa(l.holder.Process.Pid)
	all := append([]string{"-t", pid, "-n", "-m", "-p", "-i", "--", name}, args...)
	return exec.CommandContext(ctx, "nsenter", all...)
}

// Dial connects to an address inside the lab, from the local address that from names if it is not "".
func (l *Lab) Dial(ctx context.Context, network, addr, from string) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	done := make(chan result, 1)
	go func() {
		runtime.LockOSThread() // the thread is in the lab for good, and ends with this goroutine
		ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", l.holder.Process.Pid))
		if err != nil {
			done <- result{err: err}
			return
		}
		defer ns.Close()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- result{err: err}
			return
		}
		var d net.Dialer
		if from != "" {
			d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
		}
		conn, err := d.DialContext(ctx, network, addr)
		done <- result{conn, err}
	}()
	r := <-done
	return r.conn, r.err
}

// Host is the address of the lab's hyperd.
func (l *Lab) Host() string { return "unix://" + l.socket() }

func (l *Lab) socket() string { return filepath.Join(l.Dir, "run", "hyper.sock") }

// StartRegistry serves the images under dir (a registry's storage) inside the lab.
func (l *Lab) StartRegistry(program, dir string) error {
	conf := filepath.Join(l.Dir, "registry.yml")
	text := "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: " + dir +
		"}, maintenance: {readonly: {enabled: true}}}\nhttp: {addr: 127.0.0.1:5000}\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return err
	}
	l.registry, l.Mirror = program+"\x00"+conf, "http://127.0.0.1:5000"
	return l.startRegistry()
}

func (l *Lab) startRegistry() error {
	program, conf, _ := strings.Cut(l.registry, "\x00")
	cmd := l.Command(context.Background(), program, "serve", conf)
	logf, err := os.Create(filepath.Join(l.Dir, "registry.log"))
	if err != nil {
		return err
	}
	defer logf.Close()
	cmd.Stdout, cmd.Stderr = logf, logf
	if err := cmd.Start(); err != nil {
		return err
	}
	l.services = append(l.services, cmd)
	for range 300 {
		if l.Command(context.Background(), "curl", "-fsS", "-m", "5", "-o", "/dev/null", l.Mirror+"/v2/").Run() == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	said, _ := os.ReadFile(logf.Name())
	return fmt.Errorf("the registry did not answer:\n%s", said)
}

// Start starts hyperd with further arguments and waits until it answers.
func (l *Lab) Start(args ...string) error {
	all := []string{"--data-root", filepath.Join(l.Dir, "data"), "--run-dir", filepath.Join(l.Dir, "run"), "--host", l.Host(), "--instance", l.Instance}
	if l.Mirror != "" {
		all = append(all, "--registry-mirror", l.Mirror)
	}
	cmd := l.Command(context.Background(), filepath.Join(l.Bin, "hyperd"), append(all, args...)...)
	logf, err := os.OpenFile(filepath.Join(l.Dir, "hyperd.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer logf.Close()
	cmd.Stdout, cmd.Stderr = logf, logf
	cmd.Env = append(os.Environ(), l.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	l.hyperd = cmd
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	deadline := time.Now().Add(60 * time.Second)
	for time.Now().Before(deadline) {
		if l.Answers() {
			return nil
		}
		select {
		case err := <-exited:
			return fmt.Errorf("hyperd ended at once (%v):\n%s", err, l.Log())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("hyperd did not answer within a minute:\n%s", l.Log())
}

// Answers reports whether hyperd serves its socket.
func (l *Lab) Answers() bool {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", l.socket())
		}}}
	resp, err := client.Get("http://hyper/_ping")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Log is the end of what hyperd said.
func (l *Lab) Log() string {
	b, _ := os.ReadFile(filepath.Join(l.Dir, "hyperd.log"))
	if len(b) > 8000 {
		b = b[len(b)-8000:]
	}
	return string(b)
}

// daemonPid is hyperd itself, below nsenter.
func (l *Lab) daemonPid() (int, error) {
	if l.hyperd == nil {
		return 0, errors.New("hyperd was not started")
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", l.hyperd.Process.Pid, l.hyperd.Process.Pid))
	if err != nil {
		return 0, err
	}
	f := strings.Fields(string(b))
	if len(f) == 0 {
		return 0, errors.New("hyperd is not running")
	}
	return strconv.Atoi(f[0])
}

// Kill ends hyperd by SIGKILL and leaves everything else as it is.
func (l *Lab) Kill() error { return l.signal(syscall.SIGKILL) }

// Stop ends hyperd as an operator would.
func (l *Lab) Stop() error { return l.signal(syscall.SIGTERM) }

func (l *Lab) signal(sig syscall.Signal) error {
	pid, err := l.daemonPid()
	if err != nil {
		return nil //nolint:nilerr // it has ended already
	}
	if err := syscall.Kill(pid, sig); err != nil {
		return err
	}
	return l.WaitDown()
}

// WaitDown waits until hyperd is gone.
func (l *Lab) WaitDown() error {
	for range 600 {
		if _, err := l.daemonPid(); err != nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.New("hyperd did not end within 30 s")
}

// Reboot is a power cut and a new start of the machine, without hyperd.
func (l *Lab) Reboot() error {
	l.powerOff()
	if err := os.RemoveAll(filepath.Join(l.Dir, "run")); err != nil {
		return err
	}
	if err := l.boot(); err != nil {
		return err
	}
	if l.registry != "" {
		return l.startRegistry()
	}
	return nil
}

func (l *Lab) powerOff() {
	_ = l.holder.Process.Kill()
	_ = l.holder.Wait()
	for _, s := range l.services {
		_ = s.Wait()
	}
	l.services = nil
	time.Sleep(200 * time.Millisecond)
}

// Close takes the lab down and removes its directory.
func (l *Lab) Close() error {
	_ = l.Stop()
	l.powerOff()
	l.removeCgroups()
	return os.RemoveAll(l.Dir)
}

func (l *Lab) removeCgroups() {
	for _, pattern := range []string{"/sys/fs/cgroup/*/hyper-" + l.Instance, "/sys/fs/cgroup/hyper-" + l.Instance} {
		roots, _ := filepath.Glob(pattern)
		for _, r := range roots {
			var dirs []string
			_ = filepath.WalkDir(r, func(p string, d os.DirEntry, err error) error {
				if err == nil && d.IsDir() {
					dirs = append(dirs, p)
				}
				return nil
			})
			for i := len(dirs) - 1; i >= 0; i-- {
				_ = os.Remove(dirs[i])
			}
		}
	}
}

// Hyper runs the client and returns what it printed.
func (l *Lab) Hyper(args ...string) (stdout, stderr string, code int) {
	cmd := exec.Command(filepath.Join(l.Bin, "hyper"), args...)
	cmd.Env = append(os.Environ(), "HYPER_HOST="+l.Host(), "HYPER_CONFIG="+filepath.Join(l.Dir, "config"), "HOME="+l.Dir)
	var out, errb bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errb
	if err := cmd.Run(); err != nil {
		var x *exec.ExitError
		if !errors.As(err, &x) {
			return "", err.Error(), -1
		}
	}
	return out.String(), errb.String(), cmd.ProcessState.ExitCode()
}
