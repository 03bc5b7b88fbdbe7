package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hypercloud/hyper/api/client"
	"github.com/hypercloud/hyper/api/types"
)

// content is what a volume holds while it is measured: so many megabytes more than before, written by a kind of load.
type content struct {
	name string
	kind string
	mb   int
}

// The volumes whose server times are measured: one that grows, and one as a database leaves it.
var (
	ordered   = []content{{"empty", "", 0}, {"1 GB", "fill", 1e3}, {"10 GB", "fill", 9e3}, {"40 GB", "fill", 30e3}}
	scattered = []content{{"10 GB, 64 kB anywhere", "scatter", 10e3}}
)

// upTo leaves out what would make a volume hold more than so many GB.
func upTo(gb int, all []content) (out []content, mb int) {
	for _, c := range all {
		if mb+c.mb > gb*1000 {
			break
		}
		mb += c.mb
		out = append(out, c)
	}
	return out, mb
}

// roomFor refuses to begin what would fill the machine's disk: both volumes, and some for the rest of the benchmark.
func roomFor(dir string, gb int) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return err
	}
	_, first := upTo(gb, ordered)
	_, second := upTo(gb, scattered)
	need, free := int64(first+second)/1000+5, int64(st.Bavail)*st.Bsize/1e9
	if free < need {
		return fmt.Errorf("volumes of up to %d GB want %d GB of room in %s, and there are %d: make room, or measure smaller ones by -data", gb, need, dir, free)
	}
	return nil
}

// The rows of what is measured for each content.
var serverTimes = []struct{ name, aim string }{
	{"create", "100"},
	{"attach", ""},
	{"detach", ""},
	{"snapshot, under two writers", "50"},
	{"  one of them waits", ""},
	{"  one that flushes waits", ""},
	{"volume from a snapshot", "50"},
	{"restore, keeping what was", "50"},
	{"resize, not in use", ""},
}

// serverTimes measures how long hyperd takes for its calls, without the client's start: create, snapshot, a volume of one, restore and resize are
// asked at its socket, and of attaching and detaching its trace tells.
func (r *rig) serverTimes(samples, gb int) error {
	api, err := client.New(r.Host())
	if err != nil {
		return err
	}
	defer api.Close()
	var names []string
	var columns [][]float64
	for _, all := range [][]content{scattered, ordered} {
		list, _ := upTo(gb, all)
		if len(list) == 0 {
			continue
		}
		v := &measured{rig: r, api: api, samples: samples}
		if err := v.make(); err != nil {
			return err
		}
		for _, c := range list {
			fmt.Fprintf(os.Stderr, "server times of a volume: %s\n", c.name)
			column, err := v.column(c)
			if err != nil {
				return fmt.Errorf("a volume with %s: %w", c.name, err)
			}
			names, columns = append(names, c.name), append(columns, column)
		}
		if err := v.remove(); err != nil {
			return err
		}
	}
	if len(scattered) > 0 && len(names) > 0 && names[0] == scattered[0].name { // comes last in the table
		names, columns = append(names[1:], names[0]), append(columns[1:], columns[0])
	}
	fmt.Printf("\n%-30s %5s", "volumes, the server's times (ms)", "aim")
	for _, n := range names {
		fmt.Printf(" %*s", max(len(n), 9), n)
	}
	fmt.Println()
	for i, row := range serverTimes {
		fmt.Printf("%-32s %5s", row.name, row.aim)
		for j, c := range columns {
			fmt.Printf(" %*.1f", max(len(names[j]), 9), c[i])
		}
		fmt.Println()
	}
	return nil
}

// measured is a volume of 40 GB and the container that has it.
type measured struct {
	*rig
	api     *client.Client
	samples int
}

const theVolume, theContainer = "measured", "measures"

func (v *measured) make() error {
	program, err := v.load()
	if err != nil {
		return err
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	if _, err := v.api.VolumeCreate(context.Background(), types.VolumeCreate{Name: theVolume, DriverOpts: map[string]string{"size": "40"}}); err != nil {
		return err
	}
	if _, err := v.one("hyper", nil, "run", "-d", "--name", theContainer, "-v", theVolume+":/data", "busybox", "sleep", "100000"); err != nil {
		return err
	}
	_, err = v.one("hyper", content, "exec", "-i", theContainer, "sh", "-c", "cat >/load && chmod +x /load")
	return err
}

func (v *measured) remove() error {
	_, err := v.one("hyper", nil, "rm", "-f", theContainer)
	return errors.Join(err, v.api.VolumeRemove(context.Background(), theVolume))
}

// column adds the content and measures each row.
func (v *measured) column(c content) ([]float64, error) {
	if c.mb > 0 {
		if _, err := v.one("hyper", nil, "exec", theContainer, "/load", c.kind, "/data", strconv.Itoa(c.mb)); err != nil {
			return nil, err
		}
	}
	rows := make([][]float64, len(serverTimes))
	for range v.samples + 1 {
		sample, err := v.sample()
		if err != nil {
			return nil, err
		}
		for i, ms := range sample {
			rows[i] = append(rows[i], ms)
		}
	}
	out := make([]float64, len(rows))
	for i, r := range rows {
		out[i] = middle(r[1:]) // the first warms up
	}
	return out, nil
}

// sample measures each row once, and leaves the volume as it was.
func (v *measured) sample() ([]float64, error) {
	ctx := context.Background()
	var out []float64
	var failed error
	timed := func(fn func() error) {
		if failed == nil {
			begin := time.Now()
			failed = fn()
			out = append(out, ms(time.Since(begin)))
		}
	}
	untimed := func(fn func() error) {
		if failed == nil {
			failed = fn()
		}
	}
	hyper := func(args ...string) func() error {
		return func() error { _, err := v.one("hyper", nil, args...); return err }
	}
	timed(func() error {
		_, err := v.api.VolumeCreate(ctx, types.VolumeCreate{Name: "sample"})
		return err
	})
	untimed(func() error { return v.api.VolumeRemove(ctx, "sample") })
	untimed(func() error {
		detach, err := v.traced("exit.volumes", hyper("stop", "-t", "0", theContainer))
		if err != nil {
			return err
		}
		attach, err := v.traced("start.volumes", hyper("start", theContainer))
		out = append(out, attach, detach)
		return err
	})
	untimed(func() error {
		took, waits, err := v.underWriters(func() error {
			_, err := v.api.SnapshotCreate(ctx, types.SnapshotCreate{Volume: theVolume, Name: "sample", Force: true})
			return err
		})
		out = append(append(out, took), waits...)
		return err
	})
	timed(func() error {
		_, err := v.api.VolumeCreate(ctx, types.VolumeCreate{Name: "copy", DriverOpts: map[string]string{"snapshot": "sample"}})
		return err
	})
	untimed(hyper("stop", "-t", "0", theContainer))
	var before types.Snapshot
	timed(func() (err error) {
		before, err = v.api.SnapshotRestore(ctx, "sample")
		return err
	})
	timed(func() error { return v.api.VolumeResize(ctx, "copy", 50) })
	untimed(func() error {
		return errors.Join(v.api.SnapshotRemove(ctx, before.Name), v.api.SnapshotRemove(ctx, "sample"), v.api.VolumeRemove(ctx, "copy"))
	})
	untimed(hyper("start", theContainer))
	return out, failed
}

// underWriters measures a call while two programs in the container write, and how long each of them waited at most.
func (v *measured) underWriters(call func() error) (took float64, waits []float64, err error) {
	cmd := exec.Command(filepath.Join(v.Bin, "hyper"), "exec", "-i", theContainer, "/load", "wait", "/data")
	cmd.Env = v.clientEnv()
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, nil, err
	}
	if err := cmd.Start(); err != nil {
		return 0, nil, err
	}
	said := bufio.NewReader(out)
	if _, err = said.ReadString('\n'); err == nil {
		begin := time.Now()
		err = call()
		took = ms(time.Since(begin))
	}
	_ = in.Close()
	rest, rerr := io.ReadAll(said)
	if err := errors.Join(err, rerr, cmd.Wait()); err != nil {
		return 0, nil, err
	}
	waits = make([]float64, 2)
	if _, err := fmt.Sscan(string(rest), &waits[0], &waits[1]); err != nil {
		return 0, nil, fmt.Errorf("the writers said %q: %w", rest, err)
	}
	return took, waits, nil
}

// traced does something and returns the milliseconds that hyperd's trace tells of a part of it.
func (v *measured) traced(span string, fn func() error) (float64, error) {
	before := len(v.trace()[span])
	if err := fn(); err != nil {
		return 0, err
	}
	for range 100 {
		if after := v.trace()[span]; len(after) > before {
			return ms(after[before]), nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return 0, fmt.Errorf("hyperd's trace does not tell of %s", span)
}
