package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// volumes compares a volume of Hyper's, a disk of its own on a pool, with a local volume of Docker's, a directory of the machine's
// file system, and with that file system itself.
func (r *rig) volumes(samples, gb int) error {
	fmt.Printf("\n%-34s %12s %12s %12s %8s\n", "volumes", "hyper", "docker", "the host", "ratio")
	if err := r.volumeCommands(samples); err != nil {
		return err
	}
	if err := r.loads(); err != nil {
		return err
	}
	if err := r.commits(); err != nil {
		return err
	}
	return r.serverTimes((samples+2)/3, gb)
}

// one runs a command of one of the two clients, with something to read.
func (r *rig) one(client string, input []byte, args ...string) (string, error) {
	cmd := exec.Command("docker", append([]string{"-H", r.docker}, args...)...)
	if client == "hyper" {
		cmd = exec.Command(filepath.Join(r.Bin, "hyper"), args...)
		cmd.Env = r.clientEnv()
	}
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %v: %w: %s", client, args, err, out)
	}
	return string(out), nil
}

func (r *rig) clientEnv() []string {
	return append(os.Environ(), "HYPER_HOST="+r.Host(), "HYPER_CONFIG="+filepath.Join(r.Dir, "config"), "HOME="+r.Dir)
}

var clients = []string{"hyper", "docker"}

// alternating takes samples of both clients by turns, after one each that warms up, and returns the medians.
func alternating(samples int, sample func(client string, i int) (float64, error)) (hyper, docker float64, err error) {
	all := map[string][]float64{}
	for i := range samples + 1 {
		for _, c := range clients {
			v, err := sample(c, i)
			if err != nil {
				return 0, 0, err
			}
			if i > 0 {
				all[c] = append(all[c], v)
			}
		}
	}
	return middle(all["hyper"]), middle(all["docker"]), nil
}

func middle(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// volumeCommands measures what it costs to make a volume, and that a container has one: attaching it and letting it go.
func (r *rig) volumeCommands(samples int) error {
	timed := func(client string, args ...string) (float64, error) {
		begin := time.Now()
		_, err := r.one(client, nil, args...)
		return ms(time.Since(begin)), err
	}
	for _, tc := range []struct {
		name string
		args func(client string, i int) []string
	}{
		{"volume create (ms)", func(client string, i int) []string {
			if client == "hyper" {
				return []string{"volume", "create", "--name", fmt.Sprintf("v%d", i)}
			}
			return []string{"volume", "create", fmt.Sprintf("v%d", i)}
		}},
		{"run --rm busybox true (ms)", func(string, int) []string { return []string{"run", "--rm", "busybox", "true"} }},
		{"the same with -v v0:/data (ms)", func(string, int) []string { return []string{"run", "--rm", "-v", "v0:/data", "busybox", "true"} }},
	} {
		h, d, err := alternating(samples, func(client string, i int) (float64, error) { return timed(client, tc.args(client, i)...) })
		if err != nil {
			return err
		}
		fmt.Printf("%-34s %12.0f %12.0f %12s %8.2f\n", tc.name, h, d, "", h/d)
	}
	return nil
}

// load builds the program that works on disks.
func (r *rig) load() (string, error) {
	program := filepath.Join(r.Dir, "load")
	if err := build(program, "./test/bench/load"); err != nil {
		return "", err
	}
	return program, nil
}

// loads measures what can be read and written.
func (r *rig) loads() error {
	program, err := r.load()
	if err != nil {
		return err
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	host := filepath.Join(r.Dir, "host")
	if err := os.Mkdir(host, 0o755); err != nil {
		return err
	}
	for _, c := range clients {
		if _, err := r.one(c, nil, "run", "-d", "--name", "load", "-v", "v1:/data", "busybox", "sleep", "100000"); err != nil {
			return err
		}
		if _, err := r.one(c, content, "exec", "-i", "load", "sh", "-c", "cat >/load && chmod +x /load"); err != nil {
			return err
		}
	}
	for _, tc := range []struct{ name, kind string }{
		{"write a file of 256 MB (MB/s)", "write"},
		{"overwrite 4 kB and flush (/s)", "overwrite"},
		{"append 4 kB and flush (/s)", "append"},
		{"read 4 kB anywhere (/s)", "read"},
	} {
		var own []float64
		h, d, err := alternating(3, func(client string, i int) (float64, error) {
			if client == "hyper" && i > 0 { // the host's turn
				out, err := exec.Command(program, tc.kind, host).CombinedOutput()
				v, perr := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
				if err := errors.Join(err, perr); err != nil {
					return 0, fmt.Errorf("%s on the host: %w: %s", tc.kind, err, out)
				}
				own = append(own, v)
			}
			out, err := r.one(client, nil, "exec", "load", "/load", tc.kind, "/data")
			if err != nil {
				return 0, err
			}
			return strconv.ParseFloat(strings.TrimSpace(out), 64)
		})
		if err != nil {
			return err
		}
		fmt.Printf("%-34s %12.0f %12.0f %12.0f %8.2f\n", tc.name, h, d, middle(own), h/d)
	}
	for _, c := range clients {
		if _, err := r.one(c, nil, "rm", "-f", "load"); err != nil {
			return err
		}
	}
	return nil
}

// commits measures the transactions of one client of a MariaDB whose data are on a volume, with its usual settings: each is on disk
// before it is answered.
func (r *rig) commits() error {
	const rows = 2000
	if _, errOut, code := r.Hyper("pull", "mysql"); code != 0 {
		return errors.New(errOut)
	}
	image := strings.TrimPrefix(r.Mirror, "http://") + "/library/mysql"
	for _, args := range [][]string{{"pull", "-q", image}, {"tag", image, "mysql"}} {
		if _, err := r.one("docker", nil, args...); err != nil {
			return err
		}
	}
	defer func() {
		for _, c := range clients {
			_, _ = r.one(c, nil, "rm", "-f", "db")
		}
	}()
	for _, c := range clients {
		size := []string{"--size", "s4"}
		if c == "docker" { // the same
			size = []string{"--memory", "512m", "--cpus", "1"}
		}
		args := slices.Concat([]string{"run", "-d", "--name", "db"}, size, []string{"-e", "MYSQL_ROOT_PASSWORD=bench", "-v", "v2:/var/lib/mysql", "mysql"})
		if _, err := r.one(c, nil, args...); err != nil {
			return err
		}
		if err := r.ready(c); err != nil {
			return err
		}
	}
	script := fmt.Sprintf(`rows=$(yes "INSERT INTO t (filler) VALUES ('0123456789');" | head -n %d)
begin=$(date +%%s%%N); echo "$rows" | mysql -h127.0.0.1 -uroot -pbench test; echo $(( $(date +%%s%%N) - begin ))`, rows)
	h, d, err := alternating(5, func(client string, _ int) (float64, error) {
		out, err := r.one(client, nil, "exec", "db", "sh", "-c", script)
		if err != nil {
			return 0, err
		}
		took, err := strconv.ParseFloat(strings.TrimSpace(out), 64)
		return rows / (took / 1e9), err
	})
	if err != nil {
		return err
	}
	fmt.Printf("%-34s %12.0f %12.0f %12s %8.2f\n", "MariaDB, commits (/s)", h, d, "", h/d)
	return nil
}

// ready waits for a database and makes its table.
func (r *rig) ready(client string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for {
		_, err := r.one(client, nil, "exec", "db", "mysql", "-h127.0.0.1", "-uroot", "-pbench", "-e",
			"CREATE DATABASE IF NOT EXISTS test; CREATE TABLE test.t (n BIGINT AUTO_INCREMENT PRIMARY KEY, filler VARCHAR(100))")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(500 * time.Millisecond):
		}
	}
}
