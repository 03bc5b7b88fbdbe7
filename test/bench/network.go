package main

import (
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

// The machine's address in the lab, and that of a host outside.
const (
	machineAddress = "203.0.113.1"
	outsideAddress = "203.0.113.2"
)

// path is one way for packets to go. A way that a daemon does not have is nil.
type path struct {
	name          string
	hyper, docker func(kind string) (float64, error)
	proxy         func(kind string) (float64, error) // Docker's, by its proxy
}

// network compares what goes through a floating IP, and through a published port of Docker's, with what goes to the container
// directly, and containers with each other and with the outside.
func (r *rig) network(samples int) error {
	program := filepath.Join(r.Dir, "wire")
	if err := build(program, "./test/bench/wire"); err != nil {
		return err
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	if err := r.outside(program); err != nil {
		return err
	}
	addresses := map[string]string{}
	for _, c := range clients {
		size, published := []string{"--size", "s4"}, []string{"-p", "8080", "-p", "8081"}
		if c == "docker" { // the same
			size, published = []string{"--memory", "512m", "--cpus", "1"}, []string{"-p", "8080:8080", "-p", "8081:8081"}
		}
		for name, more := range map[string][]string{"server": published, "caller": nil} {
			if _, err := r.one(c, nil, slices.Concat([]string{"run", "-d", "--name", name}, size, more, []string{"busybox", "sleep", "100000"})...); err != nil {
				return err
			}
			if _, err := r.one(c, content, "exec", "-i", name, "sh", "-c", "cat >/wire && chmod +x /wire"); err != nil {
				return err
			}
		}
		if _, err := r.one(c, nil, "exec", "-d", "server", "/wire", "serve"); err != nil {
			return err
		}
		out, err := r.one(c, nil, "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", "server")
		if err != nil {
			return err
		}
		addresses[c] = strings.TrimSpace(out)
	}
	fip, err := r.one("hyper", nil, "fip", "allocate", "-y", "1")
	if err != nil {
		return err
	}
	fip = strings.TrimSpace(fip)
	if _, err := r.one("hyper", nil, "fip", "attach", fip, "server"); err != nil {
		return err
	}
	router, err := r.Command(context.Background(), "sh", "-c", "ls -d "+r.Dir+"/run/netns/*").Output()
	if err != nil {
		return fmt.Errorf("finding the account's router: %w", err)
	}
	machine := func(host string) func(string) (float64, error) {
		return func(kind string) (float64, error) { return rate(r.Command(context.Background(), program, kind, host)) }
	}
	inside := func(client, host string) func(string) (float64, error) {
		return func(kind string) (float64, error) {
			out, err := r.one(client, nil, "exec", "caller", "/wire", kind, host)
			if err != nil {
				return 0, err
			}
			return strconv.ParseFloat(strings.TrimSpace(out), 64)
		}
	}
	paths := []path{
		{
			"machine to container, directly",
			func(kind string) (float64, error) {
				return rate(r.Command(context.Background(), "nsenter", "--net="+strings.TrimSpace(string(router)), program, kind, addresses["hyper"]))
			},
			machine(addresses["docker"]), nil,
		},
		{"through its public address", machine(fip), machine(machineAddress), machine("127.0.0.1")},
		{"container to container", inside("hyper", addresses["hyper"]), inside("docker", addresses["docker"]), nil},
		{"container to the outside", inside("hyper", outsideAddress), inside("docker", outsideAddress), nil},
	}
	for _, p := range paths { // all are there
		if err := eventually(func() error {
			_, err1 := p.hyper("requests")
			_, err2 := p.docker("requests")
			return errors.Join(err1, err2)
		}); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	for _, kind := range []struct{ name, title string }{
		{"requests", "requests (/s), connections kept"}, {"connections", "requests (/s), a connection for each"}, {"bytes", "one stream (Gbit/s)"},
	} {
		fmt.Printf("\n%-38s %10s %10s %10s %8s %8s\n", kind.title, "hyper", "docker", "its proxy", "ratio", "/direct")
		var direct float64
		for i, p := range paths {
			h, d, x, err := sampled(samples, kind.name, p)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", p.name, kind.name, err)
			}
			proxy, share := "", ""
			if p.proxy != nil {
				proxy = fmt.Sprintf("%.1f", x)
			}
			if i == 0 {
				direct = h
			} else if i == 1 {
				share = fmt.Sprintf("%.2f", h/direct)
			}
			fmt.Printf("%-38s %10.1f %10.1f %10s %8.2f %8s\n", p.name, h, d, proxy, h/d, share)
		}
	}
	return nil
}

// sampled takes samples of each daemon's way in turn, and returns the medians.
func sampled(samples int, kind string, p path) (hyper, docker, proxy float64, err error) {
	var all [3][]float64
	for range samples {
		for i, way := range []func(string) (float64, error){p.hyper, p.docker, p.proxy} {
			if way == nil {
				all[i] = append(all[i], 0)
				continue
			}
			v, err := way(kind)
			if err != nil {
				return 0, 0, 0, err
			}
			all[i] = append(all[i], v)
		}
	}
	return middle(all[0]), middle(all[1]), middle(all[2]), nil
}

// outside makes a host beyond the machine, that serves.
func (r *rig) outside(program string) error {
	script := `ip netns add outside && ip link add uplink type veth peer name eth0 netns outside && ip link set uplink up && ip addr add ` + machineAddress + `/24 dev uplink &&
ip -n outside link set lo up && ip -n outside link set eth0 up && ip -n outside addr add ` + outsideAddress + `/24 dev eth0 && ip -n outside route add default via ` + machineAddress
	if out, err := r.Command(context.Background(), "sh", "-c", script).CombinedOutput(); err != nil {
		return fmt.Errorf("making a host outside: %w: %s", err, out)
	}
	return r.Command(context.Background(), "ip", "netns", "exec", "outside", program, "serve").Start() // ends with the lab
}

func rate(cmd *exec.Cmd) (float64, error) {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%w: %s", err, out)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

func eventually(try func() error) error {
	var err error
	for range 20 {
		if err = try(); err == nil {
			return nil
		}
		time.Sleep(500 * time.Millisecond)
	}
	return err
}

// build makes a static program of a package.
func build(program, pkg string) error {
	cmd := exec.Command("go", "build", "-o", program, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w: %s", pkg, err, out)
	}
	return nil
}
