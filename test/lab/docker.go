package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// StartDocker starts Docker's daemon (Debian's docker.io) in the lab, with data of its own, and returns its address. Images come from the lab's
// registry, if there is one.
func (l *Lab) StartDocker() (host string, err error) {
	for _, p := range []string{"dockerd", "docker"} {
		if _, err := exec.LookPath(p); err != nil {
			return "", fmt.Errorf("%w: install docker.io (scripts/setup test)", err)
		}
	}
	dir := filepath.Join(l.Dir, "docker")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	host = "unix://" + filepath.Join(l.Dir, "docker.sock")
	args := []string{
		"--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "run"), "--pidfile", filepath.Join(dir, "pid"),
		"--cgroup-parent", "/hyper-" + l.Instance + "/dockerd", // so that Close removes it
		"-H", host, "--log-level", "error",
	}
	if l.Mirror != "" {
		args = append(args, "--registry-mirror", l.Mirror)
	}
	cmd := l.Command(context.Background(), "dockerd", args...)
	logf, err := os.Create(filepath.Join(l.Dir, "dockerd.log"))
	if err != nil {
		return "", err
	}
	defer logf.Close()
	cmd.Stdout, cmd.Stderr = logf, logf
	if err := cmd.Start(); err != nil {
		return "", err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	var said bytes.Buffer
	for range 300 {
		said.Reset()
		version := exec.Command("docker", "-H", host, "version")
		version.Stdout, version.Stderr = &said, &said
		if version.Run() == nil {
			return host, nil
		}
		select {
		case <-ended:
			log, _ := os.ReadFile(logf.Name())
			return "", fmt.Errorf("dockerd ended at once:\n%s", log)
		case <-time.After(100 * time.Millisecond):
		}
	}
	log, _ := os.ReadFile(logf.Name())
	return "", errors.Join(errors.New("dockerd did not come up"), errors.New(said.String()+string(log)))
}
