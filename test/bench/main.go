// Command bench prints, in one run on one machine, what Hyper's commands cost beside Docker's and runc's.
//
// hyperd and dockerd (Debian's docker.io) run in one lab: same namespaces, same disk, same busybox image from the
// same registry. Samples alternate between the two, so that a noisy machine disturbs both; medians and ratios are
// printed. It measures and does not judge: nothing here fails a build.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hypercloud/hyper/test/lab"
)

func main() {
	lab.Init()
	samples := flag.Int("n", 15, "samples of each short command")
	parallel := flag.Int("parallel", 100, "containers started at once")
	fairness := flag.Bool("fairness", false, "measure instead what a noisy account does to another one")
	only := flag.String("only", "", "of the noises, or of the rows of -clients, those whose names this regular expression matches")
	volumes := flag.Bool("volumes", false, "measure volumes only")
	network := flag.Bool("network", false, "measure the network only")
	meters := flag.Bool("metering", false, "measure the ledger and bills only")
	entries := flag.Int("entries", 10_000_000, "entries of the measured ledger")
	docker := flag.Bool("clients", false, "measure Docker's client with both daemons only")
	crowd := flag.Int("containers", 1000, "containers that have ended, of which -clients lists one and all")
	data := flag.Int("data", 40, "GB that the fullest of the measured volumes holds")
	flag.Parse()
	if *fairness {
		if err := fair(*samples, *only); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %v\n", err)
			os.Exit(1)
		}
		return
	}
	if *meters {
		if err := bills(*samples, *entries); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %v\n", err)
			os.Exit(1)
		}
		return
	}
	if *docker {
		if err := withBoth(func(r *rig) error { return r.clientRows(*samples, *crowd, *only) }); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %v\n", err)
			os.Exit(1)
		}
		return
	}
	if err := bench(*samples, *parallel, *data, *entries, *volumes, *network); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// rig is the lab with both daemons.
type rig struct {
	*lab.Lab
	docker string // socket
	only   *regexp.Regexp
}

func bench(samples, parallel, data, entries int, onlyVolumes, onlyNetwork bool) error {
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
	if err := checkRoom(l.Dir, data); err != nil {
		return err
	}
	if err := l.StartRegistry(os.Getenv("HYPER_TEST_REGISTRY"), os.Getenv("HYPER_TEST_IMAGES")); err != nil {
		return err
	}
	if err := l.Start("--trace"); err != nil {
		return err
	}
	r := &rig{Lab: l}
	idleHyper := r.memory("hyperd")
	if r.docker, err = l.StartDocker(); err != nil {
		return err
	}
	idleDocker := r.memory("dockerd", "containerd")
	if err := r.images(); err != nil {
		return err
	}
	switch {
	case onlyVolumes:
		return r.volumes(samples, data)
	case onlyNetwork:
		return r.network(samples)
	}
	fmt.Printf("%-34s %12s %12s %8s\n", "", "hyper", "docker", "ratio")
	r.compare("version, client only", samples, "--version")
	r.compare("run --rm busybox true", samples, "run", "--rm", "busybox", "true")
	if err := r.both("run", "-d", "--name", "idle", "busybox", "sleep", "100000"); err != nil {
		return err
	}
	r.compare("exec true", samples, "exec", "idle", "true")
	r.parallel(parallel)
	r.compare(fmt.Sprintf("ps with %d running", parallel+1), samples, "ps")
	fullHyper, fullDocker := r.memory("hyperd", "hyper/containerd-shim"), r.memory("dockerd", "containerd", "bin/containerd-shim")
	n := int64(parallel + 1)
	row("memory of the daemon, idle (MB)", float64(idleHyper)/1e6, float64(idleDocker)/1e6, "%.0f")
	row("memory per running container (MB)", float64(fullHyper-idleHyper)/float64(n)/1e6, float64(fullDocker-idleDocker)/float64(n)/1e6, "%.1f")
	r.runc(samples)
	r.spans()
	if err := r.volumes(samples, data); err != nil {
		return err
	}
	if err := r.network(samples); err != nil {
		return err
	}
	return bills(samples, entries)
}

// closeAtSignal removes the lab, which may hold a lot, when the benchmark is interrupted.
func closeAtSignal(l *lab.Lab) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		_ = l.Close()
		os.Exit(130)
	}()
}

func row(name string, hyper, docker float64, format string) {
	fmt.Printf("%-34s %12s %12s %8.2f\n", name, fmt.Sprintf(format, hyper), fmt.Sprintf(format, docker), hyper/docker)
}

func (r *rig) images() error {
	if _, errOut, code := r.Hyper("pull", "busybox"); code != 0 {
		return errors.New(errOut)
	}
	name := strings.TrimPrefix(r.Mirror, "http://") + "/library/busybox"
	for _, args := range [][]string{{"pull", name}, {"tag", name, "busybox"}} {
		if out, err := exec.Command("docker", append([]string{"-H", r.docker}, args...)...).CombinedOutput(); err != nil {
			return fmt.Errorf("docker %v: %s", args, out)
		}
	}
	return nil
}

func (r *rig) hyperOnce(args ...string) (time.Duration, error) {
	begin := time.Now()
	_, errOut, code := r.Hyper(args...)
	if code != 0 {
		return 0, fmt.Errorf("hyper %v: %s", args, errOut)
	}
	return time.Since(begin), nil
}

func (r *rig) dockerOnce(args ...string) (time.Duration, error) {
	begin := time.Now()
	out, err := exec.Command("docker", append([]string{"-H", r.docker}, args...)...).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("docker %v: %s", args, out)
	}
	return time.Since(begin), nil
}

func (r *rig) both(args ...string) error {
	_, err1 := r.hyperOnce(args...)
	_, err2 := r.dockerOnce(args...)
	return errors.Join(err1, err2)
}

func (r *rig) compare(name string, samples int, args ...string) {
	var h, d []time.Duration
	for i := range samples + 1 {
		th, err1 := r.hyperOnce(args...)
		td, err2 := r.dockerOnce(args...)
		if err := errors.Join(err1, err2); err != nil {
			fmt.Printf("%-34s %v\n", name, err)
			return
		}
		if i > 0 { // the first warms up
			h, d = append(h, th), append(d, td)
		}
	}
	row(name+" (ms)", ms(median(h)), ms(median(d)), "%.0f")
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (r *rig) parallel(n int) {
	all := func(once func(...string) (time.Duration, error)) (time.Duration, error) {
		begin := time.Now()
		errs := make([]error, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { _, errs[i] = once("run", "-d", "--name", fmt.Sprintf("p%d", i), "busybox", "sleep", "100000") })
		}
		wg.Wait()
		return time.Since(begin), errors.Join(errs...)
	}
	h, err1 := all(r.hyperOnce)
	d, err2 := all(r.dockerOnce)
	if err := errors.Join(err1, err2); err != nil {
		fmt.Printf("%d parallel run -d: %v\n", n, err)
		return
	}
	row(fmt.Sprintf("%d parallel run -d (s)", n), h.Seconds(), d.Seconds(), "%.1f")
}

// memory is the proportional set size, in bytes, of the lab's processes whose command line holds one of the words.
func (r *rig) memory(words ...string) int64 { return r.size("Pss", words...) }

// size is the same for a kind of size: Pss, or Rss, in which what processes share counts for each.
func (r *rig) size(kind string, words ...string) int64 {
	out, err := r.Command(context.Background(), "sh", "-c",
		`for p in /proc/[0-9]*; do c=$(tr '\0' ' ' <$p/cmdline 2>/dev/null) || continue; k=$(awk '/^`+kind+`:/{print $2}' $p/smaps_rollup 2>/dev/null); echo "${k:-0} ${c%% *}"; done`).Output()
	if err != nil {
		return 0
	}
	var sum int64
	for _, line := range strings.Split(string(out), "\n") {
		var kb int64
		var program string
		if _, err := fmt.Sscan(line, &kb, &program); err != nil {
			continue
		}
		for _, w := range words {
			if strings.HasSuffix(program, "/"+w) || program == w || strings.Contains(w, "/") && strings.Contains(program, w) {
				sum += kb * 1024
				break
			}
		}
	}
	return sum
}

// runc measures the floor: the same program in a container, by runc alone.
func (r *rig) runc(samples int) {
	dir := filepath.Join(r.Dir, "bundle")
	runc := filepath.Join(filepath.Dir(r.Bin), "libexec", "hyper", "runc")
	script := fmt.Sprintf("mkdir -p %[1]s/rootfs && docker -H %[2]s create --name floor busybox true >/dev/null && docker -H %[2]s export floor | tar -C %[1]s/rootfs -xf - && cd %[1]s && %[3]s spec && sed -i 's/\"terminal\": true/\"terminal\": false/; s/\"sh\"/\"true\"/' config.json",
		dir, r.docker, runc)
	if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
		fmt.Printf("runc: %s\n", out)
		return
	}
	var d []time.Duration
	for i := range samples {
		begin := time.Now()
		cmd := r.Command(context.Background(), runc, "--root", filepath.Join(r.Dir, "runc"), "run", "-b", dir, fmt.Sprintf("floor%d", i))
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Printf("runc: %v %s\n", err, out)
			return
		}
		d = append(d, time.Since(begin))
	}
	fmt.Printf("%-34s %12.0f\n", "runc run, the floor (ms)", ms(median(d)))
}

// spans prints where the milliseconds of one run go, from hyperd's own trace.
func (r *rig) spans() {
	all := r.trace()
	fmt.Println("\nwhere the time of one run goes (medians of the first runs)")
	for _, n := range slices.Sorted(maps.Keys(all)) {
		first := all[n][:min(len(all[n]), 15)] // those of run --rm, one at a time
		fmt.Printf("  %-32s %8.1f ms\n", n, ms(median(first)))
	}
}

// trace is what hyperd has logged of how long the parts of its work took, in their order.
func (r *rig) trace() map[string][]time.Duration {
	all := map[string][]time.Duration{}
	raw, err := os.ReadFile(filepath.Join(r.Dir, "hyperd.log"))
	if err != nil {
		return all
	}
	for _, line := range bytes.Split(raw, []byte("\n")) {
		var span, took string
		for _, f := range strings.Fields(string(line)) {
			if v, ok := strings.CutPrefix(f, "span="); ok {
				span = v
			}
			if v, ok := strings.CutPrefix(f, "took="); ok {
				took = v
			}
		}
		if d, err := time.ParseDuration(took); err == nil && span != "" {
			all[span] = append(all[span], d)
		}
	}
	return all
}
