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

// checkRoom refuses to begin what would fill the machine's disk.
func checkRoom(dir string, gb int) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return err
	}
	if free := int64(st.Bavail) * st.Bsize / 1e9; free < roomFor(gb) {
		return fmt.Errorf("volumes of up to %d GB want %d GB of room in %s, and there are %d: make room, or measure smaller ones by -data", gb, roomFor(gb), filepath.Dir(dir), free)
	}
	return nil
}

// roomFor is the GB that both volumes take together, and some for the rest of the benchmark.
func roomFor(gb int) int64 {
	_, first := upTo(gb, ordered)
	_, second := upTo(gb, scattered)
	return int64(first+second)/1000 + 5
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
	for _, all := range [][]content{ordered, scattered} {
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
	fmt.Printf("\n%-32s %5s", "volumes, the server's times (ms)", "aim")
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
	if err := v.hyper("run", "-d", "--name", theContainer, "-v", theVolume+":/data", "busybox", "sleep", "100000"); err != nil {
		return err
	}
	_, err = v.one("hyper", content, "exec", "-i", theContainer, "sh", "-c", "cat >/load && chmod +x /load")
	return err
}

func (v *measured) remove() error {
	err := v.hyper("rm", "-f", theContainer)
	return errors.Join(err, v.api.VolumeRemove(context.Background(), theVolume))
}

// column adds the content and measures each row. Nothing is removed before all is measured: of a volume in many pieces the machine has work for a long
// time after it is gone.
func (v *measured) column(c content) ([]float64, error) {
	ctx := context.Background()
	if c.mb > 0 {
		if err := v.hyper("exec", theContainer, "/load", c.kind, "/data", strconv.Itoa(c.mb)); err != nil {
			return nil, err
		}
	}
	var out []float64
	var kept []func() error
	keep := func(remove func(context.Context, string) error, name string) {
		kept = append(kept, func() error { return remove(ctx, name) })
	}
	asked := func(call func() error) func() ([]float64, error) {
		return func() ([]float64, error) {
			begin := time.Now()
			err := call()
			return []float64{ms(time.Since(begin))}, err
		}
	}
	name := func(of string, i int) string { return fmt.Sprint(of, "-", i) }
	i := 0 // of the sample
	for _, rows := range []func() ([]float64, error){
		asked(func() error {
			keep(v.api.VolumeRemove, name("created", i))
			_, err := v.api.VolumeCreate(ctx, types.VolumeCreate{Name: name("created", i)})
			return err
		}),
		v.attachAndDetach,
		func() ([]float64, error) {
			keep(v.api.SnapshotRemove, name("taken", i))
			return v.underWriters(func() error {
				_, err := v.api.SnapshotCreate(ctx, types.SnapshotCreate{Volume: theVolume, Name: name("taken", i), Force: true})
				return err
			})
		},
		asked(func() error {
			keep(v.api.VolumeRemove, name("copy", i))
			_, err := v.api.VolumeCreate(ctx, types.VolumeCreate{Name: name("copy", i), DriverOpts: map[string]string{"snapshot": name("taken", 0)}})
			return err
		}),
		func() ([]float64, error) {
			if err := v.hyper("stop", "-t", "0", theContainer); err != nil {
				return nil, err
			}
			return asked(func() error {
				before, err := v.api.SnapshotRestore(ctx, name("taken", 0))
				keep(v.api.SnapshotRemove, before.Name)
				return err
			})()
		},
		asked(func() error { return v.api.VolumeResize(ctx, name("copy", i), 50) }),
	} {
		var samples [][]float64
		for i = range v.samples + 1 {
			sample, err := rows()
			if err != nil {
				return nil, err
			}
			samples = append(samples, sample)
		}
		for row := range samples[0] {
			var all []float64
			for _, s := range samples[1:] { // the first warms up
				all = append(all, s[row])
			}
			out = append(out, middle(all))
		}
	}
	for _, remove := range kept {
		if err := remove(); err != nil {
			return nil, err
		}
	}
	return out, v.hyper("start", theContainer)
}

func (v *measured) hyper(args ...string) error {
	_, err := v.one("hyper", nil, args...)
	return err
}

// attachAndDetach has the container stopped and started.
func (v *measured) attachAndDetach() ([]float64, error) {
	detach, err := v.traced("exit.volumes", func() error { return v.hyper("stop", "-t", "0", theContainer) })
	if err != nil {
		return nil, err
	}
	attach, err := v.traced("start.volumes", func() error { return v.hyper("start", theContainer) })
	return []float64{attach, detach}, err
}

// underWriters measures a call while two programs in the container write, and how long each of them waited at most.
func (v *measured) underWriters(call func() error) ([]float64, error) {
	cmd := exec.Command(filepath.Join(v.Bin, "hyper"), "exec", "-i", theContainer, "/load", "wait", "/data")
	cmd.Env = v.clientEnv()
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	said := bufio.NewReader(out)
	var took, waited, flushed float64
	if _, err = said.ReadString('\n'); err == nil {
		begin := time.Now()
		err = call()
		took = ms(time.Since(begin))
	}
	_ = in.Close()
	rest, rerr := io.ReadAll(said)
	if err := errors.Join(err, rerr, cmd.Wait()); err != nil {
		return nil, err
	}
	if _, err := fmt.Sscan(string(rest), &waited, &flushed); err != nil {
		return nil, fmt.Errorf("the writers said %q: %w", rest, err)
	}
	return []float64{took, waited, flushed}, nil
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
