package main

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
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hypercloud/hyper/test/lab"
)

// What Docker's own client costs against hyperd, beside the same client against dockerd: lists, streams, copies, pulls; and what a thousand
// containers that have ended weigh in each daemon. Samples alternate between the two.

// unpaced is hyperd's configuration for it: how fast output can be carried is not to be seen while the account's rate bounds it.
const unpaced = "limits: {log-rate: 0}\n"

// apiVersion is one that both daemons speak.
const apiVersion = "v1.41"

// clientRows measures Docker's client with both daemons.
func (r *rig) clientRows(samples, containers int, only string) (err error) {
	if r.only, err = regexp.Compile(only); err != nil {
		return err
	}
	fmt.Printf("Docker's client with both daemons; load %s; hyperd without limits.log-rate\n", loadAverage())
	fmt.Printf("\n%-42s %3s %10s %10s %10s %10s %8s\n", "medians (and the least of each)", "n", "hyperd", "(least)", "dockerd", "(least)", "ratio")
	for _, part := range []func() error{
		func() error { return r.transfers(5) },
		func() error { return r.pullRows(3) },
		func() error { return r.crowdRows(samples, containers) },
	} {
		if err := part(); err != nil {
			return err
		}
	}
	fmt.Printf("load %s\n", loadAverage())
	return nil
}

// dockerTo is a command of Docker's client with one of the two daemons.
func (r *rig) dockerTo(client string, args ...string) *exec.Cmd {
	host := r.docker
	if client == "hyper" {
		host = r.Host()
	}
	return exec.Command("docker", append([]string{"-H", host}, args...)...)
}

// do runs a command of Docker's client and returns what it printed.
func (r *rig) do(client string, args ...string) (string, error) {
	cmd := r.dockerTo(client, args...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("docker %v with %s: %w: %s", args, client, err, said.Bytes())
	}
	return strings.TrimSpace(out.String()), nil
}

// beside prints a row of figures that are better when they are less. The first sample of each warms up.
func (r *rig) beside(name, format string, samples int, sample func(client string, i int) (float64, error)) error {
	if !r.only.MatchString(name) {
		return nil
	}
	all := map[string][]float64{}
	for i := range samples + 1 {
		for _, c := range clients {
			v, err := sample(c, i)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if i > 0 {
				all[c] = append(all[c], v)
			}
		}
	}
	h, d := middle(all["hyper"]), middle(all["docker"])
	shown := func(v float64) string { return fmt.Sprintf(format, v) }
	fmt.Printf("%-42s %3d %10s %10s %10s %10s %8.2f\n", name, samples, shown(h), shown(slices.Min(all["hyper"])), shown(d), shown(slices.Min(all["docker"])), h/d)
	return nil
}

// timed is how many of a unit a call takes.
func timed(unit time.Duration, call func() error) (float64, error) {
	begin := time.Now()
	err := call()
	return float64(time.Since(begin)) / float64(unit), err
}

// crowdRows measures both daemons with many containers that do not run.
func (r *rig) crowdRows(samples, containers int) error {
	if !r.only.MatchString("list") && !r.only.MatchString("inspect") && !r.only.MatchString("memory") && !r.only.MatchString("docker ps -a") {
		return nil
	}
	for _, c := range clients {
		if err := r.crowd(c, containers); err != nil {
			return err
		}
	}
	if err := r.lists(samples, containers); err != nil {
		return err
	}
	return r.weights(containers)
}

// crowd makes containers, has each run its command to its end, several at a time, and waits until the daemon says so.
func (r *rig) crowd(client string, n int) error {
	ask := r.asker(client)
	begin := time.Now()
	err := inParallel(n, 4, func(i int) error {
		name := fmt.Sprintf("crowd%d", i)
		if _, err := ask(http.MethodPost, "/containers/create?name="+name, `{"Image":"busybox","Cmd":["true"]}`); err != nil {
			return err
		}
		_, err := ask(http.MethodPost, "/containers/"+name+"/start", "")
		return err
	})
	if err != nil {
		return err
	}
	if err := eventually(func() error {
		out, err := r.do(client, "ps", "-q")
		if err == nil && out != "" {
			err = fmt.Errorf("containers of %s still run", client)
		}
		return err
	}); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d containers made and run with %s in %.0f s\n", n, client, time.Since(begin).Seconds())
	return nil
}

// lists measures the list of all containers, and one of them.
func (r *rig) lists(samples, containers int) error {
	asks := map[string]func(method, path, body string) ([]byte, error){}
	for _, c := range clients {
		asks[c] = r.asker(c)
	}
	for _, row := range []struct{ name, path string }{
		{fmt.Sprintf("list of %d ended, the server (ms)", containers), "/containers/json?all=1"},
		{"inspect of one, the server (ms)", "/containers/crowd7/json"},
	} {
		err := r.beside(row.name, "%.2f", 5*samples, func(client string, _ int) (float64, error) {
			return timed(time.Millisecond, func() error {
				_, err := asks[client](http.MethodGet, row.path, "")
				return err
			})
		})
		if err != nil {
			return err
		}
	}
	for _, row := range []struct {
		name string
		args []string
	}{
		{"docker ps -a, the command (ms)", []string{"ps", "-a"}},
		{"docker inspect, the command (ms)", []string{"inspect", "crowd7"}},
	} {
		err := r.beside(row.name, "%.0f", samples, func(client string, _ int) (float64, error) {
			return timed(time.Millisecond, func() error {
				_, err := r.do(client, row.args...)
				return err
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// asker asks a daemon at its socket, without a client's start, over connections that are kept.
func (r *rig) asker(client string) func(method, path, body string) ([]byte, error) {
	socket := strings.TrimPrefix(r.docker, "unix://")
	if client == "hyper" {
		socket = strings.TrimPrefix(r.Host(), "unix://")
	}
	http1 := &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 8,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}
	return func(method, path, body string) ([]byte, error) {
		req, err := http.NewRequestWithContext(context.Background(), method, "http://daemon/"+apiVersion+path, strings.NewReader(body))
		if err != nil {
			return nil, err
		}
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		resp, err := http1.Do(req)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode >= 300 {
			err = fmt.Errorf("%s %s with %s: %s: %s", method, path, client, resp.Status, answer)
		}
		return answer, err
	}
}

// weights prints what the daemons and their helpers weigh.
func (r *rig) weights(containers int) error {
	time.Sleep(5 * time.Second) // what was needed for the work before is given back
	all := map[string][]string{
		"hyper":  {"hyperd", "hyper/containerd-shim", "hyper/hyper-files", "hyper/runc"},
		"docker": {"dockerd", "containerd", "bin/containerd-shim", "docker-proxy"},
	}
	for _, kind := range []string{"Pss", "Rss"} {
		h, d := r.size(kind, all["hyper"]...), r.size(kind, all["docker"]...)
		if h == 0 || d == 0 {
			return errors.New("the daemons' memory cannot be read")
		}
		name := fmt.Sprintf("memory, %d ended, %s (MB)", containers, strings.ToUpper(kind))
		fmt.Printf("%-42s %3d %10.0f %10s %10.0f %10s %8.2f\n", name, 1, float64(h)/1e6, "", float64(d)/1e6, "", float64(h)/float64(d))
	}
	return nil
}

// inParallel calls fn with 0 to n-1, at most so many at a time.
func inParallel(n, at int, fn func(i int) error) error {
	var wg sync.WaitGroup
	next := make(chan int)
	errs := make([]error, at)
	for w := range at {
		wg.Go(func() {
			for i := range next {
				if errs[w] == nil {
					errs[w] = fn(i)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	return errors.Join(errs...)
}

func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(b))[:2], " ")
}

// unpacedConfig writes hyperd's configuration and returns its path.
func (r *rig) unpacedConfig() (string, error) {
	path := filepath.Join(r.Dir, "hyperd.yml")
	return path, os.WriteFile(path, []byte(unpaced), 0o600)
}

// withBoth starts both daemons as clientRows wants them, and calls fn.
func withBoth(fn func(*rig) error) error {
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	l, err := lab.New(root, "bench")
	if err != nil {
		return err
	}
	defer l.Close()
	closeAtSignal(l)
	if err := l.StartRegistry(os.Getenv("HYPER_TEST_REGISTRY"), os.Getenv("HYPER_TEST_IMAGES")); err != nil {
		return err
	}
	r := &rig{Lab: l}
	config, err := r.unpacedConfig()
	if err != nil {
		return err
	}
	if err := l.Start("--config", config, "--fetch-allow", "127.0.0.1/32"); err != nil { // the registries on the machine
		return err
	}
	if r.docker, err = l.StartDocker(); err != nil {
		return err
	}
	if err := r.images(); err != nil {
		return err
	}
	return fn(r)
}
